"""Models behind OpenAI-compatible HTTP endpoints that hear and see what Gavel itself can't.

``transcription`` writes down speech and ``description`` says what a picture shows; both ask through
``server``. None of them judges: what they say is evidence, and reviewers have their own adapters.
They are imported by whoever has a server to ask, since an HTTP client is memory that others need
not pay.
"""
