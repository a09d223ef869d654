"""One suite for every ``Telemetry``, then what Prometheus shows of it."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.ports import JobCounts, Telemetry
from gaveld.domain.actions import Action
from gaveld.domain.jobs import JobKind, JobOutcome
from gaveld.domain.media import MediaKind, MediaRefusal
from gaveld.domain.reviews import ContentKind, Decision
from gaveld.domain.rules import RuleStatus
from gaveld.domain.signals import ClassifierCard, OutcomeStatus
from tests.fakes.telemetry import FakeTelemetry

CARD = ClassifierCard("lexicon", "2026.1", frozenset({"L1"}))


@pytest.fixture(params=[FakeTelemetry, PrometheusTelemetry])
def telemetry(request) -> Telemetry:
    return request.param()


def report(telemetry: Telemetry) -> None:
    """Report one of everything that a use case can report."""
    telemetry.stage_finished("classify", 0.002)
    for status in OutcomeStatus:
        telemetry.classifier_finished(CARD, status, 0.001)
    for action in Action:
        telemetry.verdict_given(action, ["L1", "H2"])
        telemetry.check_bypassed(CARD.name, OutcomeStatus.TIMED_OUT, action)
    telemetry.verdict_given(Action.ALLOW, [])
    for decision in Decision:
        telemetry.ballot_cast("Reviewer 1", decision, 0.5)
    for kind in ContentKind:
        telemetry.review_given(kind, Decision.UNSAFE, 3)
    telemetry.batch_received(256)
    telemetry.cache_asked(found=True)
    telemetry.cache_asked(found=False)
    for kind in MediaKind:
        telemetry.picture_judged(kind, 24, is_partial=False)
    telemetry.picture_judged(MediaKind.IMAGE, 1, is_partial=True)
    for refusal in MediaRefusal:
        telemetry.media_refused(refusal)
    telemetry.picture_turned_away()
    for outcome in RuleStatus:
        telemetry.rule_run(outcome, is_shadow=False)
    telemetry.rule_run(RuleStatus.FAILED, is_shadow=True)
    telemetry.rows_erased("decisions", 12)
    telemetry.policy_not_refreshed()
    for job_kind in JobKind:
        for outcome in JobOutcome:
            telemetry.job_attempted(job_kind, outcome, 0.25)
    telemetry.reviews_counted(3, 60.0)
    telemetry.jobs_counted(JobCounts(waiting=5, running=2, dead=1), 1.5)


def test_everything_can_be_reported(telemetry: Telemetry):
    """Law: telemetry never raises, whatever outcome, action or size it is told, and how often."""
    report(telemetry)
    report(telemetry)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("gavel_job_duration_seconds_count", {"kind": "content", "outcome": "retried"}, 1),
        ("gavel_jobs_count", {"state": "waiting"}, 5),
        ("gavel_jobs_count", {"state": "dead"}, 1),
        ("gavel_jobs_oldest_waiting_seconds", {}, 1.5),
        ("gavel_stage_duration_seconds_count", {"stage": "classify"}, 1),
        (
            "gavel_classifier_duration_seconds_count",
            {"classifier": "lexicon", "status": "timed_out"},
            1,
        ),
        ("gavel_verdicts_total", {"action": "allow"}, 2),
        ("gavel_verdict_categories_total", {"category": "H2", "action": "block"}, 1),
        (
            "gavel_bypassed_checks_total",
            {"classifier": "lexicon", "status": "timed_out", "action": "review"},
            1,
        ),
        (
            "gavel_ballot_duration_seconds_sum",
            {"reviewer": "Reviewer 1", "decision": "failed"},
            0.5,
        ),
        ("gavel_reviews_total", {"kind": "search", "decision": "unsafe"}, 1),
        ("gavel_outstanding_ballots_total", {}, 3 * len(ContentKind)),
        ("gavel_batch_size_texts_sum", {}, 256),
        ("gavel_cache_lookups_total", {"result": "hit"}, 1),
        ("gavel_cache_lookups_total", {"result": "miss"}, 1),
        ("gavel_images_judged_total", {"kind": "animation", "extent": "whole"}, 1),
        ("gavel_images_judged_total", {"kind": "image", "extent": "partial"}, 1),
        ("gavel_images_judged_frames_sum", {}, 24),
        ("gavel_rules_run_total", {"status": "matched", "mode": "acting"}, 1),
        ("gavel_rules_run_total", {"status": "failed", "mode": "shadow"}, 1),
        ("gavel_retention_erased_rows_total", {"what": "decisions"}, 12),
        ("gavel_images_refused_total", {"why": "TOO_MANY_PIXELS"}, 1),
        ("gavel_images_turned_away_total", {}, 1),
        ("gavel_classifier_info", {"classifier": "lexicon", "version": "2026.1"}, 1),
    ],
)
def test_prometheus_shows_what_was_reported(name: str, labels: dict[str, str], expected: float):
    """Law: each report moves the metric that stands for it."""
    telemetry = PrometheusTelemetry()
    telemetry.announce("1.2.3", [CARD])
    report(telemetry)
    assert telemetry.registry.get_sample_value(name, labels) == expected


def test_prometheus_shows_what_the_engine_did():
    """Law: the engine is named; passages, time, tokens and padding of each batch are added up."""
    telemetry = PrometheusTelemetry()
    telemetry.engine_chosen("onnxruntime-1.2.3")
    telemetry.engine_ran(3, 40, 8, 0.02)
    telemetry.engine_ran(1, 16, 0, 0.01)
    value = telemetry.registry.get_sample_value
    assert value("gavel_engine_info", {"engine": "onnxruntime-1.2.3"}) == 1
    assert value("gavel_engine_batch_size_passages_sum") == 4
    assert value("gavel_engine_batch_duration_seconds_count") == 2
    assert value("gavel_engine_tokens_total", {"kind": "text"}) == 56
    assert value("gavel_engine_tokens_total", {"kind": "padding"}) == 8


def test_the_build_is_shown():
    """Law: a scrape says which version answers."""
    telemetry = PrometheusTelemetry(CollectorRegistry())
    telemetry.announce("1.2.3", [CARD])
    text = generate_latest(telemetry.registry).decode()
    assert 'gavel_build_info{python="3.11' in text
    assert 'version="1.2.3"' in text


def test_servers_in_one_process_do_not_share_metrics():
    """Law: nothing is registered globally, so two servers can live in one process."""
    first, second = PrometheusTelemetry(), PrometheusTelemetry()
    first.batch_received(3)
    assert second.registry.get_sample_value("gavel_batch_size_texts_count") == 0
