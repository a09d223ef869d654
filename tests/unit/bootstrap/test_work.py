"""What goes on beside the calls: that it ends, whoever waits for it and for however long."""

import asyncio
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from gaveld.application.sweep_jobs import SweepJobs, SweepPlan
from gaveld.bootstrap import work as bootstrap_work
from gaveld.bootstrap.work import BackgroundWork
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.fakes.jobs import FakeJobStore
from tests.fakes.telemetry import FakeTelemetry


class Endless:
    """A chore that never comes to its end by itself."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self, now: datetime) -> int:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return 0


class FailingOnce(SweepJobs):
    """A sweeper that ends by a fault of its own the first time."""

    has_failed = False

    async def run(self) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError("what someone wrote")
        await super().run()


def work_with(chore: Endless, kind: type[SweepJobs] = SweepJobs) -> BackgroundWork:
    sweep = kind(
        FakeJobStore(),
        FakeJobDispatcher(),
        FakeTelemetry(),
        strip_words=bytes,
        plan=SweepPlan(),
        chores=(chore,),
    )
    return BackgroundWork(None, sweep, None, asyncio.Event())


async def test_what_does_not_end_in_the_grace_is_ended():
    """Law: after the grace nothing goes on, and a second drain finds nothing to do."""
    chore = Endless()
    work = work_with(chore)
    work.start()
    async with asyncio.timeout(30):
        await chore.begun.wait()
        await work.drain(0.0)
        assert chore.ended.is_set()
        await work.drain(3600.0)


async def test_who_waits_no_longer_leaves_nothing_going_on():
    """Law: a drain that is cut short, as by a second signal, has ended everything when it ends."""
    chore = Endless()
    work = work_with(chore)
    work.start()
    async with asyncio.timeout(30):
        await chore.begun.wait()
        draining = asyncio.create_task(work.drain(3600.0))
        await asyncio.wait({draining}, timeout=0.01)
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
    assert chore.ended.is_set()


async def test_what_fails_unforeseen_is_begun_again(monkeypatch: pytest.MonkeyPatch):
    """Law: no part stops working unseen: its fault is logged, without its words, and it goes on."""
    monkeypatch.setattr(bootstrap_work, "AGAIN_SECONDS", 0.0)
    chore = Endless()
    with capture_logs() as logs:
        work = work_with(chore, FailingOnce)
        work.start()
        async with asyncio.timeout(30):
            await chore.begun.wait()
            await work.drain(0.0)
    (entry,) = logs
    assert (entry["event"], entry["part"]) == ("background work failed", "FailingOnce")
    assert entry["cause"].startswith("RuntimeError at ")
    assert "wrote" not in str(entry)
