"""One suite for every ``JobStore``: how jobs are added, leased, finished and given up."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gaveld.domain.errors import AlreadyExists, ErrorReason
from gaveld.domain.jobs import JobState
from tests.contracts.job_stores import LEASE, Kept, a_dead_job
from tests.jobs import a_job, records_of


async def test_what_is_added_is_found_by_its_project_alone(kept: Kept):
    """Law: a job is kept as it is, and is nobody else's."""
    job = a_job(content_id="post-1", content_sha256="ab" * 32, actor_id="ann", priority=-7)
    assert await kept.store.add(job) == job
    assert await kept.store.find("shop", job.id) == job
    assert await kept.store.find(None, job.id) == job
    assert await kept.store.find("blog", job.id) is None
    assert await kept.store.find("shop", "nothing") is None


@pytest.mark.parametrize("job_id", ["", "nul \0", "\0", "👍" * 99])
async def test_what_can_be_no_id_is_nobodys(kept: Kept, job_id: str):
    """Law: whatever a caller names, there is no such job, and the storage is not to blame."""
    assert await kept.store.find("shop", job_id) is None
    assert await kept.store.cancel("shop", job_id) is None


async def test_a_repeat_is_the_first_ones(kept: Kept):
    """Law: the same request id, or the same content under the same id, is one job."""
    job = a_job(content_id="post-1", content_sha256="ab" * 32)
    await kept.store.add(job)
    for repeat in (
        a_job(request_id=job.request_id),
        a_job(content_id="post-1", content_sha256="ab" * 32, payload=b"asked otherwise"),
    ):
        assert await kept.store.find_repeated(repeat) == job
        assert await kept.store.add(repeat) == job
        assert await kept.store.add_done(repeat, records_of(repeat)) == job
    assert await kept.recorded() == []
    assert len((await kept.store.list()).jobs) == 1


async def test_what_differs_is_no_repeat(kept: Kept):
    """Law: other content, another id, another project, or no content id at all, is another job."""
    jobs = [
        a_job(content_id="post-1", content_sha256="ab" * 32, request_id="first"),
        a_job(content_id="post-1", content_sha256="cd" * 32),
        a_job(content_id="post-2", content_sha256="ab" * 32),
        a_job(content_sha256="ab" * 32),
        a_job(content_sha256="ab" * 32),
        a_job("blog", content_id="post-1", content_sha256="ab" * 32, request_id="first"),
    ]
    for job in jobs:
        assert await kept.store.find_repeated(job) is None
        assert await kept.store.add(job) == job


async def test_a_request_id_is_for_one_request(kept: Kept):
    """Law: an id that was used for something else is refused, and nothing is written."""
    job = a_job(request_id="order-1")
    await kept.store.add(job)
    other = a_job(request_id="order-1", payload=b"something else")
    for asking in (
        kept.store.add(other),
        kept.store.add_done(other, records_of(other)),
        kept.store.find_repeated(other),
    ):
        with pytest.raises(AlreadyExists) as refused:
            await asking
        assert refused.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert len((await kept.store.list()).jobs) == 1
    assert await kept.recorded() == []


async def test_repeats_at_once_are_one_job(kept: Kept):
    """Law: of equal requests that arrive together one is kept, and all are told of it."""
    repeats = [a_job(content_id="post-1", content_sha256="ab" * 32) for _ in range(12)]
    told = await asyncio.gather(*(kept.store.add(repeat) for repeat in repeats))
    assert len({job.id for job in told}) == 1
    assert len(await kept.lease()) == 1


async def test_one_that_fails_spoils_no_other(kept: Kept):
    """Law: of writes that come together, each is done or refused for itself."""
    await kept.store.add(a_job(request_id="taken"))
    jobs = [a_job(request_id="taken", payload=b"other"), *(a_job() for _ in range(10))]
    told = await asyncio.gather(*map(kept.store.add, jobs), return_exceptions=True)
    assert isinstance(told[0], AlreadyExists)
    assert told[1:] == jobs[1:]
    assert len(await kept.lease()) == 11


async def test_what_was_done_before_it_is_kept_needs_no_worker(kept: Kept):
    """Law: it is written with its records, whole, and never leased; its payload is not kept."""
    job = a_job(state=JobState.DONE, attempt_count=1, answer=b"answer")
    assert (await kept.store.add_done(job, records_of(job))).id == job.id
    assert await kept.recorded() == [job.id]
    assert await kept.lease() == []
    found = await kept.store.find("shop", job.id)
    assert found == replace(job, payload=b"")


