"""Judges several pieces that stand or fall together; one that can't be judged costs coverage."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from gaveld.application.failures import place_of
from gaveld.domain.errors import GavelError, ResourceExhausted, Unavailable
from gaveld.domain.outcomes import OutcomeTally
from gaveld.domain.signals import ClassifierOutcome
from gaveld.domain.verdicts import JudgedFinding, Verdict, combined, strictest_first

_log = logging.getLogger(__name__)


class Judgement(Protocol):
    """What judging a text or a file comes to, whatever else is known of it."""

    @property
    def verdict(self) -> Verdict:
        """The policy's verdict."""
        ...

    @property
    def outcomes(self) -> tuple[ClassifierOutcome, ...]:
        """What became of every classifier."""
        ...


JudgementT_co = TypeVar("JudgementT_co", bound=Judgement, covariant=True)


@dataclass(frozen=True, slots=True)
class Piece(Generic[JudgementT_co]):
    """One piece's result: its judgement, or why there is none; both are None of an empty piece.

    ``path`` names it, such as ``images[1]``. One without a judgement has a verdict all the same:
    that on something that nobody looked at.
    """

    path: str
    verdict: Verdict
    outcomes: tuple[ClassifierOutcome, ...]
    judgement: JudgementT_co | None = None
    failure: Exception | None = None


Unjudged = tuple[Verdict, tuple[ClassifierOutcome, ...]]
"""The verdict on what nobody looked at, and who did not look."""


async def piece(
    path: str, work: Awaitable[JudgementT_co], unjudged: Callable[[], Unjudged]
) -> Piece[JudgementT_co]:
    """Return what ``work`` finds, or if it fails what ``unjudged`` says of the piece.

    Raises ``ResourceExhausted`` and ``Unavailable``, so that the whole is sent again later.
    """
    try:
        judgement = await work
    except (ResourceExhausted, Unavailable):
        raise
    except Exception as failure:  # noqa: BLE001 - one bad piece fails alone
        if not isinstance(failure, GavelError):
            # No traceback: it shows the exception's text, which may quote content.
            _log.error("piece failed", extra={"cause": place_of(failure)})
        verdict, outcomes = unjudged()
        return Piece(path, verdict, outcomes, failure=failure)
    return Piece(path, judgement.verdict, judgement.outcomes, judgement)


def together(pieces: Iterable[Judgement]) -> Unjudged:
    """Return the verdict on all pieces together, and what became of every classifier.

    There is at least one piece, and all are of one policy.
    """
    tally = OutcomeTally("pieces")
    verdicts = []
    for entry in pieces:
        verdicts.append(entry.verdict)
        tally.add(entry.outcomes)
    return combined(verdicts), tally.merged()


class PlacedFinding(NamedTuple):
    """A finding, and which piece it is in, such as ``text`` or ``images[1]``."""

    path: str
    entry: JudgedFinding


def placed(verdicts: Iterable[tuple[str, Verdict]]) -> tuple[PlacedFinding, ...]:
    """Return the findings of all pieces, by their paths, strictest action first, then by score."""
    found = (PlacedFinding(path, entry) for path, verdict in verdicts for entry in verdict.findings)
    return tuple(sorted(found, key=lambda placed: strictest_first(placed.entry)))


async def all_of(work: Sequence[Awaitable[Any]]) -> list[Any]:
    """Return all results; the first failure cancels the rest and is raised as it is."""
    tasks = [asyncio.ensure_future(entry) for entry in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
