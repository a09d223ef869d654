"""People's decisions: who may make them, what they set off, and that they are made once."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from gaveld.application.callback_secrets import callback_secret
from gaveld.application.review_queue import EVENT, ItemName, ReviewItems
from gaveld.domain.actions import Action
from gaveld.domain.errors import Aborted, AlreadyExists, ErrorReason, FailedPrecondition, NotFound
from gaveld.domain.policies import Policy, ReviewQueue
from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import CallbackFormat, RuleAction
from tests.fakes.policies import FakePolicyStore
from tests.fakes.review_items import FakeReviewItemStore
from tests.fakes.secret_box import FakeSecretBox

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOX = FakeSecretBox()
NAME = ItemName("shop", "photos", "one")
ITEM = ReviewItem(
    "one", "shop", "photos", NOON, actor_id="ann", payload=b"words", keep_content=True
)
ACTION = RuleAction(
    "5f0c2d1e-0000-4000-8000-000000000001",
    "Tell the shop",
    "https://shop.example/decided",
    headers={"x-shop": "1"},
    secret="whsec_" + "a" * 32,
)
POLICY = Policy(
    "r1",
    {},
    actions=(ACTION, replace(ACTION, id="5f0c2d1e-0000-4000-8000-000000000002")),
    review_queues=(ReviewQueue("photos", claim_seconds=90, action_id=ACTION.id),),
)


class FakeReports:
    """Reads an item's payload as its text, and tells what it is asked to tell."""

    def text(self, item: ReviewItem) -> str:
        return item.payload.decode()

    def body(self, item: ReviewItem, action: RuleAction) -> bytes:
        return f"{item.id} {item.state} {item.payload!r} {action.format}".encode()


@dataclass(frozen=True)
class Stand:
    """The use cases over a queue with items."""

    items: ReviewItems
    store: FakeReviewItemStore


async def stand_with(
    *items: ReviewItem, store: FakeReviewItemStore | None = None, keeps_feedback: bool = True
) -> Stand:
    store = store or FakeReviewItemStore()
    for item in items:
        await store.put(item)
    cases = ReviewItems(
        store,
        FakePolicyStore(POLICY),
        FakeReports(),
        BOX,
        keeps_feedback=keeps_feedback,
    )
    return Stand(cases, store)


def said(
    decision: ReviewDecision = ReviewDecision.REJECT, reviewer: str = "ben", request_id: str = ""
) -> ReviewOpinion:
    return ReviewOpinion(reviewer, decision, datetime.now(UTC), "It is rude.", ("H2",), request_id)


async def test_a_decision_is_told_to_whoever_waits_for_it():
    """Law: the queue's own action and the item's address are told, each in its form and once."""
    item = replace(
        ITEM,
        sealed_callback_url=BOX.seal(b"https://caller.example/hook"),
        callback_format=CallbackFormat.CONTENTMOD,
    )
    stand = await stand_with(item)
    await stand.items.decide(NAME, said())
    (records,) = stand.store.recorded
    by_action, by_caller = records.deliveries
    assert (by_action.url, by_action.secret) == (ACTION.callback_url, ACTION.secret)
    assert (by_action.headers, by_action.action_id) == (ACTION.headers, ACTION.id)
    assert by_action.body == b"one rejected b'words' native"
    assert by_caller.url == "https://caller.example/hook"
    assert by_caller.secret == callback_secret(BOX, "shop")
    assert by_caller.body == b"one rejected b'words' contentmod"
    assert {delivery.event for delivery in records.deliveries} == {EVENT}
    assert by_action.id != by_caller.id


@pytest.mark.parametrize(
    ("decision", "action"),
    [(ReviewDecision.ACCEPT, Action.ALLOW), (ReviewDecision.REJECT, Action.BLOCK)],
)
async def test_a_decision_counts_for_the_user_and_is_learnt_from(
    decision: ReviewDecision, action: Action
):
    """Law: the last word goes into the user's history and, with the text, into feedback."""
    stand = await stand_with(ITEM)
    opinion = said(decision)
    await stand.items.decide(NAME, opinion)
    (records,) = stand.store.recorded
    assert (records.ruling.action, records.ruling.decision_id) == (action, "one")
    assert (records.ruling.actor_id, records.ruling.decided_at) == ("ann", opinion.decided_at)
    (feedback,) = stand.store.feedback
    assert (feedback.text, feedback.action, feedback.category_ids) == ("words", action, ("H2",))
    assert feedback.given_at == opinion.decided_at


@pytest.mark.parametrize(
    ("keeps_feedback", "item"),
    [
        (False, ITEM),
        (True, replace(ITEM, payload=b"")),
        (True, replace(ITEM, keep_content=False)),
    ],
    ids=["unwanted", "no text", "policy keeps none"],
)
async def test_without_a_text_or_where_none_is_kept_there_is_no_feedback(
    keeps_feedback: bool, item: ReviewItem
):
    """Law: feedback is of texts that the policy keeps, where the operator wants it."""
    stand = await stand_with(item, keeps_feedback=keeps_feedback)
    await stand.items.decide(NAME, said())
    assert stand.store.feedback == []


