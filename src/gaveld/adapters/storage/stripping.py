"""Takes the content's words out of what is stored, whatever state that is in."""

import structlog

from gaveld.application.ports import StripWords

_log = structlog.get_logger(__name__)


def without_words(stored: bytes, strip: StripWords) -> bytes:
    """Return what is stored without the content's words; nothing of it if it can't be read.

    Else what is torn, or was written by a later release, would keep all else from being erased.
    """
    try:
        return strip(stored)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with it, its words go)
        _log.error("unreadable_words_erased", error=type(error).__name__)
        return b""
