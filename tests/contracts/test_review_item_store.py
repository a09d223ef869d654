"""One suite for every ``ReviewItemStore``."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.review_items import (
    SqlReviewItemStore,
    record_review_item,
)
from gaveld.adapters.storage.tables import transaction
from gaveld.application.ports import ReviewItemStore, WaitingReviews
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import Aborted, ErrorReason, FailedPrecondition
from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import CallbackFormat
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.review_items import FakeReviewItemStore

NOON = datetime(2026, 11, 22, 12, 0, 0, 250, tzinfo=UTC)
BARE = ReviewItem("one", "shop", "photos", NOON)
FULL = ReviewItem(
    "full",
    "shop",
    "photos",
    NOON + timedelta(minutes=9),
    content_id="nul \0 id",
    actor_id="\0 ann 👍",
    content_type="post",
    payload=b"\0words",
    answer=b"answer with words",
    rule_ids=("rule-1", "rule-2"),
    sealed_callback_url=b"sealed \0",
    callback_format=CallbackFormat.CONTENTMOD,
    keep_content=True,
    content_retention_days=7,
    decision_retention_days=11,
)
MINUTE = timedelta(minutes=1)


def wordless(answer: bytes) -> bytes:
    return answer.replace(b" with words", b"")


@dataclass(frozen=True)
class Stand:
    """A store, and what the records of a job do to it."""

    store: ReviewItemStore
    put: Callable[[ReviewItem], Awaitable[None]]


async def put_in(engine: AsyncEngine, item: ReviewItem) -> None:
    async with transaction(async_sessionmaker(engine), "unreached") as session:
        await record_review_item(session, Records(review_item=item))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def stand(request, new_database: NewDatabase) -> AsyncIterator[Stand]:
    if request.param == "fake":
        fake = FakeReviewItemStore(wordless)
        yield Stand(fake, fake.put)
        return
    async with opened(await new_database(request.param)) as engine:
        await migrate(engine)
        yield Stand(SqlReviewItemStore(engine, (), wordless), lambda item: put_in(engine, item))


async def filled(stand: Stand, *items: ReviewItem) -> ReviewItemStore:
    for item in items:
        await stand.put(item)
    return stand.store


def soon() -> datetime:
    return datetime.now(UTC) + MINUTE


def opinion(
    reviewer: str = "ann", decision: ReviewDecision = ReviewDecision.ACCEPT
) -> ReviewOpinion:
    return ReviewOpinion(reviewer, decision, datetime.now(UTC))


async def ids(store: ReviewItemStore, **wanted) -> list[str]:
    items = await store.list("shop", **{"limit": 100, **wanted})
    return [item.id for item in items]


async def test_what_is_kept_is_given_back_whole(stand: Stand):
    """Law: an item comes back equal in every field, the fullest and the barest, and has an etag."""
    store = await filled(stand, BARE, FULL)
    for item in (BARE, FULL):
        found = await store.find("shop", "photos", item.id)
        assert found.etag
        assert replace(found, etag="") == item


async def test_an_item_is_its_projects_and_its_queues(stand: Stand):
    """Law: nobody finds, claims or lists an item under another project or queue."""
    store = await filled(stand, BARE)
    for project, queue in (("club", "photos"), ("shop", "texts")):
        assert await store.find(project, queue, "one") is None
        assert await store.claim(project, queue, "one", "ann", until=soon()) is None
        assert await store.claim(project, queue, "", "ann", until=soon()) is None
        assert await store.release(project, queue, "one", "ann") is None
        assert await store.list(project, queue, limit=9) == []


async def test_items_are_listed_oldest_first_page_by_page(stand: Stand):
    """Law: pages follow one another without gap or repeat, also among items of one moment."""
    items = [replace(BARE, id=f"i{place}", created_at=NOON) for place in range(3)]
    older = replace(BARE, id="z", created_at=NOON - MINUTE)
    store = await filled(stand, *reversed(items), older)
    seen, after = [], ""
    while page := await store.list("shop", "photos", limit=2, after=after):
        seen += [item.id for item in page]
        after = page[-1].place
    assert seen == ["z", "i0", "i1", "i2"]


async def test_a_list_keeps_what_is_asked_for(stand: Stand):
    """Law: queue, state and being free each leave out what they say; payloads are left out."""
    texts = replace(BARE, id="two", queue="texts", created_at=NOON + MINUTE)
    waits = replace(BARE, id="three", state=ReviewState.PROCESSING, created_at=NOON + 2 * MINUTE)
    store = await filled(stand, BARE, texts, waits, FULL)
    await store.claim("shop", "photos", "one", "ann", until=soon())
    assert await ids(store) == ["one", "two", "three", "full"]
    assert await ids(store, queue="texts") == ["two"]
    assert await ids(store, state=ReviewState.PROCESSING) == ["three"]
    assert await ids(store, unclaimed_only=True) == ["two", "three", "full"]
    listed = (await store.list("shop", limit=9))[-1]
    assert (listed.payload, listed.answer) == (b"", FULL.answer)


async def test_of_two_that_claim_one_gets_it(stand: Stand):
    """Law: of people who claim an item at once one has it, and the others are told who not."""
    store = await filled(stand, BARE)
    people = [f"person-{number}" for number in range(6)]
    outcomes = await asyncio.gather(
        *(store.claim("shop", "photos", "one", person, until=soon()) for person in people),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, ReviewItem)]
    assert len(won) == 1
    assert won[0].claimant in people
    refused = [outcome for outcome in outcomes if isinstance(outcome, FailedPrecondition)]
    assert [refusal.reason for refusal in refused] == [ErrorReason.ITEM_CLAIMED] * 5


async def test_of_many_that_claim_the_oldest_each_gets_another(stand: Stand):
    """Law: no two are given the same item, and none goes without while there is one."""
    store = await filled(stand, *(replace(BARE, id=f"i{number}") for number in range(4)))
    taken = await asyncio.gather(
        *(store.claim("shop", "photos", "", f"p{number}", until=soon()) for number in range(6))
    )
    assert sorted(item.id for item in taken if item) == ["i0", "i1", "i2", "i3"]
    assert taken.count(None) == 2


async def test_the_oldest_free_item_is_given(stand: Stand):
    """Law: neither one that somebody has nor one that is being judged is given."""
    waits = replace(BARE, id="zero", created_at=NOON - MINUTE, state=ReviewState.PROCESSING)
    store = await filled(stand, waits, BARE, FULL)
    assert (await store.claim("shop", "photos", "", "ann", until=soon())).id == "one"
    assert (await store.claim("shop", "photos", "", "ben", until=soon())).id == "full"
    assert await store.claim("shop", "photos", "", "cleo", until=soon()) is None


async def test_a_claim_runs_out(stand: Stand):
    """Law: after its time an item is anybody's, by name and as the oldest."""
    store = await filled(stand, BARE)
    past = datetime.now(UTC) - MINUTE
    assert (await store.claim("shop", "photos", "one", "ann", until=past)).claimant == "ann"
    assert await ids(store, unclaimed_only=True) == ["one"]
    assert (await store.claim("shop", "photos", "one", "ben", until=past)).claimant == "ben"
    assert (await store.claim("shop", "photos", "", "cleo", until=soon())).claimant == "cleo"


