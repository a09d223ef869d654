"""Tells addresses, codes, numbers and other identifiers from words, so that none is unmasked."""

import re
from typing import Final

_ADDRESS: Final = re.compile(
    r"""://|^www\.|^mailto:|\\|^[~.]{0,2}/|@[\w-]+\.\w|(?:/[\w.-]*){2}|^[\w-]{2,}(?:\.[\w-]{2,})+[/:?]"""
)
_PART: Final = re.compile(r"(?:[^\W_]|[$@!|](?=[^\W_]))+")
_MIXED: Final = re.compile(r"\d[^\W\d_]|[^\W\d_]\d")
_WORD_WITH_DIGITS_INSIDE: Final = re.compile(r"[^\W\d_]+(?:\d{1,2}[^\W\d_]+)+")
_HEXADECIMAL: Final = re.compile(r"(?:0x[0-9a-f]+|(?=\D*\d)[0-9a-f]{6,})")
_LONGEST_WORD: Final = 24
_DIGIT: Final = re.compile(r"\d")


def is_identifier(token: str) -> bool:
    """Whether a token without white space, in lower case, names or numbers something.

    True of URLs, e-mail addresses, paths, IP addresses, versions, product codes such as
    ``fuk8-2271-ass-04``, UUIDs, hashes and base64; false of ``b1tch`` and of ordinary words.
    """
    if _ADDRESS.search(token):
        return True
    if _DIGIT.search(token) is None:
        return False
    parts: list[str] = _PART.findall(token)
    if len(parts) == 1:
        return _is_code(parts[0])
    return any(
        part.isdecimal()
        or _is_code(part)
        or (_MIXED.search(part) is not None and not _WORD_WITH_DIGITS_INSIDE.fullmatch(part))
        for part in parts
    )


def _is_code(part: str) -> bool:
    if _HEXADECIMAL.fullmatch(part):
        return True
    return len(part) > _LONGEST_WORD and _DIGIT.search(part) is not None
