"""Frames untrusted words so that they stay words: no model takes them for instructions or turns.

Two attacks are met here. Content that speaks to the reviewer is set apart as one JSON document
between lines that it can't know. Content that spells the control tokens of a chat template, such
as ``<|im_end|>``, which most servers would obey wherever they stand, is spelt differently.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

# Control tokens of the known families begin with one of these: <|…|>, </s>, <end_of_turn>, [INST].
_RISKY_IN_JSON: Final = re.compile("[<\\[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_RISKY_IN_TEXT: Final = re.compile(r"<(?=\S)|\[(?=/?[A-Z_]{2,}|g[A-Z])")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def new_boundary() -> str:
    """Return a line that nobody can foresee: 64 random bits."""
    return f"content-{secrets.token_hex(8)}"


def framed(document: Json, boundary: str) -> str:
    """Return a document as one line of JSON between two lines that read ``boundary``.

    Strings in it hold no line break, no quotation mark and no beginning of a control token but as
    JSON escapes, so that reading the line as JSON gives the document back unchanged.
    """
    return f"{boundary}\n{encoded(document)}\n{boundary}"


def encoded(value: Json) -> str:
    """Return a value as JSON in one line, with the strings escaped as ``framed`` says."""
    if isinstance(value, str):
        return _RISKY_IN_JSON.sub(_as_escape, json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        fields = (f"{encoded(name)}:{encoded(entry)}" for name, entry in value.items())
        return "{" + ",".join(fields) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(encoded, value)) + "]"
    return json.dumps(value)


def disarmed(text: str) -> str:
    """Return a text in which nothing reads as a control token, for models that want it bare.

    A space after the bracket is all that changes, beside halves of broken characters.
    """
    return _LONE_SURROGATE.sub("\ufffd", _RISKY_IN_TEXT.sub(r"\g<0> ", text))


def _as_escape(risky: re.Match[str]) -> str:
    return f"\\u{ord(risky[0]):04x}"