async def test_asking_for_a_second_opinion_decides_nothing():
    """Law: nobody is told and nothing is counted until the last word is said."""
    stand = await stand_with(ITEM)
    item = await stand.items.decide(NAME, said(ReviewDecision.SECOND_OPINION))
    assert item.state is ReviewState.PENDING
    (records,) = stand.store.recorded
    assert (records.deliveries, records.ruling, stand.store.feedback) == ((), None, [])
    with pytest.raises(FailedPrecondition) as refusal:
        await stand.items.decide(NAME, said())
    assert refusal.value.reason is ErrorReason.ITEM_NOT_OPEN
    decided = await stand.items.decide(NAME, said(reviewer="cleo"))
    assert [opinion.reviewer for opinion in decided.opinions] == ["ben", "cleo"]


async def test_a_repeat_decides_once():
    """Law: the same word under the same request id changes nothing more, another one is refused."""
    stand = await stand_with(ITEM)
    decided = await stand.items.decide(NAME, said(request_id="r1"))
    assert await stand.items.decide(NAME, said(request_id="r1")) == decided
    assert len(stand.store.recorded) == 1
    with pytest.raises(AlreadyExists) as refusal:
        await stand.items.decide(NAME, said(ReviewDecision.ACCEPT, request_id="r1"))
    assert refusal.value.reason is ErrorReason.REQUEST_ID_REUSED
    with pytest.raises(FailedPrecondition):
        await stand.items.decide(NAME, said(request_id="r2"))


async def test_what_another_person_has_is_not_decided():
    """Law: the holder decides; a stranger is refused while the claim lasts."""
    stand = await stand_with(ITEM)
    await stand.items.claim(NAME, "ann")
    with pytest.raises(FailedPrecondition) as refusal:
        await stand.items.decide(NAME, said())
    assert refusal.value.reason is ErrorReason.ITEM_CLAIMED
    assert (await stand.items.decide(NAME, said(reviewer="ann"))).state is ReviewState.REJECTED


async def test_a_decision_is_of_the_item_as_it_was_read():
    """Law: with an etag that is not the item's any more nothing is decided; without one it is."""
    stand = await stand_with(ITEM)
    read = await stand.items.get(NAME)
    claimed = await stand.items.claim(NAME, "ben")
    with pytest.raises(Aborted) as refusal:
        await stand.items.decide(NAME, said(), etag=read.etag)
    assert (refusal.value.reason, refusal.value.metadata) == (
        ErrorReason.ETAG_MISMATCH,
        {"etag": claimed.etag},
    )
    await stand.items.decide(NAME, said(), etag=claimed.etag)


class Slow(FakeReviewItemStore):
    """A store whose items somebody else claims and frees just before a decision is written."""

    meddles = 2

    async def decide(self, item, opinion, records, feedback=None):
        if self.meddles:
            self.meddles -= 1
            await self.claim(item.project, item.queue, item.id, opinion.reviewer, until=NOON)
        return await super().decide(item, opinion, records, feedback)


async def test_what_changed_meanwhile_is_decided_as_it_is_now():
    """Law: without an etag a change in between is looked at again and is no failure."""
    store = Slow()
    stand = await stand_with(ITEM, store=store)
    decided = await stand.items.decide(NAME, said())
    assert (decided.state, store.meddles) == (ReviewState.REJECTED, 0)


async def test_a_claim_lasts_as_long_as_its_queue_says_or_the_call():
    """Law: the call's seconds, else the queue's, else those of a queue that no policy names."""
    other = replace(ITEM, id="two", queue="texts")
    stand = await stand_with(ITEM, other)
    for name, seconds, lasts in (
        (NAME, 0, 90),
        (NAME, 5, 5),
        (ItemName("shop", "texts", ""), 0, 600),
    ):
        before = datetime.now(UTC)
        item = await stand.items.claim(name, "ben", seconds=seconds)
        after = datetime.now(UTC)
        duration = timedelta(seconds=lasts)
        assert before + duration <= item.claimed_until <= after + duration


async def test_pages_follow_one_another():
    """Law: a page says where the next begins, and the last one that there is none."""
    items = [replace(ITEM, id=f"i{number}") for number in range(3)]
    stand = await stand_with(*items)
    first, after = await stand.items.list("shop", limit=2)
    second, end = await stand.items.list("shop", limit=2, after=after)
    assert [item.id for item in (*first, *second)] == ["i0", "i1", "i2"]
    assert (bool(after), end) == (True, "")


async def test_what_is_not_there_is_said_to_be_so():
    """Law: no item, none that is free: the error names the resource."""
    stand = await stand_with()
    for call, resource in (
        (stand.items.get(NAME), "projects/shop/queues/photos/items/one"),
        (stand.items.release(NAME, "ben"), "projects/shop/queues/photos/items/one"),
        (stand.items.decide(NAME, said()), "projects/shop/queues/photos/items/one"),
        (stand.items.claim(ItemName("shop", "photos", ""), "ben"), "projects/shop/queues/photos"),
    ):
        with pytest.raises(NotFound) as failure:
            await call
        assert failure.value.metadata == {"resource": resource}


async def test_of_decisions_at_once_one_counts():
    """Law: people who decide at once don't both decide: one is told that it is done."""
    stand = await stand_with(ITEM)
    outcomes = await asyncio.gather(
        *(stand.items.decide(NAME, said(reviewer=person)) for person in ("ann", "ben")),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, FailedPrecondition) for outcome in outcomes) == 1
    assert len(stand.store.recorded) == 1
