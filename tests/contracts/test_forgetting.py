"""Forgetting a user in all tables, on every kind of database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage import forgetting as sql_forgetting
from gaveld.adapters.storage.decisions import record_decision
from gaveld.adapters.storage.deliveries import ROWS_AT_ONCE, SqlDeliveryStore
from gaveld.adapters.storage.forgetting import forgetting
from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.review_items import record_review_item
from gaveld.adapters.storage.tables import Base
from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.ports import Attempt, Forgotten
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import AttemptOutcome, Delivery, DeliveryState
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.domain.review_items import ReviewItem
from tests.databases import opened
from tests.decisions import NOON, decided
from tests.fakes.secret_box import FakeSecretBox

WORDS = b"canary words"
BROKEN = Attempt(AttemptOutcome.FAILED, 500)


def nameless(answer: bytes) -> bytes:
    return b"judged" if answer else b""


def nameless_body(body: bytes) -> bytes:
    return b"told"


def job(id_: str, actor_id: str = "canary ann", **changed) -> Job:
    made = Job(id_, "shop", JobKind.CONTENT, f"request-{id_}", b"\0" * 32, NOON, NOON)
    return replace(made, payload=WORDS, content_id=id_, actor_id=actor_id, **changed)


def records(job: Job) -> Records:
    decision = decided(
        job.id, project=job.project, actor_id=job.actor_id, payload=WORDS, content_id=job.id
    )
    decision = replace(decision, facts=replace(decision.facts, content={"body": "canary"}))
    delivery = Delivery(
        id=f"msg_{job.id}",
        project=job.project,
        event="content.decided",
        url="https://receiver.example",
        body=WORDS,
        secret="whsec_bm90IG11Y2ggb2YgYSBzZWNyZXQ=",
        created_at=NOON,
        job_id=job.id,
        actor_id=job.actor_id,
        words_until=NOON,
    )
    item = ReviewItem(
        job.id, job.project, "photos", NOON, actor_id=job.actor_id, payload=WORDS, answer=WORDS
    )
    return Records(decision, (delivery,), item)


@dataclass
class House:
    """All that is written when content is decided."""

    engine: AsyncEngine
    jobs: SqlJobStore
    deliveries: SqlDeliveryStore
    users: SqlUserStore

    async def decide(self, job: Job) -> None:
        done = replace(job, state=JobState.DONE, payload=b"", answer=WORDS)
        await self.jobs.add_done(done, records(job))

    async def is_waited_for(self) -> None:
        """Come back once somebody waits for a lock; SQLite's writers queue by themselves."""
        if self.engine.dialect.name == "sqlite":
            return
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        async with asyncio.timeout(60), self.engine.connect() as connection:
            while not await connection.scalar(waiting):
                pass

    async def everything(self) -> str:
        async with self.engine.connect() as connection:
            return "".join(
                [
                    str((await connection.execute(text(f"SELECT * FROM {name}"))).all())
                    for name in Base.metadata.tables
                ]
            )


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with opened(database_url) as engine:
        await migrate(engine)
        deliveries = SqlDeliveryStore(engine, FakeSecretBox())
        jobs = SqlJobStore(engine, (record_decision, deliveries.record, record_review_item))
        users = SqlUserStore(engine, [forgetting(nameless, nameless_body)])
        yield House(engine, jobs, deliveries, users)


async def test_nothing_anywhere_names_or_quotes_a_forgotten_user(house: House):
    """Law: no table holds the user's id or words, whatever waits to be sent."""
    await house.decide(job("a" * 32))
    await house.jobs.add(job("b" * 32))
    before = await house.everything()
    assert "canary ann" in before
    assert "canary words" in before
    assert await house.users.forget("shop", "canary ann") == Forgotten(1, 2)
    assert "canary" not in await house.everything()


async def test_work_on_a_forgotten_users_content_ends(house: House):
    """Law: what waits is never judged, and what is being judged leaves nothing behind."""
    waits, runs = job("a" * 32), job("b" * 32)
    await house.jobs.add(runs)
    (lease,) = await house.jobs.lease("w", limit=1, seconds=60)
    await house.jobs.add(waits)
    await house.users.forget("shop", "canary ann")
    assert not await house.jobs.finish(lease, WORDS, records(runs))
    for known in (waits, runs):
        found = await house.jobs.find("shop", known.id)
        assert (found.state, found.payload, found.actor_id) == (JobState.CANCELLED, b"", "")
    assert await house.users.history("shop", "canary ann", NOON) is None
    assert await house.jobs.lease("w", limit=9, seconds=60) == []


