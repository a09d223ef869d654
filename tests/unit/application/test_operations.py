"""Operations: each project's own, waited for, cancelled."""

import asyncio

import pytest

from gaveld.application import operations as module
from gaveld.application.operations import Operations
from gaveld.domain.errors import ErrorReason, NotFound
from gaveld.domain.jobs import JobState
from tests.fakes.jobs import FakeJobStore
from tests.jobs import a_job, records_of


async def test_a_project_sees_its_own_work_alone():
    """Law: another project's operation is as absent as one that never was."""
    jobs = FakeJobStore()
    job = await jobs.add(a_job("shop"))
    operations = Operations(jobs)
    assert await operations.get("shop", job.id) == job
    for asking in (
        operations.get("blog", job.id),
        operations.get("shop", "nothing"),
        operations.wait("blog", job.id, 5),
        operations.cancel("blog", job.id),
    ):
        with pytest.raises(NotFound) as refused:
            await asking
        assert refused.value.reason is ErrorReason.RESOURCE_NOT_FOUND
    assert (await jobs.find("shop", job.id)) == job
    page = await operations.list("blog", state=None, limit=10, token="")
    assert page.jobs == []


async def test_who_waits_is_told_when_the_work_is_done():
    """Law: a wait ends with the work, not with its time."""
    jobs = FakeJobStore()
    job = await jobs.add(a_job())
    waiting = asyncio.create_task(Operations(jobs).wait("shop", job.id, 3_600))
    await asyncio.wait([waiting], timeout=0.01)
    assert not waiting.done()
    (lease,) = await jobs.lease("one", limit=1, seconds=60)
    await jobs.finish(lease, b"answer", records_of(job))
    assert (await waiting).state is JobState.DONE


async def test_a_wait_has_an_end():
    """Law: when the time is over, the work is told as it is."""
    jobs = FakeJobStore()
    job = await jobs.add(a_job())
    operations = Operations(jobs)
    assert (await operations.wait("shop", job.id, 0.01)).state is JobState.WAITING
    assert (await operations.wait("shop", job.id, -1)).state is JobState.WAITING


async def test_a_server_that_leaves_lets_nobody_wait():
    """Law: at a stop every wait ends at its next look."""
    jobs, leaving = FakeJobStore(), asyncio.Event()
    job = await jobs.add(a_job())
    waiting = asyncio.create_task(Operations(jobs, leaving=leaving).wait("shop", job.id, 3_600))
    await asyncio.wait([waiting], timeout=0.01)
    leaving.set()
    assert (await waiting).state is JobState.WAITING


async def test_so_many_may_wait_and_no_more(monkeypatch):
    """Law: a crowd that waits doesn't wear the storage out; who is too many is told at once."""
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    jobs = FakeJobStore()
    job = await jobs.add(a_job())
    operations = Operations(jobs)
    crowd = [asyncio.create_task(operations.wait("shop", job.id, 3_600)) for _ in range(3)]
    await asyncio.wait(crowd, timeout=0.01)
    assert (await operations.wait("shop", job.id, 3_600)).state is JobState.WAITING
    await operations.cancel("shop", job.id)
    assert {told.state for told in await asyncio.gather(*crowd)} == {JobState.CANCELLED}
    again = await jobs.add(a_job())
    assert (await operations.wait("shop", again.id, 0.01)).state is JobState.WAITING
