"""The use case of a panel, over reviewers that do as they are told."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from gaveld.application.panels import ReviewWishes
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.errors import (
    DeadlineExceeded,
    ErrorReason,
    FailedPrecondition,
    InvalidRequest,
    Unavailable,
)
from gaveld.domain.panels import DecisionMethod, PanelPlace, PanelSettings
from gaveld.domain.reviews import (
    CUSTOM_RULE_ID,
    Ballot,
    ContentKind,
    ConversationContent,
    Decision,
    Evidence,
    ReviewTask,
    Turn,
    running_digest,
)
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.domain.verdicts import CoverageStatus
from tests.fakes.reviewer import CarelessReviewer, FakeReviewer
from tests.unit.application.review_house import ALL_BALLOTS, STRICT, House, three


async def test_a_panel_votes_and_says_what_it_found():
    """Law: the decision, the ballots in the panel's order, and what was flagged, all agree."""
    house = House(*three())
    review = await house.review("darn, I will kill you".replace(",", ""))
    assert review.decision is Decision.UNSAFE
    assert [ballot.reviewer for ballot in review.ballots] == ["r0", "r1", "r2"]
    assert (review.unsafe_count, review.count.asked, review.count.counted) == (3, 3, 3)
    threats, profanity = review.flagged
    assert (threats.id, threats.count, threats.confidence) == ("H3", 3, pytest.approx(14 / 3))
    assert (profanity.id, profanity.count) == ("L1", 2)
    assert review.reason == "3 of 3 reviewers found a rule broken: Threats (3), Profanity (2)."
    assert review.risk is None
    assert review.policy_revision == "house@1"
    assert house.telemetry.ballots == [(f"r{i}", Decision.UNSAFE) for i in range(3)]
    assert house.telemetry.reviews == [(ContentKind.TEXT, Decision.UNSAFE, 0)]


async def test_every_reviewer_gets_the_same_task():
    """Law: reviewers can share a look, since their task is one object, with all that was sent."""
    house = House(*three())
    await house.review(wishes=ReviewWishes(context="a forum", wants_every_ballot=True))
    tasks = {reviewer.tasks[0] for reviewer in house.reviewers}
    (task,) = tasks
    assert (task.kind, task.context) == (ContentKind.TEXT, "a forum")
    assert [rule.id for rule in task.rules] == list(CATALOGUE)


@pytest.mark.parametrize(
    ("amount", "panel", "asked"),
    [
        (None, PanelSettings(), ["r0", "r1", "r2"]),
        (2, PanelSettings(), ["r0", "r1"]),
        (10, PanelSettings(), ["r0", "r1", "r2"]),
        (None, PanelSettings(amount=1), ["r0"]),
        (2, PanelSettings(places=tuple(map(PanelPlace, ("r2", "r0", "r1")))), ["r2", "r0"]),
    ],
)
async def test_the_first_reviewers_of_the_order_are_asked(amount, panel, asked):
    """Law: a call's amount goes before the policy's, a policy's order before the server's."""
    house = House(*three(), panel=panel)
    review = await house.review(wishes=ReviewWishes(amount=amount, wants_every_ballot=True))
    assert [ballot.reviewer for ballot in review.ballots] == asked
    assert review.count.asked == len(asked)


async def test_a_policy_decides_where_the_call_does_not():
    """Law: method, threshold and weights are the policy's until a call names a method."""
    places = (PanelPlace("r0"), PanelPlace("r2", weight=9.0))
    panel = PanelSettings(method=DecisionMethod.SCORE, score_threshold=0.06, places=places)
    house = House(*three(), panel=panel)
    review = await house.review("darn it")
    assert review.method is DecisionMethod.SCORE
    assert review.risk == pytest.approx(0.4 * 3 / 5 * 1 / 10)
    assert review.decision is Decision.SAFE
    assert review.reason.endswith("(1); too little to decide so.")
    any_ = await house.review("darn it", ReviewWishes(method=DecisionMethod.ANY))
    assert (any_.decision, any_.risk) == (Decision.UNSAFE, None)


