"""A store in SQL against the one in memory: whatever is done to both, they tell the same."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaveld.application.ports import JobStore
from gaveld.domain.errors import AlreadyExists
from gaveld.domain.jobs import Job, Lease
from tests.contracts.job_stores import LEASE, Kept, fake, sql
from tests.jobs import Clock, a_job, records_of

ADDED = st.tuples(st.just("add"), st.integers(0, 3), st.integers(0, 2), st.sampled_from([-1, 0, 5]))
WORKED = st.tuples(
    st.sampled_from(["finish", "extend", "release", "retry", "bury"]), st.integers(0, 4)
)
MANAGED = st.tuples(st.sampled_from(["cancel", "requeue"]), st.integers(0, 6))
STEPS = st.lists(
    st.one_of(
        ADDED,
        WORKED,
        MANAGED,
        st.tuples(st.just("lease"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.sampled_from([1, 30, 61])),
    ),
    max_size=25,
)


@dataclass
class Side:
    """One of the two stores, and the leases that were had of it, in order."""

    store: JobStore
    clock: Clock
    leases: list[Lease] = field(default_factory=list)


class Pair:
    """Two stores to which the same is done, in one project of their own."""

    def __init__(self, sides: tuple[Side, Side], project: str) -> None:
        self.sides = sides
        self.project = project
        self.ids: list[str] = []

    async def do(self, step: tuple[object, ...]) -> None:
        """Do one thing to both, and see that both say the same of it."""
        name, *facts = step
        job = self._job(*facts) if name == "add" else None
        for side in self.sides:
            side.clock.pass_seconds(0.001 if name != "wait" else facts[0])
        if job is not None:
            self.ids.append(job.id)
            told = [await self._added(side, job) for side in self.sides]
        else:
            told = [await self._told(side, str(name), facts) for side in self.sides]
        assert told[0] == told[1], step
        assert await self._all(self.sides[0]) == await self._all(self.sides[1]), step

    def _job(self, content: int, request: int, priority: int) -> Job:
        at = self.sides[0].clock.now
        return a_job(
            self.project,
            at=at,
            content_id=f"post-{content}" if content else "",
            content_sha256="ab" * 32,
            request_id=f"request-{request}-{content}" if request else f"{len(self.ids)}",
            priority=priority,
            payload=f"{content}".encode(),
        )

    async def _added(self, side: Side, job: Job) -> object:
        try:
            return (await side.store.add(job)).id
        except AlreadyExists as refused:
            return refused.reason

    async def _told(self, side: Side, name: str, facts: list[int]) -> object:
        match name:
            case "lease":
                leases = await side.store.lease("one", limit=facts[0], seconds=LEASE)
                side.leases += leases
                return sorted((lease.job.id, lease.expires_at) for lease in leases)
            case "cancel" if self.ids:
                return await side.store.cancel(self.project, self.ids[facts[0] % len(self.ids)])
            case "requeue" if self.ids:
                return await side.store.requeue(self.ids[facts[0] % len(self.ids)])
            case "finish" | "extend" | "release" | "retry" | "bury" if side.leases:
                lease = side.leases[-1 - facts[0] % len(side.leases)]
                return await _worked(side, name, lease)
        return None

    async def _all(self, side: Side) -> list[Job | None]:
        found = [await side.store.find(self.project, job_id) for job_id in self.ids]
        return [job and replace(job, updated_at=job.created_at) for job in found]

    async def end(self) -> None:
        """Leave nothing behind that the next pair could be given."""
        for side in self.sides:
            for job_id in self.ids:
                await side.store.cancel(self.project, job_id)


async def _worked(side: Side, name: str, lease: Lease) -> bool:
    match name:
        case "finish":
            return await side.store.finish(lease, b"answer", records_of(lease.job))
        case "extend":
            return await side.store.extend(lease, LEASE)
        case "release":
            return await side.store.release(lease)
    retry_at = side.clock.now + timedelta(seconds=20) if name == "retry" else None
    return await side.store.fail(lease, "INTERNAL", "It failed.", retry_at=retry_at)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_the_store_in_sql_is_the_one_in_memory(runner: asyncio.Runner, tmp_path: Path):
    """Law: no order of adding, leasing, failing, cancelling and waiting tells the two apart."""
    stack = AsyncExitStack()
    projects = 0

    async def opened() -> tuple[Kept, Kept]:
        in_sql = sql(f"sqlite+aiosqlite:///{tmp_path}/gavel.db", Clock())
        return await stack.enter_async_context(in_sql), await stack.enter_async_context(fake())

    stores = runner.run(opened())

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(STEPS)
    def holds(steps: list[tuple[object, ...]]) -> None:
        nonlocal projects
        projects += 1
        now = max(kept.clock.now for kept in stores)
        for kept in stores:
            kept.clock.now = now
        sides = tuple(Side(kept.store, kept.clock) for kept in stores)
        pair = Pair((sides[0], sides[1]), f"project-{projects}")

        async def walk() -> None:
            try:
                for step in steps:
                    await pair.do(step)
            finally:
                await pair.end()

        runner.run(walk())

    try:
        holds()
    finally:
        runner.run(stack.aclose())
