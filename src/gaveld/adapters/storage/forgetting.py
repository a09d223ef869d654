"""Forgets a user in every table that names one or keeps something of theirs, in one transaction.

Callbacks that wait are still sent, and say only what became of content that they no longer quote.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.adapters.storage.decisions import (
    DecisionContentRow,
    DecisionRow,
    forget_decisions,
)
from gaveld.adapters.storage.deliveries import forget_deliveries
from gaveld.adapters.storage.job_rows import JobRow
from gaveld.adapters.storage.review_item_rows import ReviewItemRow
from gaveld.adapters.storage.review_items import forget_review_items
from gaveld.adapters.storage.users import Eraser
from gaveld.application.ports import Forgotten, StripWords
from gaveld.domain.jobs import JobState

ROWS_AT_ONCE: Final = 500
_UNJUDGED: Final = (JobState.WAITING.value, JobState.RUNNING.value, JobState.DEAD.value)


def forgetting(
    nameless: StripWords,
    nameless_body: StripWords,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Eraser:
    """Return what forgets a user everywhere but in the history of users.

    ``nameless`` returns an answer, and ``nameless_body`` a callback's body, without words of the
    content and without its author. Jobs come first, then review items: whoever finishes the one or
    decides the other locks it before writing anything else, and what they wrote is found then.
    """

    async def forget(session: AsyncSession, project: str, actor_id: str) -> Forgotten:
        kept = await _kept(session, project, actor_id)
        await _forget_jobs(session, project, actor_id, nameless, clock())
        await forget_review_items(session, project, actor_id, wordless=nameless)
        forgotten = await forget_decisions(session, project, actor_id)
        await forget_deliveries(session, project, actor_id, nameless=nameless_body)
        return Forgotten(forgotten.decisions, kept)

    return forget


async def _kept(session: AsyncSession, project: str, actor_id: str) -> int:
    """Count the pieces of content of which something is kept, in however many places."""
    has_words = or_(JobRow.words_until.is_not(None), JobRow.state.in_(_UNJUDGED))
    ids = union(
        select(JobRow.id).where(*_theirs(JobRow, project, actor_id), has_words),
        select(ReviewItemRow.id).where(
            *_theirs(ReviewItemRow, project, actor_id), ReviewItemRow.content_until.is_not(None)
        ),
        select(DecisionContentRow.id)
        .join(DecisionRow, DecisionRow.id == DecisionContentRow.id)
        .where(*_theirs(DecisionRow, project, actor_id)),
    )
    return len((await session.scalars(ids)).all())


async def _forget_jobs(
    session: AsyncSession, project: str, actor_id: str, nameless: StripWords, at: datetime
) -> None:
    """Erase what jobs ask and answer; those that are not judged yet never will be."""
    theirs = _theirs(JobRow, project, actor_id)
    some = select(JobRow).where(*theirs).limit(ROWS_AT_ONCE).with_for_update()
    while rows := (await session.scalars(some)).all():
        for row in rows:
            if row.state in _UNJUDGED:
                row.state, row.due_at, row.content_key = JobState.CANCELLED.value, None, None
                row.lease_token, row.worker, row.updated_at = "", "", at
            row.payload, row.answer = b"", nameless(row.answer)
            row.words_until, row.actor_id, row.sealed_callback_url = None, None, None
        await session.flush()
        session.expunge_all()


def _theirs(
    table: type[JobRow | ReviewItemRow | DecisionRow], project: str, actor_id: str
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.project == project, table.actor_id == actor_id