async def test_a_failed_reviewer_is_outside_the_count(caplog: pytest.LogCaptureFixture):
    """Law: one that raises has failed, its cause is logged by place, and the others decide."""
    reviewers = three()
    reviewers[1].failure = ValueError("canary in a message")
    house = House(*reviewers)
    review = await house.review()
    assert [ballot.decision for ballot in review.ballots] == [
        Decision.UNSAFE,
        Decision.FAILED,
        Decision.UNSAFE,
    ]
    assert (review.count.counted, review.count.failed, review.count.is_degraded) == (2, 1, False)
    one = ReviewWishes(amount=1, wants_every_ballot=True)
    assert (await house.review(wishes=one)).reason.startswith("The one reviewer that voted found a")
    assert (await house.review("fine", one)).reason.endswith("voted found no rule broken.")
    assert review.coverage.status is CoverageStatus.COMPLETE
    (record,) = caplog.records
    assert record.reviewer == "r1"
    assert record.cause.startswith("ValueError at ")
    assert "canary" not in str(record.__dict__)


async def test_fewer_than_half_make_coverage_partial():
    """Law: a panel of which most failed says so, and does not pass for a full one."""
    reviewers = three()
    reviewers[0].failure = reviewers[1].failure = ValueError()
    review = await House(*reviewers).review("fine")
    assert review.decision is Decision.SAFE
    assert review.count.is_degraded
    assert review.coverage.status is CoverageStatus.PARTIAL
    assert "Not everything was checked" in review.reason


async def test_no_ballot_is_never_safe():
    """Law: where nobody voted the call fails, says when to try again, and logs no decision."""
    reviewers = three()
    for reviewer in reviewers:
        reviewer.failure = ValueError()
    house = House(*reviewers)
    refusal = await house.refusal(Unavailable)
    assert refusal.reason is ErrorReason.REVIEWERS_UNAVAILABLE
    assert refusal.metadata == {"asked": "3", "failed": "3"}
    assert refusal.retry_after_seconds == 1.0
    assert house.telemetry.reviews == []


async def test_a_slow_reviewer_fails_at_its_timeout():
    """Law: each reviewer has the setting's time, and says after how long it was given up."""
    reviewers = three(gates=(None, None, asyncio.Event()))
    review = await House(*reviewers, timeout_seconds=0.05).review()
    assert review.ballots[2].decision is Decision.FAILED
    assert review.ballots[2].reason == "It had not answered after 0.05 s."
    assert reviewers[2].cancelled == 1


async def test_the_deadline_cuts_the_timeout():
    """Law: no reviewer is waited for beyond the call's deadline."""
    house = House(*three(gates=(None, None, asyncio.Event())), timeout_seconds=1_000)
    review = await house.review(deadline_seconds=0.05)
    assert review.ballots[2].decision is Decision.FAILED
    with pytest.raises(DeadlineExceeded):
        await house.review(deadline_seconds=0)


async def test_a_settled_panel_stops_and_counts_whom_it_did_not_wait_for():
    """Law: with no detail asked for, the rest is cancelled once it can't change the decision."""
    never = asyncio.Event()
    reviewers = three(gates=(None, None, never))
    house = House(*reviewers)
    review = await house.review(wishes=ReviewWishes())
    assert review.decision is Decision.UNSAFE
    assert (review.count.counted, review.count.outstanding, review.count.asked) == (2, 1, 3)
    assert not review.count.is_degraded
    assert review.coverage.status is CoverageStatus.COMPLETE
    assert reviewers[2].cancelled == 1
    assert house.telemetry.reviews == [(ContentKind.TEXT, Decision.UNSAFE, 1)]


@pytest.mark.parametrize(
    ("method", "text"), [(DecisionMethod.ANY, "darn it"), (DecisionMethod.ALL, "fine")]
)
async def test_one_ballot_may_settle_it(method: DecisionMethod, text: str):
    """Law: `any` stops at the first unsafe ballot and `all` at the first safe one."""
    never = asyncio.Event()
    reviewers = three(gates=(None, never, never))
    review = await House(*reviewers).review(text, ReviewWishes(method=method))
    assert (review.count.counted, review.count.outstanding) == (1, 2)


async def test_every_ballot_is_waited_for_when_detail_is_wanted():
    """Law: a settled panel still hears everyone if the caller wants every ballot."""
    gate = asyncio.Event()
    reviewers = three(gates=(None, None, gate))
    asked = asyncio.create_task(House(*reviewers).review())
    await reviewers[2].until_asked()
    gate.set()
    review = await asked
    assert (review.count.counted, review.count.outstanding) == (3, 0)


