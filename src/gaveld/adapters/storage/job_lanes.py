"""Whose turn it is: goes round the projects that have work, however much any of them has.

Lanes are found by skipping through their index, so that a lane costs the same with one job in it
as with a hundred thousand.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import DateTime, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.adapters.storage.job_rows import JobRow, job_from, project_of
from gaveld.domain.jobs import JobState, Lease

_LANES: Final = text("""
    WITH RECURSIVE lanes(lane, place) AS (
        SELECT (SELECT min(jobs.lane) FROM jobs WHERE due_at IS NOT NULL AND jobs.lane > :after), 1
        UNION ALL
        SELECT (
            SELECT min(jobs.lane) FROM jobs WHERE due_at IS NOT NULL AND jobs.lane > lanes.lane
        ), place + 1
        FROM lanes WHERE lanes.lane IS NOT NULL AND place < :most
    )
    SELECT lane FROM lanes WHERE lane IS NOT NULL AND EXISTS (
        SELECT 1 FROM jobs WHERE jobs.lane = lanes.lane AND due_at <= :now
    ) ORDER BY lane
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))
LANES_FOR_EACH: Final = 4
"""How many lanes are looked at for each job that is wanted, so that empty ones cost little."""
_AFTER_ALL_LANES: Final = "/~"
"""Sorts behind every lane of the project that it is added to."""


async def lanes_due(
    session: AsyncSession, now: datetime, *, most: int, after_project: str = ""
) -> Mapping[str, Sequence[str]]:
    """Return projects in turn, each with its lanes in which something is due, the first first.

    They begin after ``after_project`` and go round; up to ``most`` lanes are looked at.
    """
    after = after_project + _AFTER_ALL_LANES if after_project else ""
    lanes = list(await session.scalars(_LANES, {"after": after, "most": most, "now": now}))
    if after and len(lanes) < most:
        seen = set(lanes)
        first = await session.scalars(_LANES, {"after": "", "most": most, "now": now})
        lanes += [lane for lane in first if lane not in seen]
    by_project: dict[str, list[str]] = {}
    for lane in lanes:
        by_project.setdefault(project_of(lane), []).append(lane)
    return by_project


class Taking:
    """Takes what is due at one time for one worker, under one token."""

    def __init__(self, worker: str, now: datetime, until: datetime) -> None:
        self.now = now
        self._until = until
        self._token = uuid4().hex
        self._values = {
            "state": JobState.RUNNING.value,
            "attempt_count": JobRow.attempt_count + 1,
            "due_at": until,
            "updated_at": now,
            "lease_token": self._token,
            "worker": worker,
        }

    async def _take(self, session: AsyncSession, lane: str, limit: int) -> list[Lease]:
        """Take up to so many jobs of a lane, those that are due for longest first."""
        chosen = (
            select(JobRow.id)
            .where(JobRow.lane == lane, JobRow.due_at <= self.now)
            .order_by(JobRow.due_at, JobRow.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("chosen")
        )
        taken = (
            update(JobRow)
            .where(JobRow.id.in_(select(chosen.c.id)))
            .values(self._values)
            .returning(JobRow)
            .execution_options(synchronize_session=False)
        )
        rows = await session.scalars(taken)
        jobs = sorted((job_from(row) for row in rows), key=lambda job: (job.created_at, job.id))
        return [Lease(job, self._token, self._until) for job in jobs]

    async def take_in_turn(
        self, session: AsyncSession, limit: int, after_project: str
    ) -> list[Lease]:
        """Take up to so many jobs of all projects in turn, beginning after this one."""
        projects = await lanes_due(
            session, self.now, most=LANES_FOR_EACH * limit, after_project=after_project
        )
        share = max(1, limit // max(1, len(projects)))
        taken: list[Lease] = []
        for most in (share, limit):  # first what is each project's due, then what is left over
            for lanes in projects.values():
                room = min(most, limit - len(taken))
                for lane in lanes:
                    if room > 0:
                        leases = await self._take(session, lane, room)
                        taken += leases
                        room -= len(leases)
            if len(taken) == limit:
                break
        return taken
