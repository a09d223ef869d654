"""Rate limits: counted in this process. (Shared counting, through Redis, is another adapter.)"""