async def test_the_higher_priority_goes_first_and_then_the_older(kept: Kept):
    """Law: within a project jobs go by priority, and those of one by age."""
    late = a_job(at=kept.clock.now, request_id="late")
    early = a_job(at=kept.clock.now - timedelta(seconds=9), request_id="early")
    urgent = a_job(at=kept.clock.now, priority=100, request_id="urgent")
    idle = a_job(at=kept.clock.now - timedelta(seconds=99), priority=-100, request_id="idle")
    for job in (late, idle, urgent, early):
        await kept.store.add(job)
    order = [(await kept.lease_one()).job.request_id for _ in range(4)]
    assert order == ["urgent", "early", "late", "idle"]
    assert await kept.lease() == []


async def test_a_lease_counts_an_attempt_and_has_all_that_is_asked(kept: Kept):
    """Law: whoever holds a job has its payload, and it is seen to run."""
    job = await kept.store.add(a_job())
    lease = await kept.lease_one()
    assert lease.job.payload == job.payload
    assert (lease.job.state, lease.job.attempt_count) == (JobState.RUNNING, 1)
    assert lease.expires_at == kept.clock.now + timedelta(seconds=LEASE)
    assert await kept.store.find("shop", job.id) == lease.job


async def test_no_job_is_leased_to_two(kept: Kept):
    """Law: workers that ask at once share the jobs out, each to one."""
    for _ in range(60):
        await kept.store.add(a_job())
    taken: list[str] = []

    async def work(name: str) -> None:
        while leases := await kept.lease(3, worker=name):
            taken.extend(lease.job.id for lease in leases)

    await asyncio.gather(*(work(f"worker-{number}") for number in range(6)))
    while leases := await kept.lease(3):  # what one looked at while another held it
        taken.extend(lease.job.id for lease in leases)
    assert len(taken) == len(set(taken)) == 60


async def test_a_flood_keeps_no_other_project_waiting(kept: Kept):
    """Law: turns go round the projects, however much one has, and of whatever priority."""
    for _ in range(50):
        await kept.store.add(a_job("flood", priority=100))
    for project in ("a", "flood-2", "z"):
        await kept.store.add(a_job(project, at=kept.clock.now, priority=-100))
    kept.clock.pass_seconds(1)
    projects = [lease.job.project for lease in await kept.lease(8)]
    assert set(projects) == {"a", "flood", "flood-2", "z"}
    assert projects.count("flood") == 5
    for project in ("a", "z"):
        await kept.store.add(a_job(project))
    one_by_one = [(await kept.lease_one()).job.project for _ in range(4)]
    assert set(one_by_one) == {"a", "flood", "z"}


async def test_who_is_busy_keeps_nobody_else_waiting(kept: Kept):
    """Law: what is due is found behind however many projects whose jobs all run already."""
    for number in range(10):
        await kept.store.add(a_job(f"busy-{number}"))
    assert len(await kept.lease(10)) == 10
    await kept.store.add(a_job("busy-50"))
    assert (await kept.lease_one()).job.project == "busy-50"
    assert await kept.lease(1) == []
    for project in ("busy-00", "busy-99"):
        await kept.store.add(a_job(project))
    assert {lease.job.project for lease in await kept.lease(2)} == {"busy-00", "busy-99"}


async def test_who_lost_a_lease_changes_nothing(kept: Kept):
    """Law: once another has the job, the first can neither finish nor fail nor hold it."""
    await kept.store.add(a_job())
    lost = await kept.lease_one()
    kept.clock.pass_seconds(LEASE - 1)
    assert await kept.lease() == []
    kept.clock.pass_seconds(2)
    lease = await kept.lease_one()
    assert (lease.job.id, lease.job.attempt_count) == (lost.job.id, 2)
    assert not await kept.is_finished(lost)
    assert not await kept.store.extend(lost, LEASE)
    assert not await kept.store.fail(lost, "INTERNAL", "It failed.", retry_at=None)
    assert not await kept.store.release(lost)
    assert await kept.recorded() == []
    assert await kept.is_finished(lease)
    assert await kept.recorded() == [lease.job.id]


async def test_a_lease_that_is_extended_is_held(kept: Kept):
    """Law: whoever works on may hold on, counted from when it says so."""
    await kept.store.add(a_job())
    lease = await kept.lease_one()
    for _ in range(4):
        kept.clock.pass_seconds(LEASE / 2)
        assert await kept.store.extend(lease, LEASE)
        assert await kept.lease() == []
    assert await kept.is_finished(lease)
    assert not await kept.store.extend(lease, LEASE)


async def test_a_job_is_finished_once(kept: Kept):
    """Law: its answer and records are written once, together; its payload is erased."""
    await kept.store.add(a_job())
    lease = await kept.lease_one()
    attempts = await asyncio.gather(*(kept.is_finished(lease) for _ in range(5)))
    assert sorted(attempts) == [False] * 4 + [True]
    found = await kept.store.find("shop", lease.job.id)
    assert found is not None
    assert (found.state, found.answer, found.payload) == (JobState.DONE, b"answer", b"")
    assert await kept.recorded() == [lease.job.id]
    kept.clock.pass_seconds(LEASE + 1)
    assert await kept.lease() == []