async def test_a_claim_is_held_on_by_claiming_again(stand: Stand):
    """Law: whoever has an item claims it on; every change gives it a new etag."""
    store = await filled(stand, BARE)
    first = await store.claim("shop", "photos", "one", "ann", until=soon())
    later = soon() + MINUTE
    second = await store.claim("shop", "photos", "one", "ann", until=later)
    assert second.claimed_until == later
    assert len({first.etag, second.etag}) == 2


async def test_a_repeated_claim_gives_the_same_item(stand: Stand):
    """Law: the oldest free item asked for twice under one request id is one item."""
    store = await filled(stand, BARE, FULL)
    first = await store.claim("shop", "photos", "", "ann", until=soon(), request_id="r1")
    again = await store.claim("shop", "photos", "", "ann", until=soon(), request_id="r1")
    other = await store.claim("shop", "photos", "", "ann", until=soon(), request_id="r2")
    assert (first.id, again.id, other.id) == ("one", "one", "full")


async def test_an_item_is_given_back(stand: Stand):
    """Law: the holder frees it; a stranger is refused; freeing a free one changes nothing."""
    store = await filled(stand, BARE)
    await store.claim("shop", "photos", "one", "ann", until=soon())
    with pytest.raises(FailedPrecondition) as refusal:
        await store.release("shop", "photos", "one", "ben")
    assert refusal.value.reason is ErrorReason.ITEM_CLAIMED
    freed = await store.release("shop", "photos", "one", "ann")
    assert (freed.claimant, freed.claimed_until) == ("", None)
    assert await store.release("shop", "photos", "one", "ben") == freed


async def test_a_decision_closes_the_item(stand: Stand):
    """Law: what was decided is nobody's any more, and what was said of it stays whole."""
    store = await filled(stand, FULL)
    item = await store.claim("shop", "photos", "full", "ann", until=soon())
    said = replace(
        opinion("ann", ReviewDecision.REJECT),
        reason="nul \0 👎",
        category_ids=("H1", "S1"),
        request_id="r1",
    )
    decided = await store.decide(item, said, Records())
    assert decided == await store.find("shop", "photos", "full")
    assert (decided.state, decided.claimant) == (ReviewState.REJECTED, "")
    assert decided.opinions == (said,)
    with pytest.raises(FailedPrecondition) as refusal:
        await store.claim("shop", "photos", "full", "ben", until=soon())
    assert refusal.value.reason is ErrorReason.ITEM_NOT_OPEN
    assert await store.claim("shop", "photos", "", "ben", until=soon()) is None