@pytest.mark.parametrize("at_once", [1, 200])
async def test_what_a_worker_writes_at_that_moment_is_forgotten_too(
    house: House, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    """Law: forgetting waits for the transaction that finishes a job, and finds what it wrote."""
    monkeypatch.setattr(sql_forgetting, "PIECES_AT_ONCE", at_once)
    known = job("a" * 32)
    await house.jobs.add(known)
    (lease,) = await house.jobs.lease("w", limit=1, seconds=60)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def hold(session: AsyncSession, records: Records) -> None:
        await session.flush()
        written.set()
        await go_on.wait()

    recorders = (record_decision, house.deliveries.record, record_review_item, hold)
    finishing = asyncio.create_task(
        SqlJobStore(house.engine, recorders).finish(lease, WORDS, records(known))
    )
    await written.wait()
    forgetting = asyncio.create_task(house.users.forget("shop", "canary ann"))
    await house.is_waited_for()
    go_on.set()
    assert await finishing
    await forgetting
    assert "canary" not in await house.everything()
    assert (await house.deliveries.counts()).waiting == 1


async def test_much_content_is_forgotten_in_many_transactions(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """Law: others may write in between; all of it goes, and is counted once."""
    monkeypatch.setattr(sql_forgetting, "PIECES_AT_ONCE", 2)
    for letter in "abcde":
        await house.decide(job(letter * 32))
    await house.jobs.add(job("f" * 32))
    commits: list[None] = []
    event.listen(house.engine.sync_engine, "commit", lambda _: commits.append(None))
    assert await house.users.forget("shop", "canary ann") == Forgotten(5, 6)
    assert len(commits) >= 3
    assert "canary" not in await house.everything()
    assert await house.users.history("shop", "canary ann", NOON) is None


async def test_nobody_is_no_user(house: House):
    """Law: content that names nobody is no user's, so that none of it is forgotten."""
    await house.decide(job("a" * 32, actor_id=""))
    assert await house.users.forget("shop", "") == Forgotten(0, 0)
    assert "canary words" in await house.everything()


async def test_what_can_not_be_read_is_forgotten_whole(house: House):
    """Law: an answer that is torn, or a later release's, keeps nobody from being forgotten."""

    def broken(answer: bytes) -> bytes:
        raise ValueError(answer)

    await house.decide(job("a" * 32))
    users = SqlUserStore(house.engine, [sql_forgetting.forgetting(broken, nameless_body)])
    assert await users.forget("shop", "canary ann") == Forgotten(1, 1)
    assert "canary" not in await house.everything()


async def test_what_was_decided_can_still_be_asked_for(house: House):
    """Law: an operation of a forgotten user is done as before, without words and without a name."""
    await house.decide(job("a" * 32))
    await house.users.forget("shop", "canary ann")
    found = await house.jobs.find("shop", "a" * 32)
    assert (found.state, found.answer, found.actor_id) == (JobState.DONE, b"judged", "")


async def test_a_callback_that_waits_is_sent_and_a_dead_one_is_erased(house: House):
    """Law: a callback that waits is sent without the words, even after one attempt's failure."""
    for id_ in ("a" * 32, "b" * 32):
        await house.decide(job(id_))
    first, second = await house.deliveries.lease(
        NOON, limit=9, per_host=9, per_project=9, seconds=60
    )
    await house.deliveries.failed(first, BROKEN, NOON, retry_at=None)
    await house.users.forget("shop", "canary ann")
    await house.deliveries.failed(second, BROKEN, NOON, retry_at=NOON)
    (left,) = await house.deliveries.lease(NOON, limit=9, per_host=9, per_project=9, seconds=60)
    assert (left.id, left.state, left.body) == (second.id, DeliveryState.WAITING, b"told")
    assert (left.actor_id, left.words_until) == ("", None)


async def test_many_callbacks_of_one_user_are_all_forgotten(house: House):
    """Law: it makes no difference that they are more than are looked at in one go."""
    told = records(job("a" * 32)).deliveries[0]
    many = [replace(told, id=f"msg_{number}") for number in range(2 * ROWS_AT_ONCE + 1)]
    async with async_sessionmaker(house.engine).begin() as session:
        await house.deliveries.record(session, Records(deliveries=tuple(many)))
    await house.users.forget("shop", "canary ann")
    assert "canary" not in await house.everything()
    assert (await house.deliveries.counts()).waiting == len(many)


async def test_content_is_counted_once_wherever_it_is_kept(house: House):
    """Law: one piece of content in a job, a decision and a queue is one; nobody else is touched."""
    await house.decide(job("a" * 32))
    await house.decide(job("b" * 32, actor_id="bob"))
    await house.decide(job("c" * 32, project="blog"))
    assert await house.users.forget("shop", "canary ann") == Forgotten(1, 1)
    assert await house.users.forget("shop", "canary ann") == Forgotten(0, 0)
    left = await house.everything()
    assert "bob" in left
    assert "canary words" in left
