"""Takes the content's words, and its author, out of callbacks that were written and not yet sent.

It knows the forms that ``callbacks`` and ``review_callbacks`` write; what else they say stays.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

_ECHOED: Final = ("content", "original", "filteredContent", "meta", "description")
_AUTHOR: Final = "actorId"


def without_words(body: bytes) -> bytes:
    """Return a callback's body without texts, descriptions and metadata."""
    told = json.loads(body)
    _strip(told)
    return _written(told)


def nameless(body: bytes) -> bytes:
    """Return a callback's body without its words, why people decided so, and its author's id."""
    told = json.loads(body)
    _strip(told)
    told.pop(_AUTHOR, None)
    for opinion in told.get("opinions", ()):
        opinion.pop("reason", None)
    if "user_id" in told:  # Apollo's
        told["user_id"] = ""
    for judged in _of_contentmod(told):
        judged[_AUTHOR] = None
    return _written(told)


def _strip(told: dict[str, Any]) -> None:
    for name in ("metadata", "fields"):
        told.pop(name, None)
    for result in told.get("fieldResults", ()):
        for name in ("text", "filteredText", "description"):
            result.pop(name, None)
    if "status" in told.get("data", ()):  # a queue item, in which what is not kept has no key
        told["data"].pop("content", None)
    for judged in _of_contentmod(told):
        judged |= {name: None for name in _ECHOED if name in judged}


def _of_contentmod(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the judgement in ContentMod's form, where there is one."""
    data = told.get("data", {})
    judged = data.get("moderation") if "status" in data else data
    if judged:
        yield judged


def _written(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
