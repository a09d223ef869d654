"""What a ``ReviewItemStore`` in SQL writes and erases together with others."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.review_item_erasing import forget_review_items
from gaveld.adapters.storage.review_items import SqlReviewItemStore, record_review_item
from gaveld.adapters.storage.tables import transaction
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.feedback import Feedback
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.domain.review_items import ReviewState
from tests.contracts.test_review_item_store import BARE, FULL, NOON, opinion, put_in, wordless
from tests.databases import opened


async def sql_store(engine: AsyncEngine, *recorders) -> SqlReviewItemStore:
    await migrate(engine)
    await put_in(engine, FULL)
    return SqlReviewItemStore(engine, recorders, wordless)


async def test_what_follows_from_an_opinion_is_written_with_it(database_url: str):
    """Law: opinion, records and feedback are written together, or none of them."""
    written: list[Records] = []

    async def record(session: AsyncSession, records: Records) -> None:
        del session
        written.append(records)
        if len(written) == 1:
            raise RuntimeError

    feedback = Feedback("job", "shop", "words", NOON)
    async with opened(database_url) as engine:
        store = await sql_store(engine, record)
        item = await store.find("shop", "photos", "full")
        with pytest.raises(RuntimeError):
            await store.decide(item, opinion(), Records(), feedback)
        assert await store.find("shop", "photos", "full") == item
        records = Records(review_item=item)
        await store.decide(item, opinion(), records, feedback)
        assert written[1] is records
        assert [kept async for kept in SqlFeedbackStore(engine).read()] == [feedback]


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (JobState.WAITING, [ReviewState.PROCESSING]),
        (JobState.DEAD, [ReviewState.PENDING]),
        (JobState.CANCELLED, []),
    ],
)
async def test_an_item_is_not_judged_for_ever(
    database_url: str, state: JobState, left: list[ReviewState]
):
    """Law: what can't be judged goes to people, unless its sender took it back."""
    async with opened(database_url) as engine:
        await migrate(engine)
        jobs = SqlJobStore(engine, [record_review_item])
        waits = replace(BARE, state=ReviewState.PROCESSING)
        job = Job("one", "shop", JobKind.CONTENT, "r1", b"0" * 32, NOON, NOON, payload=b"words")
        await jobs.add(job, waits)
        if state is JobState.CANCELLED:
            await jobs.cancel("shop", "one")
        if state is JobState.DEAD:
            (lease,) = await jobs.lease("worker", limit=1, seconds=60)
            await jobs.fail(lease, "INTERNAL", "failed", retry_at=None)
        store = SqlReviewItemStore(engine, (), wordless)
        assert await store.erase_expired(NOON) == (state is not JobState.WAITING)
        assert await store.erase_expired(NOON) == 0
        assert [item.state for item in await store.list("shop", limit=9)] == left
        if state is JobState.DEAD:
            assert (await store.find("shop", "photos", "one")).payload == b"words"
            assert await store.erase_expired(BARE.content_until) == 1
            assert (await store.find("shop", "photos", "one")).payload == b""


async def test_what_can_not_be_read_is_erased_whole(database_url: str):
    """Law: an answer that is torn, or a later release's, keeps nothing else from being erased."""

    def strict(answer: bytes) -> bytes:
        if b"torn" in answer:
            raise ValueError(answer)
        return wordless(answer)

    async with opened(database_url) as engine:
        await sql_store(engine)
        await put_in(engine, replace(FULL, id="torn", answer=b"torn words"))
        store = SqlReviewItemStore(engine, (), strict)
        assert await store.erase_expired(FULL.content_until) == 2
        left = await store.list("shop", limit=9)
        assert {(item.id, item.answer) for item in left} == {("full", b"answer"), ("torn", b"")}
        torn = await store.find("shop", "photos", "torn")
        assert (torn.payload, torn.state) == (b"", ReviewState.PENDING)


async def test_a_forgotten_users_content_is_gone(database_url: str):
    """Law: nothing of a forgotten user's words or name is left; the item itself waits on."""
    async with opened(database_url) as engine:
        store = await sql_store(engine)
        await put_in(engine, replace(FULL, id="other", actor_id="ben"))
        async with transaction(async_sessionmaker(engine), "unreached") as session:
            await forget_review_items(session, "shop", FULL.actor_id, ["full", "other"], wordless)
        item = await store.find("shop", "photos", "full")
        assert (item.payload, item.answer, item.actor_id, item.content_id) == (
            b"", b"answer", "", "",
        )  # fmt: skip
        assert (await store.find("shop", "photos", "other")).payload == FULL.payload


async def decided_with_words(engine: AsyncEngine) -> SqlReviewItemStore:
    """Return a store with an item that was decided on, for a reason and with feedback."""
    store = await sql_store(engine)
    item = await store.find("shop", "photos", "full")
    feedback = Feedback(item.feedback_id, "shop", "words", NOON)
    await store.decide(item, replace(opinion(), reason="It says words."), Records(), feedback)
    assert [kept async for kept in SqlFeedbackStore(engine).read()] == [feedback]
    return store


async def test_a_forgotten_users_words_are_quoted_nowhere(database_url: str):
    """Law: neither feedback nor a reviewer's reason outlives the user whom it is about."""
    async with opened(database_url) as engine:
        store = await decided_with_words(engine)
        async with transaction(async_sessionmaker(engine), "unreached") as session:
            await forget_review_items(session, "shop", FULL.actor_id, ["full"], wordless)
        assert [kept async for kept in SqlFeedbackStore(engine).read()] == []
        (said,) = (await store.find("shop", "photos", "full")).opinions
        assert (said.reason, said.decision, said.reviewer) == (
            "", opinion().decision, opinion().reviewer,
        )  # fmt: skip


@pytest.mark.parametrize("days", [FULL.content_retention_days, 3650])
async def test_feedback_ends_with_the_content_that_it_is_of(database_url: str, days: int):
    """Law: what was learnt from reviewed content is erased when the content's time is over."""
    async with opened(database_url) as engine:
        store = await decided_with_words(engine)
        await store.erase_expired(FULL.created_at)
        assert len([kept async for kept in SqlFeedbackStore(engine).read()]) == 1
        await store.erase_expired(FULL.created_at + timedelta(days=days))
        assert [kept async for kept in SqlFeedbackStore(engine).read()] == []


async def test_a_store_without_its_tables_is_unavailable(database_url: str):
    """Law: a fault of the storage is the contract's error and never a library's."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as failure:
            await SqlReviewItemStore(engine, (), wordless).find("shop", "photos", "one")
    assert failure.value.reason is ErrorReason.STORAGE_UNAVAILABLE
