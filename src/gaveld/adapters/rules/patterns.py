"""The patterns that strings of typed content must match, with RE2: no pattern hangs the server."""

from functools import lru_cache
from typing import Any, Final

import re2

from gaveld.application.ports import PatternInvalidError

MAX_INSTRUCTIONS: Final = 1_500
"""A larger program is refused: what a pattern costs is its size times the length of the text."""

_MAX_MEMORY_BYTES: Final = 4 << 20
"""For the program and the states that it is run with; with too little of it RE2 is slow."""


class Re2Patterns:
    """``Patterns`` with Google's RE2. Compiled patterns are remembered."""

    def check(self, pattern: str) -> None:
        """Raise ``PatternInvalidError`` for a pattern that can't be used."""
        compiled(pattern)

    def fits(self, pattern: str, text: str) -> bool:
        """Return whether the pattern matches the whole of a text; False for one that is invalid."""
        try:
            return compiled(pattern).fullmatch(text) is not None
        except (PatternInvalidError, UnicodeEncodeError):
            return False


@lru_cache(maxsize=1_024)
def compiled(pattern: str) -> Any:
    """Return the compiled pattern. Raises ``PatternInvalidError``."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY_BYTES
    try:
        program = re2.compile(pattern, options)
    except UnicodeEncodeError as error:
        raise PatternInvalidError("is not Unicode") from error
    except re2.error as error:
        raise PatternInvalidError(_reason(error)) from error
    if program.programsize > MAX_INSTRUCTIONS:
        raise PatternInvalidError("is too large; shorten its repeats and classes")
    return program


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "can't be read"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
