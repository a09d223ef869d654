"""Erases what jobs know of a person: whose they were, what was submitted, and what was answered."""

from sqlalchemy import case, update
from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.adapters.storage.job_rows import JobRow
from gaveld.application.ports import Forgotten
from gaveld.domain.jobs import JobState

_CANCELLED = JobState.CANCELLED.value


async def forget_jobs(session: AsyncSession, project: str, actor_id: str) -> Forgotten:
    """Erase payloads and answers of a person's jobs; those not done are cancelled.

    Of a job that a worker has, the result is refused.
    """
    erased = (
        update(JobRow)
        .where(JobRow.project == project, JobRow.actor_id == actor_id)
        .values(
            actor_id=None,
            payload=b"",
            answer=b"",
            words_until=None,
            state=case((JobRow.state == JobState.DONE.value, JobRow.state), else_=_CANCELLED),
            due_at=None,
            content_key=case((JobRow.state == JobState.DONE.value, JobRow.content_key)),
            lease_token="",
            worker="",
        )
        .returning(JobRow.id)
        .execution_options(synchronize_session=False)
    )
    return Forgotten(decisions=0, contents=len((await session.scalars(erased)).all()))
