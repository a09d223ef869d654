"""Telemetry that remembers what it was told, for tests to look at."""

from collections.abc import Sequence

from gaveld.application.ports import JobCounts
from gaveld.domain.actions import Action
from gaveld.domain.jobs import JobKind, JobOutcome
from gaveld.domain.media import MediaKind, MediaRefusal
from gaveld.domain.reviews import ContentKind, Decision
from gaveld.domain.rules import RuleStatus
from gaveld.domain.signals import ClassifierCard, OutcomeStatus


class FakeTelemetry:
    """A ``Telemetry`` that keeps every report, in order."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []
        self.outcomes: list[tuple[str, OutcomeStatus, float]] = []
        self.verdicts: list[tuple[Action, tuple[str, ...]]] = []
        self.bypasses: list[tuple[str, OutcomeStatus, Action]] = []
        self.ballots: list[tuple[str, Decision]] = []
        self.reviews: list[tuple[ContentKind, Decision, int]] = []
        self.batches: list[int] = []
        self.lookups: list[bool] = []
        self.pictures: list[tuple[MediaKind, int, bool]] = []
        self.refusals: list[MediaRefusal] = []
        self.turned_away = 0
        self.rules: list[tuple[RuleStatus, bool]] = []
        self.erased: list[tuple[str, int]] = []
        self.stale_policies = 0
        self.attempts: list[tuple[JobKind, JobOutcome]] = []
        self.waiting_reviews: list[tuple[int, float]] = []
        self.counts: list[tuple[JobCounts, float]] = []

    def stage_finished(self, stage: str, seconds: float) -> None:
        self.stages.append((stage, seconds))

    def classifier_finished(
        self, card: ClassifierCard, status: OutcomeStatus, seconds: float
    ) -> None:
        self.outcomes.append((card.name, status, seconds))

    def verdict_given(self, action: Action, category_ids: Sequence[str]) -> None:
        self.verdicts.append((action, tuple(category_ids)))

    def check_bypassed(self, classifier: str, status: OutcomeStatus, action: Action) -> None:
        self.bypasses.append((classifier, status, action))

    def ballot_cast(self, reviewer: str, decision: Decision, seconds: float) -> None:
        self.ballots.append((reviewer, decision))

    def review_given(self, kind: ContentKind, decision: Decision, outstanding: int) -> None:
        self.reviews.append((kind, decision, outstanding))

    def batch_received(self, size: int) -> None:
        self.batches.append(size)

    def cache_asked(self, *, found: bool) -> None:
        self.lookups.append(found)

    def picture_judged(self, kind: MediaKind, frames: int, *, is_partial: bool) -> None:
        self.pictures.append((kind, frames, is_partial))

    def media_refused(self, refusal: MediaRefusal) -> None:
        self.refusals.append(refusal)

    def picture_turned_away(self) -> None:
        self.turned_away += 1

    def job_attempted(self, kind: JobKind, outcome: JobOutcome, seconds: float) -> None:
        self.attempts.append((kind, outcome))

    def jobs_counted(self, counts: JobCounts, oldest_seconds: float) -> None:
        self.counts.append((counts, oldest_seconds))

    def reviews_counted(self, waiting: int, oldest_seconds: float) -> None:
        self.waiting_reviews.append((waiting, oldest_seconds))

    def rows_erased(self, what: str, rows: int) -> None:
        self.erased.append((what, rows))

    def policy_not_refreshed(self) -> None:
        self.stale_policies += 1

    def rule_run(self, status: RuleStatus, *, is_shadow: bool) -> None:
        self.rules.append((status, is_shadow))
