"""Forgets a user in every table that names one or keeps something of theirs, piece by piece.

Callbacks that wait are still sent, and say only what became of content that they no longer quote.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.adapters.storage.decisions import (
    DecisionContentRow,
    DecisionRow,
    forget_decisions,
)
from gaveld.adapters.storage.deliveries import forget_deliveries
from gaveld.adapters.storage.job_rows import JobRow
from gaveld.adapters.storage.review_item_erasing import forget_review_items
from gaveld.adapters.storage.review_item_rows import ReviewItemRow
from gaveld.adapters.storage.stripping import without_words
from gaveld.adapters.storage.users import Eraser
from gaveld.application.ports import Forgotten, StripWords
from gaveld.domain.jobs import JobState

PIECES_AT_ONCE: Final = 200
"""So many pieces of content are forgotten in one transaction, each wherever it is kept."""
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
    Callbacks come after the last of both.
    """

    async def forget(session: AsyncSession, project: str, actor_id: str) -> tuple[Forgotten, bool]:
        ids = await _some(session, project, actor_id)
        kept = await _kept(session, project, actor_id, ids)
        await _forget_jobs(session, project, actor_id, ids, nameless, clock())
        await forget_review_items(session, project, actor_id, ids, nameless)
        decisions = await forget_decisions(session, project, actor_id, ids)
        is_all = len(ids) < PIECES_AT_ONCE
        if is_all:
            is_all = await forget_deliveries(session, project, actor_id, nameless=nameless_body)
        return Forgotten(decisions, kept), is_all

    return forget


async def _some(session: AsyncSession, project: str, actor_id: str) -> Collection[str]:
    """Return the ids of some pieces of a user's content: a job's are its item's and decision's."""
    ids: set[str] = set()
    for table in (JobRow, ReviewItemRow, DecisionRow) if actor_id else ():  # "" is nobody's id
        others = select(table.id).where(*_theirs(table, project, actor_id), table.id.not_in(ids))
        ids.update(await session.scalars(others.limit(PIECES_AT_ONCE - len(ids))))
    return ids


async def _kept(session: AsyncSession, project: str, actor_id: str, among: Collection[str]) -> int:
    """Count the pieces of content of which something is kept, in however many places."""
    has_words = or_(JobRow.words_until.is_not(None), JobRow.state.in_(_UNJUDGED))
    ids = union(
        select(JobRow.id).where(
            *_theirs(JobRow, project, actor_id), JobRow.id.in_(among), has_words
        ),
        select(ReviewItemRow.id).where(
            *_theirs(ReviewItemRow, project, actor_id),
            ReviewItemRow.id.in_(among),
            ReviewItemRow.content_until.is_not(None),
        ),
        select(DecisionContentRow.id)
        .join(DecisionRow, DecisionRow.id == DecisionContentRow.id)
        .where(*_theirs(DecisionRow, project, actor_id), DecisionRow.id.in_(among)),
    )
    return await session.scalar(select(func.count()).select_from(ids.subquery())) or 0


async def _forget_jobs(
    session: AsyncSession,
    project: str,
    actor_id: str,
    ids: Collection[str],
    nameless: StripWords,
    at: datetime,
) -> None:
    """Erase what jobs ask and answer; those that are not judged yet never will be."""
    some = select(JobRow).where(*_theirs(JobRow, project, actor_id), JobRow.id.in_(ids))
    for row in await session.scalars(some.order_by(JobRow.id).with_for_update()):
        if row.state in _UNJUDGED:
            row.state, row.due_at, row.content_key = JobState.CANCELLED.value, None, None
            row.lease_token, row.worker, row.updated_at = "", "", at
        row.payload, row.answer = b"", without_words(row.answer, nameless)
        row.words_until, row.actor_id, row.sealed_callback_url = None, None, None
    await session.flush()


def _theirs(
    table: type[JobRow | ReviewItemRow | DecisionRow], project: str, actor_id: str
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.project == project, table.actor_id == actor_id
