"""How a failure is put into a log: by its type and place, never by its text."""

import logging

from gaveld.domain.signals import ClassifierCard

_log = logging.getLogger(__name__)


def place_of(failure: BaseException) -> str:
    """Return an exception's type and where it was raised. Its text may quote content: left out."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(failure).__name__}{where}"


def log_failed_classifier(card: ClassifierCard, failure: Exception) -> None:
    """Log that a classifier raised, where, and nothing of what it says."""
    _log.error(
        "classifier failed",
        extra={"classifier": card.name, "version": card.version, "cause": place_of(failure)},
    )
