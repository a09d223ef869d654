"""What every form of asking and answering has in common."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gaveld.adapters.reviewers.chat_model.chat import ChatAnswer, ChatPrompt
from gaveld.adapters.reviewers.chat_model.showing import Shown
from gaveld.domain.reviews import FlaggedRule, ReviewTask, Rule

UNREADABLE_TO_MODELS: Final = frozenset({"L2", "S3"})
"""What no reading can tell: an operator's list of terms, and whether a file is malware."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says: whether a rule is broken, which ones, and a sentence why."""

    is_unsafe: bool
    flagged: tuple[FlaggedRule, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt, and how its answer is read.

    ``read`` raises ``UnreadableAnswerError``; ``repaired`` is then asked instead, once.
    """

    prompt: ChatPrompt
    repaired: ChatPrompt
    read: Callable[[ChatAnswer], Reading]


class AnswerForm(Protocol):
    """One way to ask a model for a review. Stateless."""

    @property
    def reads_custom_prompts(self) -> bool:
        """Whether it can judge by a caller's own prompt."""
        ...

    @property
    def can_see(self) -> bool:
        """Whether pictures may be part of its prompts."""
        ...

    @property
    def limits(self) -> str:
        """What it can't see, in one sentence."""
        ...

    def covers(self, rules: Sequence[Rule]) -> frozenset[str]:
        """Return the ids of those rules that its answers speak of."""
        ...

    def questions(self, task: ReviewTask, shown: Shown) -> Sequence[Question]:
        """Return what to ask, all at once; asked only if it covers a rule of the task."""
        ...


def merged(readings: Collection[Reading]) -> Reading:
    """Return what several answers say together: each flagged rule once, at its highest."""
    highest: dict[str, float] = {}
    for reading in readings:
        for entry in reading.flagged:
            highest[entry.rule_id] = max(entry.confidence, highest.get(entry.rule_id, 0.0))
    is_unsafe = any(reading.is_unsafe for reading in readings)
    telling = [entry.reason for entry in readings if entry.is_unsafe == is_unsafe]
    return Reading(
        is_unsafe,
        tuple(FlaggedRule(rule_id, confidence) for rule_id, confidence in highest.items()),
        " ".join(dict.fromkeys(telling)),
    )
