"""What a run left in its database, read past the server, and whether more is still to come."""

from gavel.v1.content_service_pb2 import SubmitContentResponse
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.kill.history import Decided

DECISIONS = """
SELECT decisions.id, decisions.content_id, jobs.answer FROM decisions
LEFT JOIN jobs ON jobs.id = decisions.id AND jobs.state = 'done'
"""
OPEN = """
SELECT (SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running'))
     + (SELECT count(*) FROM deliveries WHERE state = 'waiting')
"""
DEAD = """
SELECT (SELECT count(*) FROM jobs WHERE state NOT IN ('waiting', 'running', 'done'))
     + (SELECT count(*) FROM deliveries WHERE state NOT IN ('waiting', 'delivered'))
"""


async def decided(engine: AsyncEngine) -> list[Decided]:
    """Read every decision; one whose job isn't done tells of no answer."""
    async with engine.connect() as connection:
        rows = (await connection.execute(text(DECISIONS))).all()
    return [
        Decided(_text(content_id), f"operations/{job_id}", decision_of(bytes(answer or b"")))
        for job_id, content_id, answer in rows
    ]


def _text(column: str | bytes) -> str:
    """A caller's own text, which SQLite has as bytes."""
    return column if isinstance(column, str) else column.decode()


def decision_of(answer: bytes) -> str:
    """What tells one decision on a content from another: when it was made, to the microsecond."""
    return SubmitContentResponse.FromString(answer).decide_time.ToJsonString()


async def still_open(engine: AsyncEngine) -> int:
    """Count jobs that are not done and callbacks that are to be sent; -1 if it can't be read."""
    return await _count(engine, OPEN)


async def dead(engine: AsyncEngine) -> int:
    """Count jobs and callbacks that were given up."""
    return await _count(engine, DEAD)


async def _count(engine: AsyncEngine, query: str) -> int:
    try:
        async with engine.connect() as connection:
            return int(await connection.scalar(text(query)) or 0)
    except (DBAPIError, OSError):
        return -1
