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

from gaveld.adapters.storage.job_rows import JOBS, job_from, project_of
from gaveld.domain.jobs import JobState, Lease

LANES_FOR_EACH: Final = 4
"""How many lanes are looked at first for each job that is wanted."""
MOST_LANES: Final = 10_000
"""How many are looked at where too little is due in those: their jobs run, or wait to be tried."""
_AFTER_ALL_LANES: Final = "/~"
"""Sorts behind every lane of the project that it is added to."""

# Those behind a place, then those before it: turn 0 and turn 1.
_LANES: Final = text("""
    WITH RECURSIVE lanes(lane, turn, place) AS (
        SELECT (SELECT min(lane) FROM jobs WHERE due_at IS NOT NULL AND lane > :after), 0, 1
        UNION ALL
        SELECT (SELECT min(lane) FROM jobs WHERE due_at IS NOT NULL), 1, 1
        UNION ALL
        SELECT (
            SELECT min(jobs.lane) FROM jobs WHERE due_at IS NOT NULL AND jobs.lane > lanes.lane
        ), turn, place + 1
        FROM lanes
        WHERE lanes.lane IS NOT NULL AND place < :most AND (turn = 0 OR lanes.lane <= :after)
    )
    SELECT lane, place, EXISTS (
        SELECT 1 FROM jobs WHERE jobs.lane = lanes.lane AND due_at <= :now
    ) AS is_due
    FROM lanes
    WHERE lane IS NOT NULL AND (turn = 0 OR lane <= :after)
    ORDER BY turn, lane
""").bindparams(bindparam("now", type_=DateTime(timezone=True)))
_CHOSEN: Final = (
    select(JOBS.c.id)
    .where(JOBS.c.lane == bindparam("of_lane"), JOBS.c.due_at <= bindparam("now"))
    .order_by(JOBS.c.due_at, JOBS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("chosen")
)
_TAKE: Final = (
    update(JOBS)
    .where(JOBS.c.id.in_(select(_CHOSEN.c.id)))
    .values(
        state=JobState.RUNNING.value,
        attempt_count=JOBS.c.attempt_count + 1,
        due_at=bindparam("until"),
        updated_at=bindparam("now"),
        lease_token=bindparam("token"),
        worker=bindparam("of_worker"),
    )
    .returning(*JOBS.c)
)


async def lanes_due(
    session: AsyncSession, now: datetime, *, most: int, after_project: str = ""
) -> Mapping[str, Sequence[str]]:
    """Return projects in turn, each with its lanes in which something is due, the first first.

    They begin after ``after_project`` and go round; of those behind it and of those before it, up
    to ``most`` lanes are looked at.
    """
    found, _ = await _looked_at(session, now, most, after_project)
    return found


async def _looked_at(
    session: AsyncSession, now: datetime, most: int, after_project: str
) -> tuple[Mapping[str, Sequence[str]], bool]:
    """Return the lanes in which something is due, and whether there may be more of them."""
    after = after_project + _AFTER_ALL_LANES if after_project else ""
    asked = {"after": after, "most": most, "now": now}
    by_project: dict[str, list[str]] = {}
    is_cut = False
    for lane, place, is_due in await session.execute(_LANES, asked):
        is_cut = is_cut or place >= most
        if is_due:
            by_project.setdefault(project_of(lane), []).append(lane)
    return by_project, is_cut


class Taking:
    """Takes what is due at one time for one worker, under one token."""

    def __init__(self, worker: str, now: datetime, until: datetime) -> None:
        self.now = now
        self._until = until
        self._token = uuid4().hex
        self._values = {"now": now, "until": until, "token": self._token, "of_worker": worker}

    async def take_in_turn(
        self, session: AsyncSession, limit: int, after_project: str
    ) -> list[Lease]:
        """Take up to so many jobs of all projects in turn, beginning after this one."""
        taken: list[Lease] = []
        for most in (LANES_FOR_EACH * limit, MOST_LANES):
            projects, is_cut = await _looked_at(session, self.now, most, after_project)
            taken += await self._take_of(projects, session, limit - len(taken))
            if len(taken) == limit or not is_cut:
                break
        return taken

    async def _take_of(
        self, projects: Mapping[str, Sequence[str]], session: AsyncSession, limit: int
    ) -> list[Lease]:
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

    async def _take(self, session: AsyncSession, lane: str, limit: int) -> list[Lease]:
        """Take up to so many jobs of a lane, those that are due for longest first."""
        rows = await session.execute(_TAKE, {**self._values, "of_lane": lane, "most": limit})
        jobs = sorted(map(job_from, rows), key=lambda job: (job.created_at, job.id))
        return [Lease(job, self._token, self._until) for job in jobs]
