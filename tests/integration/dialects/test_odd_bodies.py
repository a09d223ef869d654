"""Bodies made up at random, for the dialects that read nested JSON by hand."""

import random
from collections.abc import Iterator
from typing import Any

from gaveld.transport.rest.dialects.acs import AcsDialect
from gaveld.transport.rest.dialects.discuse import DiscuseDialect
from tests.fakes.reviewer import FakeReviewer
from tests.integration.dialects.conftest import ServeDialects
from tests.media_house import MediaParts

ENDPOINTS = ("text", "comment", "chat", "conversation", "search", "image", "video")
NAMES = (
    "content", "amount", "context", "decision_method", "excluded_categories", "custom_prompt",
    "verbose", "role", "request", "media", "text", "image_url", "gif_url", "user_id", "settings",
    "project_id", "toxicity", "images", "trace_context", "\x00", "",
)  # fmt: skip
ATOMS = (
    None, True, False, 0, 1, -1, 10, 10**40, 0.5, 1e308, "", " ", "a", "\x00", "é" * 3, "http://",
    "data:,", "data:image/png;base64,", "data:image/png;base64,QQ==", "QQ==", "\u202e", "average",
    "H1", "user",
)  # fmt: skip


def odd(source: random.Random, depth: int = 0) -> Any:
    """A value of any shape, of names and atoms that mean something somewhere."""
    kind = source.random()
    if depth > 3 or kind < 0.5:
        return source.choice(ATOMS)
    if kind < 0.7:
        return [odd(source, depth + 1) for _ in range(source.randrange(4))]
    return odd_object(source, NAMES, depth)


def odd_object(source: random.Random, names: tuple[str, ...], depth: int = 0) -> dict[str, Any]:
    chosen = source.sample(names, source.randrange(1, min(5, len(names) + 1)))
    return {name: odd(source, depth + 1) for name in chosen}


def bodies(seed: int, names: tuple[str, ...], count: int = 150) -> Iterator[Any]:
    """Whole bodies: mostly objects with names of the API on top."""
    source = random.Random(seed)
    for _ in range(count):
        yield odd_object(source, names) if source.random() < 0.9 else odd(source)


async def test_no_body_breaks_acs(serve_dialects: ServeDialects):
    """Law: whatever the body, the answer is a review or the envelope, and no defect."""
    reviewers = [FakeReviewer("a"), FakeReviewer("b", reads_custom_prompts=True)]
    served = await serve_dialects(AcsDialect(), reviewers=reviewers, media=MediaParts())
    told = set()
    for place, body in enumerate(bodies(1, NAMES[:7])):
        kind = ENDPOINTS[place % len(ENDPOINTS)]
        whole = {"content": "hi", **body} if isinstance(body, dict) and place % 2 else body
        answer = await served.client.post(f"/api/v1/compliance/{kind}", json=whole)
        assert answer.status_code in {200, 400, 422}, (kind, whole, answer.text)
        if answer.status_code != 200:
            assert set(answer.json()) == {"error", "message", "code"}
            told.add(answer.json()["code"])
    assert told == {"invalid_request", "invalid_content", "invalid_parameter"}


async def test_no_body_breaks_discuse(serve_dialects: ServeDialects):
    """Law: whatever the body, the answer is a check or an error that says so, and no defect."""
    served = await serve_dialects(DiscuseDialect())
    statuses = set()
    for place, media in enumerate(bodies(2, ("text", "image_url", "gif_url"))):
        settings = odd_object(random.Random(place), NAMES[14:])
        body = {"request": {"media": media}, **({"settings": settings} if place % 3 == 0 else {})}
        answer = await served.client.post("/api/v1/check", json=media if place % 10 == 0 else body)
        statuses.add(answer.status_code)
        assert answer.status_code in {200, 400}, (body, answer.text)
        if answer.status_code != 200:
            assert set(answer.json()) == {"error"}
    assert statuses == {200, 400}