async def test_a_cancelled_call_cancels_its_reviewers():
    """Law: nobody goes on working for a caller that is gone."""
    gates = tuple(asyncio.Event() for _ in range(3))
    reviewers = three(gates=gates)
    asked = asyncio.create_task(House(*reviewers).review())
    await asyncio.gather(*(reviewer.until_asked() for reviewer in reviewers))
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert [reviewer.cancelled for reviewer in reviewers] == [1, 1, 1]


async def test_a_rule_that_is_not_in_force_spoils_the_ballot():
    """Law: one that flags what is excluded has failed, and its vote does not count."""
    house = House(FakeReviewer("good", STRICT), CarelessReviewer("careless"))
    wishes = ReviewWishes(excluded_categories=("L1",), wants_every_ballot=True)
    review = await house.review("darn it", wishes)
    assert review.decision is Decision.SAFE
    assert [ballot.decision for ballot in review.ballots] == [Decision.SAFE, Decision.FAILED]


async def test_excluded_categories_do_not_count_and_are_not_missed():
    """Law: what is excluded breaks no rule, and its absence costs no coverage."""
    wishes = ReviewWishes(excluded_categories=("H3", "A2"), wants_every_ballot=True)
    review = await House(*three()).review("I will kill you", wishes)
    assert (review.decision, review.flagged) == (Decision.SAFE, ())
    assert review.coverage.status is CoverageStatus.COMPLETE
    assert {"H3", "A2"}.isdisjoint(review.coverage.checked)


async def test_unknown_categories_are_refused_by_name():
    """Law: every unknown id is named with its place, before anybody is asked."""
    house = House(*three())
    wishes = ReviewWishes(excluded_categories=("H1", "Z9", "Q1"))
    refusal = await house.refusal(InvalidRequest, wishes)
    assert refusal.reason is ErrorReason.UNKNOWN_CATEGORY
    assert refusal.metadata == {"field": "excluded_categories[1]", "category_id": "Z9"}
    assert [entry.field for entry in refusal.violations] == [
        "excluded_categories[1]",
        "excluded_categories[2]",
    ]
    assert "Q1" in refusal.message
    assert house.reviewers[0].tasks == []


async def test_something_must_be_left_to_judge():
    """Law: a call that excludes every category, or whose prompt is blank, asks for nothing."""
    house = House(*three(), FakeReviewer("reader", reads_custom_prompts=True))
    for wishes in (
        ReviewWishes(excluded_categories=tuple(CATALOGUE)),
        ReviewWishes(custom_prompt=" \n"),
    ):
        refusal = await house.refusal(InvalidRequest, wishes)
        assert refusal.reason is ErrorReason.INVALID_ARGUMENT


async def test_a_custom_prompt_goes_to_those_that_read_it():
    """Law: with a prompt the panel is made of readers alone, and the prompt is their one rule."""
    reader = FakeReviewer("reader", STRICT, reads_custom_prompts=True)
    house = House(*three(), reader)
    wishes = ReviewWishes(custom_prompt="Never mention acme", wants_every_ballot=True)
    review = await house.review("acme will kill us", wishes)
    assert (review.count.asked, review.ballots[0].reviewer) == (1, "reader")
    (flagged,) = review.flagged
    assert (flagged.id, flagged.name) == (CUSTOM_RULE_ID, "Custom Prompt")
    assert review.coverage.status is CoverageStatus.COMPLETE
    assert all(not reviewer.tasks for reviewer in house.reviewers[:3])
    kept = await house.review("I will kill you", wishes)
    assert kept.decision is Decision.SAFE


async def test_a_custom_prompt_without_a_reader_is_refused():
    """Law: instructions that nobody reads are never answered by the default rules."""
    house = House(*three())
    refusal = await house.refusal(FailedPrecondition, ReviewWishes(custom_prompt="Be nice"))
    assert refusal.reason is ErrorReason.CUSTOM_PROMPT_UNSUPPORTED
    assert refusal.metadata == {"configure": "panel.chat_models"}
    assert "in panel.chat_models." in refusal.message
    assert all(not reviewer.tasks for reviewer in house.reviewers)


async def test_a_policy_that_keeps_readers_off_its_panel_is_named():
    """Law: where the policy says who is asked, the message names its key beside the setting."""
    reader = FakeReviewer("reader", STRICT, reads_custom_prompts=True)
    house = House(*three(), reader, panel=PanelSettings(places=(PanelPlace("r0"),)))
    refusal = await house.refusal(FailedPrecondition, ReviewWishes(custom_prompt="Be nice"))
    assert "in panel.chat_models, and in panel.reviewers of the policy" in refusal.message
    assert not reader.tasks


