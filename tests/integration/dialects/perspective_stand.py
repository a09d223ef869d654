"""What tests of Perspective's API ask with, and how they read a refusal."""

import json

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"


def asked(text: str = "what kind of idiot name is foo?", *names: str, **more) -> dict:
    """A request for attributes; for TOXICITY if none is named."""
    wanted = {name: {} for name in names or ("TOXICITY",)}
    return {"comment": {"text": text}, "requestedAttributes": wanted, **more}


async def error_of(served, body, path: str = ANALYZE) -> dict:
    """Send a request that must be refused, and return the error; its code is the HTTP status."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await served.client.post(path, content=content)
    error = answer.json()["error"]
    assert answer.status_code == error["code"]
    assert answer.headers["content-type"] == "application/json"
    return error
