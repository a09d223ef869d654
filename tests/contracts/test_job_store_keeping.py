"""One suite for every ``JobStore``: how jobs are listed, counted and erased, and shared out."""

import asyncio
import base64
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import chain

import pytest

from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.domain.errors import ErrorReason, InvalidRequest, Unavailable
from gaveld.domain.jobs import Job, JobKind, JobState
from tests.contracts.job_stores import LEASE, Kept, a_dead_job, sql
from tests.databases import opened
from tests.jobs import Clock, a_job, records_of


async def test_jobs_are_listed_page_by_page_newest_first(kept: Kept):
    """Law: pages hold every job once, the newest first, and no payload."""
    for number in range(7):
        at = kept.clock.now + timedelta(seconds=number // 2)
        await kept.store.add(a_job(at=at, request_id=f"r{number}"))
    await kept.store.add(a_job("blog"))
    seen: list[Job] = []
    token = ""
    while True:
        page = await kept.store.list("shop", limit=3, token=token)
        seen += page.jobs
        token = page.next_token
        if not token:
            break
    assert sorted(job.request_id for job in seen) == [f"r{number}" for number in range(7)]
    created = [job.created_at for job in seen]
    assert created == sorted(created, reverse=True)
    assert {job.payload for job in seen} == {b""}
    assert len((await kept.store.list(limit=100)).jobs) == 8


@pytest.mark.parametrize(
    "place",
    [
        b"nowhere",
        b"2026-11-22T12:00:00+00:00 nul \0",
        b"2026-11-22T12:00:00 no-zone",
        b"9999-12-31T23:59:59-23:59 no-such-time",
        b"0001-01-01T00:00:00+23:59 no-such-time",
    ],
)
async def test_a_page_that_none_leads_to_is_refused(kept: Kept, place: bytes):
    """Law: a token that somebody made up is the caller's fault, on every storage."""
    for token in (place.decode(), base64.urlsafe_b64encode(place).decode()):
        with pytest.raises(InvalidRequest) as refused:
            await kept.store.list("shop", token=token)
        assert refused.value.reason is ErrorReason.INVALID_PAGE_TOKEN


async def test_jobs_are_listed_by_state(kept: Kept):
    """Law: a state's list has its jobs alone."""
    dead = await a_dead_job(kept)
    await kept.store.add(a_job())
    running = await kept.lease_one()
    waiting = await kept.store.add(a_job())
    for state, job_id in (
        (JobState.DEAD, dead.id),
        (JobState.RUNNING, running.job.id),
        (JobState.WAITING, waiting.id),
    ):
        assert [job.id for job in (await kept.store.list(state=state)).jobs] == [job_id]
        assert [job.id for job in (await kept.store.list("shop", state=state)).jobs] == [job_id]
    assert (await kept.store.list(state=JobState.DONE)).jobs == []


async def test_jobs_that_nobody_took_are_named(kept: Kept):
    """Law: those that could be leased since before a time, of every project; no others."""
    flood = [await kept.store.add(a_job("flood")) for _ in range(20)]
    one = await kept.store.add(a_job("one"))
    kept.clock.pass_seconds(30)
    young = await kept.store.add(a_job("young", at=kept.clock.now))
    older_than = kept.clock.now - timedelta(seconds=10)
    named = await kept.store.waiting(older_than=older_than, limit=6)
    assert len(named) <= 6
    assert one.id in named
    assert set(named) - {one.id} <= {job.id for job in flood}
    assert young.id not in await kept.store.waiting(older_than=older_than, limit=100)
    await kept.lease()
    assert list(await kept.store.waiting(older_than=older_than, limit=100)) == []


async def test_work_is_counted(kept: Kept):
    """Law: waiting, running and dead jobs are counted, and the oldest that could be done dated."""
    assert (await kept.store.counts(kept.clock.now)).oldest_due_at is None
    await a_dead_job(kept)
    await kept.store.add(a_job())
    await kept.lease_one()
    oldest = kept.clock.now
    kept.clock.pass_seconds(5)
    for at in (oldest, kept.clock.now):
        await kept.store.add(a_job(at=at))
    await kept.store.add(a_job("blog", at=kept.clock.now))
    counts = await kept.store.counts(kept.clock.now)
    assert (counts.waiting, counts.running, counts.dead) == (3, 1, 1)
    assert counts.oldest_due_at == oldest


async def test_words_are_erased_when_their_time_is_over(kept: Kept):
    """Law: an answer keeps its words for a while, or as long as the policy keeps the content."""
    jobs = {"plain": a_job(), "kept": a_job(), "other": a_job(kind=JobKind.BACKTEST)}
    for job in jobs.values():
        await kept.store.add(job)
    payloads = {jobs["kept"].id: b"the content"}
    for lease in await kept.lease():
        payload = payloads.get(lease.job.id, b"")
        records = records_of(lease.job, payload=payload, content_retention_days=2)
        assert await kept.store.finish(lease, b"words", records)

    async def answers() -> dict[str, bytes]:
        found = {name: await kept.store.find("shop", job.id) for name, job in jobs.items()}
        return {name: job.answer for name, job in found.items() if job is not None}

    async def erased() -> int:
        return await kept.store.erase_words(kept.clock.now, lambda _: b"wordless", limit=10)

    assert await erased() == 0
    kept.clock.pass_seconds(3_601)
    assert await erased() == 1
    assert await answers() == {"plain": b"wordless", "kept": b"words", "other": b"words"}
    assert await erased() == 0
    kept.clock.pass_seconds(2 * 86_400)
    assert await erased() == 1
    assert await answers() == {"plain": b"wordless", "kept": b"wordless", "other": b"words"}


async def test_old_jobs_are_erased_once_they_are_final(kept: Kept):
    """Law: what is done, dead or cancelled is erased in time; what waits or runs never is."""
    await a_dead_job(kept)
    await kept.store.add(a_job())
    await kept.is_finished(await kept.lease_one())
    await kept.store.add(a_job())
    running = await kept.lease_one()
    waiting = await kept.store.add(a_job())
    before = kept.clock.now + timedelta(seconds=1)
    assert await kept.store.erase(before=kept.clock.now, limit=10) == 0
    assert await kept.store.erase(before=before, limit=1) == 1
    assert await kept.store.erase(before=before, limit=10) == 1
    assert {job.id for job in (await kept.store.list()).jobs} == {running.job.id, waiting.id}


async def test_any_character_can_be_kept(kept: Kept):
    """Law: what callers and failures say is kept as it is, U+0000 and all."""
    odd = "a\0b\u2028c\U0001f600"
    await kept.store.add(a_job(content_id=odd, content_sha256="ab" * 32, actor_id=odd))
    lease = await kept.lease_one()
    assert (lease.job.content_id, lease.job.actor_id) == (odd, odd)
    await kept.store.fail(lease, "INTERNAL", odd, retry_at=None)
    found = await kept.store.find("shop", lease.job.id)
    assert found is not None
    assert found.error_message == odd


async def test_a_record_that_fails_undoes_its_job(database_url: str):
    """Law: the job is done with all its records, or is not done at all; others are not touched."""
    async with sql(database_url, Clock()) as kept:
        for _ in range(6):
            await kept.store.add(a_job())
        leases = await kept.lease()
        taken = records_of(leases[0].job)  # its record is there already when it is written again
        assert await kept.store.finish(leases[0], b"answer", taken)
        outcomes = await asyncio.gather(
            kept.store.finish(leases[1], b"answer", taken),
            *(kept.is_finished(lease) for lease in leases[2:]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], Unavailable)
        assert outcomes[1:] == [True] * 4
        undone = await kept.store.find("shop", leases[1].job.id)
        assert undone == leases[1].job
        assert await kept.is_finished(leases[1])


async def test_workers_of_two_processes_share_jobs_out(database_url: str):
    """Law: stores over their own connections lease no job twice, and finish each once."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        ours, theirs = [await stack.enter_async_context(sql(database_url, clock)) for _ in "ab"]
        for _ in range(40):
            await ours.store.add(a_job())

        async def work(kept: Kept) -> list[str]:
            done: list[str] = []
            while leases := await kept.lease(3):
                for lease in leases:
                    assert await kept.is_finished(lease)
                    done.append(lease.job.id)
            return done

        shares = await asyncio.gather(*map(work, (ours, theirs, ours, theirs)))
        done = [*chain.from_iterable(shares), *await work(ours)]
        assert len(done) == len(set(done)) == 40
        assert sorted(await ours.recorded()) == sorted(done)


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table every call fails as unavailable, with when to try again."""
    async with opened(database_url) as engine:
        store = SqlJobStore(engine)
        for asking in (
            store.add(a_job()),
            store.find("shop", "any"),
            store.lease("one", limit=1, seconds=LEASE),
        ):
            with pytest.raises(Unavailable) as caught:
                await asking
            assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE
            assert caught.value.retry_after_seconds is not None