async def test_what_is_tried_again_waits_for_its_time(kept: Kept):
    """Law: a job that failed is leased again from then on and not before; it says why it failed."""
    await kept.store.add(a_job())
    lease = await kept.lease_one()
    retry_at = kept.clock.now + timedelta(seconds=5)
    assert await kept.store.fail(lease, "DEADLINE_EXCEEDED", "Too slow.", retry_at=retry_at)
    found = await kept.store.find("shop", lease.job.id)
    assert found is not None
    assert (found.state, found.error_reason, found.error_message) == (
        JobState.WAITING,
        "DEADLINE_EXCEEDED",
        "Too slow.",
    )
    kept.clock.pass_seconds(4)
    assert await kept.lease() == []
    kept.clock.pass_seconds(1)
    again = await kept.lease_one()
    assert (again.job.payload, again.job.attempt_count) == (lease.job.payload, 2)
    assert await kept.is_finished(again)
    done = await kept.store.find("shop", lease.job.id)
    assert done is not None
    assert (done.error_reason, done.error_message) == ("", "")


async def test_a_dead_job_rests_until_somebody_tries_it_anew(kept: Kept):
    """Law: nobody leases it, and once it is requeued it has all its attempts before it."""
    dead = await a_dead_job(kept)
    assert (dead.state, dead.error_reason) == (JobState.DEAD, "INTERNAL")
    kept.clock.pass_seconds(10 * LEASE)
    assert await kept.lease() == []
    queued = await kept.store.requeue(dead.id)
    assert queued is not None
    assert (queued.state, queued.attempt_count) == (JobState.WAITING, 0)
    assert await kept.store.requeue(dead.id) is None
    lease = await kept.lease_one()
    assert (lease.job.payload, lease.job.attempt_count) == (dead.payload, 1)


async def test_what_was_submitted_again_is_judged_under_the_new_job(kept: Kept):
    """Law: a dead job doesn't stand in its content's way, and never judges it a second time."""
    content = {"content_id": "post-1", "content_sha256": "ab" * 32}
    dead = await a_dead_job(kept, **content)
    again = a_job(**content)
    assert await kept.store.add(again) == again
    assert await kept.store.requeue(dead.id) is None
    assert [lease.job.id for lease in await kept.lease()] == [again.id]
    assert await kept.store.requeue("nothing") is None


async def test_what_is_released_is_as_if_it_had_not_been_taken(kept: Kept):
    """Law: a job that is given back goes on at once, before younger ones, with its attempt."""
    await kept.store.add(a_job(at=kept.clock.now - timedelta(seconds=5)))
    lease = await kept.lease_one()
    await kept.store.add(a_job())
    assert await kept.store.release(lease)
    again = await kept.lease_one()
    assert (again.job.id, again.job.attempt_count) == (lease.job.id, 1)
    assert not await kept.is_finished(lease)
    assert await kept.is_finished(again)


async def test_a_cancelled_job_is_done_by_nobody(kept: Kept):
    """Law: cancelling ends a waiting job and a running one, whose result is refused then."""
    await kept.store.add(a_job(at=kept.clock.now - timedelta(seconds=5)))
    running = await kept.lease_one()
    waiting = await kept.store.add(a_job())
    for job in (running.job, waiting):
        assert await kept.store.cancel("blog", job.id) is None
        cancelled = await kept.store.cancel("shop", job.id)
        assert cancelled is not None
        assert (cancelled.state, cancelled.payload) == (JobState.CANCELLED, b"")
        assert await kept.store.find("shop", job.id) == cancelled
    assert not await kept.is_finished(running)
    assert not await kept.store.extend(running, LEASE)
    kept.clock.pass_seconds(LEASE + 1)
    assert await kept.lease() == []
    assert await kept.recorded() == []


async def test_what_is_final_can_not_be_cancelled(kept: Kept):
    """Law: a job that is done stays done, and a dead one dead."""
    dead = await a_dead_job(kept)
    await kept.store.add(a_job())
    lease = await kept.lease_one()
    await kept.is_finished(lease)
    assert await kept.store.cancel("shop", dead.id) == dead
    done = await kept.store.cancel("shop", lease.job.id)
    assert done is not None
    assert (done.state, done.answer) == (JobState.DONE, b"answer")


async def test_cancelled_content_may_be_submitted_again(kept: Kept):
    """Law: after a cancel the same content is a new job; its request id stays the old one's."""
    content = {"content_id": "post-1", "content_sha256": "ab" * 32}
    job = await kept.store.add(a_job(**content))
    await kept.store.cancel("shop", job.id)
    again = a_job(**content)
    assert await kept.store.add(again) == again
    assert (await kept.store.add(a_job(request_id=job.request_id))).id == job.id
