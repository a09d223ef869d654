"""Counts and times in Prometheus what use cases report. Labels come from closed sets only."""

import platform
from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gaveld.application.ports import JobCounts
from gaveld.domain.actions import Action
from gaveld.domain.jobs import JobKind, JobOutcome, JobState
from gaveld.domain.media import MediaKind, MediaRefusal
from gaveld.domain.reviews import ContentKind, Decision
from gaveld.domain.rules import RuleStatus
from gaveld.domain.signals import ClassifierCard, OutcomeStatus

STAGE_BUCKETS_SECONDS: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
FRAMES_BUCKETS: Final = (1, 2, 4, 8, 12, 16, 20, 24)
BATCH_BUCKETS_TEXTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class PrometheusTelemetry:
    """A ``Telemetry`` whose metrics are in ``registry``, one of its own if none is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.registry = registry
        self._stages = Histogram(
            "gavel_stage_duration_seconds",
            "How long one stage of judging took.",
            ("stage",),
            buckets=STAGE_BUCKETS_SECONDS,
            registry=registry,
        )
        self._classifiers = Histogram(
            "gavel_classifier_duration_seconds",
            "How long one classifier took, by what became of it.",
            ("classifier", "status"),
            buckets=STAGE_BUCKETS_SECONDS,
            registry=registry,
        )
        self._verdicts = Counter(
            "gavel_verdicts_total",
            "Verdicts, by action.",
            ("action",),
            registry=registry,
        )
        self._categories = Counter(
            "gavel_verdict_categories_total",
            "Categories that asked for more than to allow, by the verdict's action.",
            ("category", "action"),
            registry=registry,
        )
        self._bypasses = Counter(
            "gavel_bypassed_checks_total",
            "Required checks that did not run, and what the verdict came to.",
            ("classifier", "status", "action"),
            registry=registry,
        )
        self._ballots = Histogram(
            "gavel_ballot_duration_seconds",
            "How long one reviewer took, by its ballot.",
            ("reviewer", "decision"),
            buckets=STAGE_BUCKETS_SECONDS,
            registry=registry,
        )
        self._reviews = Counter(
            "gavel_reviews_total",
            "Panels' decisions, by what was reviewed.",
            ("kind", "decision"),
            registry=registry,
        )
        self._outstanding = Counter(
            "gavel_outstanding_ballots_total",
            "Ballots that panels did not wait for, because the decision was settled.",
            registry=registry,
        )
        self._batches = Histogram(
            "gavel_batch_size_texts",
            "How many texts one batch call held.",
            buckets=BATCH_BUCKETS_TEXTS,
            registry=registry,
        )
        self._lookups = Counter(
            "gavel_cache_lookups_total",
            "Texts and pictures that were looked for in the cache, by whether they were there.",
            ("result",),
            registry=registry,
        )
        self._pictures = Counter(
            "gavel_images_judged_total",
            "Pictures that were judged, by kind and by whether the whole file could be decoded.",
            ("kind", "extent"),
            registry=registry,
        )
        self._frames = Histogram(
            "gavel_images_judged_frames",
            "How many frames of an animation were looked at.",
            buckets=FRAMES_BUCKETS,
            registry=registry,
        )
        self._refusals = Counter(
            "gavel_images_refused_total",
            "Files that were not judged, by why.",
            ("why",),
            registry=registry,
        )
        self._turned_away = Counter(
            "gavel_images_turned_away_total",
            "Pictures that were not looked at because too many were.",
            registry=registry,
        )
        self._rules = Counter(
            "gavel_rules_run_total",
            "Rules that were run, by how they came out and whether they act.",
            ("status", "mode"),
            registry=registry,
        )
        self._passages = Histogram(
            "gavel_engine_batch_size_passages",
            "How many passages the transformer's engine read at once.",
            buckets=BATCH_BUCKETS_TEXTS,
            registry=registry,
        )
        self._engine = Histogram(
            "gavel_engine_batch_duration_seconds",
            "How long the engine took for one batch.",
            buckets=STAGE_BUCKETS_SECONDS,
            registry=registry,
        )
        self._padding = Counter(
            "gavel_engine_tokens_total",
            "Tokens that the engine read, and those that only filled its batches.",
            ("kind",),
            registry=registry,
        )
        self._engine_info = Gauge(
            "gavel_engine_info",
            "1 for the engine that runs the transformer: its library, version and precision.",
            ("engine",),
            registry=registry,
        )
        self._versions = Gauge(
            "gavel_classifier_info",
            "1 for each installed classifier and its version.",
            ("classifier", "version"),
            registry=registry,
        )
        self._build = Gauge(
            "gavel_build_info",
            "1, with the version of this server and of its Python.",
            ("version", "python"),
            registry=registry,
        )
        self._attempts = Histogram(
            "gavel_job_duration_seconds",
            "How long one attempt at a job took, by what became of it.",
            ("kind", "outcome"),
            buckets=STAGE_BUCKETS_SECONDS,
            registry=registry,
        )
        self._jobs = Gauge(
            "gavel_jobs_count",
            "Jobs that wait, are being done, or are dead, in the storage that servers share.",
            ("state",),
            registry=registry,
        )
        self._oldest_job = Gauge(
            "gavel_jobs_oldest_waiting_seconds",
            "For how long the oldest waiting job could have been done; 0 if none waits.",
            registry=registry,
        )
        self._reviews_waiting = Gauge(
            "gavel_review_items_waiting",
            "Items that wait for people, in the queues of all projects.",
            registry=registry,
        )
        self._oldest_review = Gauge(
            "gavel_review_items_oldest_waiting_seconds",
            "For how long the oldest item waits for a person; 0 if none does.",
            registry=registry,
        )
        self._erased = Counter(
            "gavel_retention_erased_rows_total",
            "Rows that were erased from the storage because their time was over.",
            ("what",),
            registry=registry,
        )
        self._stale_policies = Counter(
            "gavel_policy_refresh_failures_total",
            "Times that the storage could not say whether a policy is still in force.",
            registry=registry,
        )
        self._stage_series: dict[str, Histogram] = {}
        self._classifier_series: dict[tuple[str, OutcomeStatus], Histogram] = {}

    def announce(self, version: str, cards: Iterable[ClassifierCard]) -> None:
        """Show which server this is and which classifiers it has, also those never asked yet."""
        self._build.labels(version, platform.python_version()).set(1)
        for card in cards:
            self._versions.labels(card.name, card.version).set(1)
            self._of_classifier(card, OutcomeStatus.RAN)

    def stage_finished(self, stage: str, seconds: float) -> None:
        """Record one stage; see ``Telemetry.stage_finished``."""
        series = self._stage_series.get(stage)
        if series is None:
            series = self._stage_series[stage] = self._stages.labels(stage)
        series.observe(seconds)

    def classifier_finished(
        self, card: ClassifierCard, status: OutcomeStatus, seconds: float
    ) -> None:
        """Record one outcome; see ``Telemetry.classifier_finished``."""
        self._of_classifier(card, status).observe(seconds)

    def verdict_given(self, action: Action, category_ids: Sequence[str]) -> None:
        """Record a verdict; see ``Telemetry.verdict_given``."""
        name = action.name.lower()
        self._verdicts.labels(name).inc()
        for category_id in category_ids:
            self._categories.labels(category_id, name).inc()

    def check_bypassed(self, classifier: str, status: OutcomeStatus, action: Action) -> None:
        """Record a check that was not made; see ``Telemetry.check_bypassed``."""
        self._bypasses.labels(classifier, status.value, action.name.lower()).inc()

    def ballot_cast(self, reviewer: str, decision: Decision, seconds: float) -> None:
        """Record one ballot; see ``Telemetry.ballot_cast``."""
        self._ballots.labels(reviewer, decision.value).observe(seconds)

    def review_given(self, kind: ContentKind, decision: Decision, outstanding: int) -> None:
        """Record a panel's decision; see ``Telemetry.review_given``."""
        self._reviews.labels(kind.value, decision.value).inc()
        self._outstanding.inc(outstanding)

    def batch_received(self, size: int) -> None:
        """Record a batch; see ``Telemetry.batch_received``."""
        self._batches.observe(size)

    def cache_asked(self, *, found: bool) -> None:
        """Record a look into the cache; see ``Telemetry.cache_asked``."""
        self._lookups.labels("hit" if found else "miss").inc()

    def picture_judged(self, kind: MediaKind, frames: int, *, is_partial: bool) -> None:
        """Record a picture; see ``Telemetry.picture_judged``."""
        self._pictures.labels(kind.value, "partial" if is_partial else "whole").inc()
        if kind is MediaKind.ANIMATION:
            self._frames.observe(frames)

    def media_refused(self, refusal: MediaRefusal) -> None:
        """Record a refusal; see ``Telemetry.media_refused``."""
        self._refusals.labels(refusal.value).inc()

    def picture_turned_away(self) -> None:
        """Record a picture without a place; see ``Telemetry.picture_turned_away``."""
        self._turned_away.inc()

    def policy_not_refreshed(self) -> None:
        """Record a policy that may be old; see ``Telemetry.policy_not_refreshed``."""
        self._stale_policies.inc()

    def rule_run(self, status: RuleStatus, *, is_shadow: bool) -> None:
        """Record one rule's outcome; see ``Telemetry.rule_run``."""
        self._rules.labels(status.value, "shadow" if is_shadow else "acting").inc()

    def job_attempted(self, kind: JobKind, outcome: JobOutcome, seconds: float) -> None:
        """Record an attempt at a job; see ``Telemetry.job_attempted``."""
        self._attempts.labels(kind.value, outcome.value).observe(seconds)

    def jobs_counted(self, counts: JobCounts, oldest_seconds: float) -> None:
        """Record how much work there is; see ``Telemetry.jobs_counted``."""
        self._jobs.labels(JobState.WAITING.value).set(counts.waiting)
        self._jobs.labels(JobState.RUNNING.value).set(counts.running)
        self._jobs.labels(JobState.DEAD.value).set(counts.dead)
        self._oldest_job.set(oldest_seconds)

    def reviews_counted(self, waiting: int, oldest_seconds: float) -> None:
        """Record what waits for people; see ``Telemetry.reviews_counted``."""
        self._reviews_waiting.set(waiting)
        self._oldest_review.set(oldest_seconds)

    def rows_erased(self, what: str, rows: int) -> None:
        """Record what was erased; see ``Telemetry.rows_erased``."""
        self._erased.labels(what).inc(rows)

    def engine_chosen(self, name: str) -> None:
        """Show which engine runs, by its name: library, version and precision."""
        self._engine_info.labels(name).set(1)

    def engine_ran(self, passages: int, tokens: int, padding: int, seconds: float) -> None:
        """Record one batch of an engine: its passages, their tokens and what padded them."""
        self._passages.observe(passages)
        self._engine.observe(seconds)
        self._padding.labels("text").inc(tokens)
        self._padding.labels("padding").inc(padding)

    def _of_classifier(self, card: ClassifierCard, status: OutcomeStatus) -> Histogram:
        key = (card.name, status)
        series = self._classifier_series.get(key)
        if series is None:
            series = self._classifiers.labels(card.name, status.value)
            self._classifier_series[key] = series
        return series
