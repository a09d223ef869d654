"""What became of each classifier over several looks at one thing: as it did worst."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus

_BADNESS: Final = (
    None,
    OutcomeStatus.SKIPPED,
    OutcomeStatus.NOT_INSTALLED,
    OutcomeStatus.TIMED_OUT,
    OutcomeStatus.FAILED,
)


@dataclass(slots=True)
class _Record:
    worst: ClassifierOutcome
    seconds: float = 0.0
    asked: int = 0
    missed: int = 0


class OutcomeTally:
    """Adds outcomes up, one for each classifier and version; ``looks`` names what it is asked of.

    Its size does not grow with the number of looks.
    """

    def __init__(self, looks: str) -> None:
        self._looks = looks
        self._records: dict[tuple[str, str], _Record] = {}

    def add(self, outcomes: Iterable[ClassifierOutcome]) -> None:
        """Take the outcomes of one look."""
        for outcome in outcomes:
            name = outcome.card.name, outcome.card.version
            record = self._records.setdefault(name, _Record(outcome))
            record.asked += 1
            record.missed += outcome.missed_as is not None
            record.seconds += outcome.seconds
            if _badness(outcome) > _badness(record.worst):
                record.worst = outcome

    def merged(self) -> tuple[ClassifierOutcome, ...]:
        """Return each classifier once, by name: as it did worst, and all its seconds."""
        return tuple(self._merged(record) for _, record in sorted(self._records.items()))

    def _merged(self, record: _Record) -> ClassifierOutcome:
        worst = record.worst
        reason = worst.reason
        if worst.missed_as is not None and record.asked > 1:
            reason = f"In {record.missed} of {record.asked} {self._looks}: {reason}"
        return replace(worst, seconds=record.seconds, reason=reason)


def with_rest(
    outcomes: tuple[ClassifierOutcome, ...], name: str, unseen: str
) -> tuple[ClassifierOutcome, ...]:
    """Return the outcomes with one that stands for the part of a file that nobody could judge.

    It bears the name, and all their categories count as partly checked. ``unseen`` says what that
    part is; they are as they were if it is empty.
    """
    if not unseen:
        return outcomes
    categories = frozenset(entry for outcome in outcomes for entry in outcome.card.categories)
    card = ClassifierCard(name, "", categories)
    return (*outcomes, ClassifierOutcome(card, OutcomeStatus.RAN, reason=unseen, is_check=False))


def _badness(outcome: ClassifierOutcome) -> tuple[int, bool]:
    # One that ran speaks for one that had nothing to look at.
    return _BADNESS.index(outcome.missed_as), outcome.status is OutcomeStatus.RAN
