"""Gives jobs out page by page, the newest first, and says where the next page begins."""

import base64
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, desc, literal, or_, select
from sqlalchemy.orm import defer

from gaveld.adapters.storage.job_rows import JobRow, aware, job_from
from gaveld.adapters.storage.tables import can_be_id
from gaveld.application.ports import JobPage
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.jobs import JobState


def page_query(
    project: str | None, state: JobState | None, limit: int, token: str
) -> Select[JobRow]:
    """Return the query of a page, and of one row more if there is a page after it.

    Raises ``InvalidRequest`` (INVALID_PAGE_TOKEN) for a token that none of our pages gave.
    """
    query = select(JobRow).options(defer(JobRow.payload, raiseload=True))
    query = query.order_by(desc(JobRow.created_at), desc(JobRow.id)).limit(limit + 1)
    if project is not None:
        query = query.where(JobRow.project == project)
    if state is not None:
        # Written out, so that PostgreSQL sees that the index of these states alone will do.
        query = query.where(JobRow.state == literal(state.value, literal_execute=True))
    if token:
        query = query.where(_after(token))
    return query


def page_of(rows: list[JobRow], limit: int) -> JobPage:
    """Return the page of what its query gave."""
    jobs = [job_from(row, with_payload=False) for row in rows[:limit]]
    if len(rows) <= limit:
        return JobPage(jobs)
    last = rows[limit - 1]
    place = f"{aware(last.created_at).isoformat()} {last.id}"
    return JobPage(jobs, base64.urlsafe_b64encode(place.encode()).decode())


def _after(token: str) -> ColumnElement[Any]:
    created_at, job_id = _place(token)
    return or_(
        JobRow.created_at < created_at, and_(JobRow.created_at == created_at, JobRow.id < job_id)
    )


def _place(token: str) -> tuple[datetime, str]:
    try:
        time, job_id = base64.urlsafe_b64decode(token).decode().split(" ")
        created_at = datetime.fromisoformat(time)
    except ValueError as error:  # that of base64 is one, and that of UTF-8
        raise _refusal() from error
    if created_at.utcoffset() != timedelta(0) or not can_be_id(job_id):
        raise _refusal()
    return created_at, job_id


def _refusal() -> InvalidRequest:
    return InvalidRequest(
        FieldViolation("page_token", "is not the next_page_token of a page"),
        reason=ErrorReason.INVALID_PAGE_TOKEN,
    )
