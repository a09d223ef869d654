"""Finds the JSON object in what a model said, whatever it said around it."""

import json
import re
from typing import Any, Final

_THOUGHTS: Final = "</think>"
_TRAILING_COMMA: Final = re.compile(r",\s*([}\]])")


def object_in(text: str) -> dict[str, Any] | None:
    """Return the one object that stands in an answer; None if there is none, or more than one.

    What a reasoning model thought aloud is passed over. Tolerated are prose and a code fence
    around the object, and commas before a closing bracket. An object within a broken one is never
    taken for the answer: it may be a quotation of the content.
    """
    said = text.rpartition(_THOUGHTS)[2]
    candidate = said[said.find("{") : said.rfind("}") + 1]
    for attempt in (candidate, _TRAILING_COMMA.sub(r"\1", candidate)):
        try:
            value = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        return value if isinstance(value, dict) else None
    return None
