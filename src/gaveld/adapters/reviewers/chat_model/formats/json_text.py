"""Reads the JSON object that an answer consists of."""

import json
import re
from typing import Any, Final

_THOUGHTS: Final = "</think>"
_FENCE: Final = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL | re.IGNORECASE)
_TRAILING_COMMA: Final = re.compile(r",\s*([}\]])")


def object_in(text: str) -> dict[str, Any] | None:
    """Return the object that an answer is; None if it is anything else.

    What a reasoning model thought aloud before it, a code fence around it and commas before its
    closing brackets are tolerated. Other words are not: an object among them may as well be a
    quotation of the content, which must never pass for the answer.
    """
    for said in (text.strip(), text.rpartition(_THOUGHTS)[2].strip()):
        fenced = _FENCE.fullmatch(said)
        bare = fenced[1] if fenced else said
        for attempt in (bare, _TRAILING_COMMA.sub(r"\1", bare)):
            try:
                value = json.loads(attempt)
            except (ValueError, RecursionError):
                continue
            return value if isinstance(value, dict) else None
    return None