async def test_a_decision_on_what_changed_is_refused(stand: Stand):
    """Law: an opinion is of the item as it was read; of two at once one counts."""
    store = await filled(stand, BARE)
    item = await store.find("shop", "photos", "one")
    outcomes = await asyncio.gather(
        *(store.decide(item, opinion(person), Records()) for person in ("ann", "ben", "cleo")),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Aborted)]
    assert [refusal.reason for refusal in refused] == [ErrorReason.ETAG_MISMATCH] * 2
    assert len((await store.find("shop", "photos", "one")).opinions) == 1


async def test_a_second_opinion_is_another_persons(stand: Stand):
    """Law: whoever asked for it never gets the item again, by name or as the oldest."""
    store = await filled(stand, BARE)
    item = await store.claim("shop", "photos", "one", "ann", until=soon())
    said = opinion("ann", ReviewDecision.SECOND_OPINION)
    freed = await store.decide(item, said, Records())
    assert (freed.state, freed.claimant) == (ReviewState.PENDING, "")
    assert await store.claim("shop", "photos", "", "ann", until=soon()) is None
    with pytest.raises(FailedPrecondition) as refusal:
        await store.claim("shop", "photos", "one", "ann", until=soon())
    assert refusal.value.reason is ErrorReason.ITEM_NOT_OPEN
    other = await store.claim("shop", "photos", "", "ben", until=soon())
    decided = await store.decide(other, opinion("ben"), Records())
    assert [said.reviewer for said in decided.opinions] == ["ann", "ben"]
    assert decided.state is ReviewState.ACCEPTED


async def test_content_is_erased_when_nobody_need_see_it_any_more(stand: Stand):
    """Law: closed without ``keep_content`` the words are gone, kept with it, and never sooner."""
    gone = replace(FULL, id="gone", keep_content=False)
    store = await filled(stand, FULL, gone)
    for item_id, payload, answer in (
        ("full", FULL.payload, FULL.answer),
        ("gone", b"", b"answer"),
    ):
        item = await store.find("shop", "photos", item_id)
        item = await store.decide(item, opinion("ann", ReviewDecision.SECOND_OPINION), Records())
        assert (item.payload, item.answer) == (FULL.payload, FULL.answer)
        await store.decide(item, opinion("ben"), Records())
        closed = await store.find("shop", "photos", item_id)
        assert (closed.payload, closed.answer) == (payload, answer)


async def test_what_waits_for_people_is_counted(stand: Stand):
    """Law: items count, of all projects, from their creation until somebody closed them."""
    assert await stand.store.waiting() == WaitingReviews(0)
    other = replace(BARE, project="blog", created_at=NOON + MINUTE)
    judged = replace(BARE, id="two", state=ReviewState.PROCESSING, created_at=NOON - MINUTE)
    store = await filled(stand, BARE, other, judged)
    assert await store.waiting() == WaitingReviews(2, NOON)
    item = await store.claim("shop", "photos", "one", "ann", until=soon())
    assert await store.waiting() == WaitingReviews(2, NOON)
    await store.decide(item, opinion("ann"), Records())
    assert await store.waiting() == WaitingReviews(1, NOON + MINUTE)


async def test_content_and_items_are_erased_on_time(stand: Stand):
    """Law: content goes after its days, items so many days after they were decided, no sooner."""
    store = await filled(stand, BARE, FULL)
    assert await store.erase_expired(FULL.content_until - MINUTE) == 0
    assert await store.erase_expired(FULL.content_until) == 1
    item = await store.find("shop", "photos", "full")
    assert (item.payload, item.answer) == (b"", b"answer")
    assert await store.erase_expired(FULL.content_until + timedelta(days=999)) == 0
    said = opinion()
    await store.decide(item, said, Records())
    over = said.decided_at + timedelta(days=FULL.decision_retention_days)
    assert await store.erase_expired(over - MINUTE) == 0
    assert await store.erase_expired(over) == 1
    assert await ids(store) == ["one"]


async def test_an_item_being_judged_is_replaced_and_no_other(stand: Stand):
    """Law: the judgement opens the item in its place, also late; what is judged stays as it is."""
    waits = replace(BARE, state=ReviewState.PROCESSING)
    judged = replace(BARE, created_at=NOON + MINUTE, answer=b"judged", actor_id="ann")
    store = await filled(stand, waits, judged)
    item = await store.find("shop", "photos", "one")
    assert (item.state, item.answer, item.created_at) == (ReviewState.PENDING, b"judged", NOON)
    await stand.put(replace(judged, answer=b"again"))
    assert await store.find("shop", "photos", "one") == item
    await filled(stand, replace(BARE, id="dead"), replace(judged, id="dead"))
    assert (await store.find("shop", "photos", "dead")).answer == b"judged"
