"""Reads the text of subtitles as people see it, without the marks that style it."""

import re
from typing import Final

_FIELDS_BEFORE_TEXT: Final = 8
_STYLE: Final = re.compile(r"\{[^}]*\}")
_TAG: Final = re.compile(r"</?(?:b|i|u|s|c|v|lang|ruby|rt|font)\b[^<>]*>", re.IGNORECASE)
_BREAK: Final = re.compile(r"\\[Nn]|[\r\n]+")


def shown_text(line: bytes) -> str:
    """Return the text of a line in the form that decoders give subtitles, that of SSA."""
    text = line.decode("utf-8", "replace").replace("\0", "")
    text = text.split(",", _FIELDS_BEFORE_TEXT)[-1]
    text = _BREAK.sub("\n", _STYLE.sub("", text)).replace("\\h", " ")
    return "\n".join(part.strip() for part in _TAG.sub("", text).split("\n")).strip()
