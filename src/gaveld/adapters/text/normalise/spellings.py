"""Words whose marks are their spelling: without them they would be other, sometimes rude, words.

Vietnamese syllables, Turkish words with dotless i, and one German verb. It looks for shapes that
a disguised English word does not have, and knows no dictionary.
"""

import re
from collections.abc import Iterator
from typing import Final

_VIETNAMESE: Final = re.compile("[ơưăđƠƯĂĐ\u1ea0-\u1ef9]")
_VIETNAMESE_VOWEL: Final = (
    "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵ"
)
_VIETNAMESE_SYLLABLE: Final = (
    "(?:ngh?|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnprstvx])?"
    f"[{_VIETNAMESE_VOWEL}]{{1,3}}"
    "(?:ch|ng|nh|[cmnpt])?"
)
_TURKISH: Final = re.compile("[ğşĞŞİ]")
_DOTLESS: Final = r"[a-zçğ\u0131öşüâîû]{0,32}\u0131[a-zçğ\u0131öşüâîû]{0,32}"
_ATE: Final = "aß"
"""German for "ate": any other word in ß stays itself when it is written with ss."""


def spelled_with_marks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of words that are to keep their marks, in order."""
    shapes = []
    if _ATE in text or "Aß" in text:
        shapes.append(_ATE)
    if _VIETNAMESE.search(text):
        shapes.append(_VIETNAMESE_SYLLABLE)
    if "\u0131" in text and _TURKISH.search(text):
        shapes.append(_DOTLESS)
    if not shapes:
        return
    for word in re.finditer(rf"\b(?:{'|'.join(shapes)})\b", text, re.IGNORECASE):
        if not word.group().isascii():
            yield word.span()
