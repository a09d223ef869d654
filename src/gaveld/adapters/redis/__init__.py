"""What replicas share through Redis: rate limits, what was learnt of content, and answers.

Redis is never needed: each of these has one in this process's memory beside it, which serves alone
for as long as Redis is down or slow.
"""
