"""How a failure is put into a log: by its type and place, never by its text."""

import logging
from typing import Final

from gaveld.domain.signals import ClassifierCard

_CODES: Final = ("sqlite_errorname", "sqlstate")
"""Where databases' errors have their code, which is one of a list and quotes nothing."""

_log = logging.getLogger(__name__)


def place_of(failure: BaseException) -> str:
    """Return an exception's type and where it was raised. Its text may quote content: left out.

    A database's own code is in it, such as SQLITE_FULL, that operators know what to do.
    """
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(failure).__name__}{_code_of(failure)}{where}"


def _code_of(failure: BaseException) -> str:
    cause = getattr(failure, "orig", failure)
    codes = (getattr(cause, name, None) for name in _CODES)
    return next((f" ({code})" for code in codes if isinstance(code, str) and code), "")


def log_failed_classifier(card: ClassifierCard, failure: Exception) -> None:
    """Log that a classifier raised, where, and nothing of what it says."""
    _log.error(
        "classifier failed",
        extra={"classifier": card.name, "version": card.version, "cause": place_of(failure)},
    )