async def test_a_server_without_reviewers_says_what_to_configure():
    """Law: no reviewers is a state that an operator mends, not a verdict."""
    refusal = await House().refusal(FailedPrecondition)
    assert refusal.reason is ErrorReason.FEATURE_DISABLED
    assert refusal.metadata == {"setting": "panel.chat_models"}


async def test_a_reviewer_that_the_policy_names_and_the_server_lacks_fails():
    """Law: a place that nobody takes is a failed ballot, not a smaller panel."""
    panel = PanelSettings(places=(PanelPlace("r0"), PanelPlace("gone")))
    review = await House(*three(), panel=panel).review()
    assert [ballot.decision for ballot in review.ballots] == [Decision.UNSAFE, Decision.FAILED]
    assert (review.count.asked, review.count.failed) == (2, 1)


async def test_names_of_reviewers_are_unique():
    """Law: a ballot's name tells whose it is."""
    with pytest.raises(ValueError, match="same name"):
        House(FakeReviewer("one"), FakeReviewer("one"))


async def test_content_is_named_by_its_digest():
    """Law: a text's digest is of its bytes, a conversation's runs over its turns."""
    house = House(*three())
    review = await house.review("é")
    assert review.sha256 == hashlib.sha256("é".encode()).hexdigest()
    turns = (Turn("hello"), Turn("hi", "assistant"))
    panel = await house.use_case.convene(ALL_BALLOTS, project="shop")
    review = await house.use_case.review(
        panel, ContentKind.CONVERSATION, ConversationContent(turns), deadline_seconds=30
    )
    assert review.sha256 == running_digest(running_digest(b"", turns[0]), turns[1]).hex()


async def test_content_has_the_operators_limit():
    """Law: what is longer than the operator allows, all turns together, is refused with sizes."""
    house = House(*three())
    with pytest.raises(InvalidRequest) as caught:
        await house.review("x" * 101)
    assert caught.value.reason is ErrorReason.TEXT_TOO_LARGE
    assert caught.value.metadata["actual_bytes"] == "101"
    panel = await house.use_case.convene(ALL_BALLOTS, project="shop")
    long = ConversationContent((Turn("x" * 60), Turn("y" * 60)))
    with pytest.raises(InvalidRequest):
        await house.use_case.review(panel, ContentKind.CONVERSATION, long, deadline_seconds=30)
    with pytest.raises(InvalidRequest):
        await house.review("\ud800")


class Witness(FakeReviewer):
    """A reviewer that judges by evidence, of which one classifier did not look."""

    async def review(self, task: ReviewTask) -> Ballot:
        seen = ClassifierCard("lexicon", "1", frozenset({"H3", "L1"}))
        blind = ClassifierCard("model", "1", frozenset({"H3"}))
        finding = Finding("H3", 0.7, "a listed word", "lexicon", "1")
        profane = Finding("L1", 0.9, "a listed word", "lexicon", "1")
        return replace(
            await super().review(task),
            evidence=(Evidence(profane), Evidence(finding, turn=1)),
            outcomes=(
                ClassifierOutcome(seen, OutcomeStatus.RAN),
                ClassifierOutcome(blind, OutcomeStatus.SKIPPED),
            ),
        )


async def test_evidence_is_shown_once_and_judged_by_the_policy():
    """Law: what several ballots rest on is one finding, strictest first, of rules in force only."""
    house = House(Witness("r0", STRICT), Witness("r1", STRICT))
    review = await house.review()
    assert [
        (entry.judged.finding.category_id, entry.judged.action, entry.turn)
        for entry in review.findings
    ] == [("H3", Action.REVIEW, 1), ("L1", Action.ALLOW, None)]
    wishes = ReviewWishes(excluded_categories=("L1",), wants_every_ballot=True)
    review = await house.review(wishes=wishes)
    assert [entry.judged.finding.category_id for entry in review.findings] == ["H3"]


async def test_required_checks_that_were_not_made_are_counted():
    """Law: a required category that no evidence covers costs coverage and moves a metric."""
    house = House(Witness("r0", STRICT))
    review = await house.review()
    assert review.coverage.status is CoverageStatus.PARTIAL
    assert house.telemetry.bypasses == [("model", OutcomeStatus.SKIPPED, Action.BLOCK)]
