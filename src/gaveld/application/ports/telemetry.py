"""The port of what use cases count and time."""

from collections.abc import Sequence
from typing import Protocol

from gaveld.application.ports.jobs import JobCounts
from gaveld.domain.actions import Action
from gaveld.domain.jobs import JobKind, JobOutcome
from gaveld.domain.media import MediaKind, MediaRefusal
from gaveld.domain.reviews import ContentKind, Decision
from gaveld.domain.rules import RuleStatus
from gaveld.domain.signals import ClassifierCard, OutcomeStatus


class Telemetry(Protocol):
    """Counts and times what use cases do. Never raises, never blocks, never sees content."""

    def stage_finished(self, stage: str, seconds: float) -> None:
        """Record how long one named stage of a use case took."""
        ...

    def classifier_finished(
        self, card: ClassifierCard, status: OutcomeStatus, seconds: float
    ) -> None:
        """Record one classifier's outcome and how long it took."""
        ...

    def verdict_given(self, action: Action, category_ids: Sequence[str]) -> None:
        """Record a verdict and the categories that asked for more than to allow."""
        ...

    def check_bypassed(self, classifier: str, status: OutcomeStatus, action: Action) -> None:
        """Record that a required check was not made, by which classifier, and the action given.

        ``classifier`` is a card's name, or ``none`` where no known classifier covers a category.
        """
        ...

    def ballot_cast(self, reviewer: str, decision: Decision, seconds: float) -> None:
        """Record one reviewer's ballot, failed ones too, and how long it took."""
        ...

    def review_given(self, kind: ContentKind, decision: Decision, outstanding: int) -> None:
        """Record a panel's decision, and how many ballots it did not wait for."""
        ...

    def batch_received(self, size: int) -> None:
        """Record how many texts one batch call held."""
        ...

    def cache_asked(self, *, found: bool) -> None:
        """Record whether a text's or a picture's signals were in the cache."""
        ...

    def picture_judged(self, kind: MediaKind, frames: int, *, is_partial: bool) -> None:
        """Record a picture or an animation, how many frames were looked at, and if that was all."""
        ...

    def media_refused(self, refusal: MediaRefusal) -> None:
        """Record that a file was not judged, and why."""
        ...

    def picture_turned_away(self) -> None:
        """Record that a picture was not looked at because there was no place for it."""
        ...

    def job_attempted(self, kind: JobKind, outcome: JobOutcome, seconds: float) -> None:
        """Record one attempt at a job, what became of it, and how long it took."""
        ...

    def jobs_counted(self, counts: JobCounts, oldest_seconds: float) -> None:
        """Record how much work there is, and for how long the oldest could have been done."""
        ...

    def reviews_counted(self, waiting: int, oldest_seconds: float) -> None:
        """Record how many items wait for people, and for how long the oldest of them does."""
        ...

    def rows_erased(self, what: str, rows: int) -> None:
        """Record that rows were erased because their time was over; ``what`` names the store."""
        ...

    def policy_not_refreshed(self) -> None:
        """Record that the storage could not say whether a known policy is still in force."""
        ...

    def rule_run(self, status: RuleStatus, *, is_shadow: bool) -> None:
        """Record how one of a policy's rules came out, and whether it is a shadow."""
        ...
