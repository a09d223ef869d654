"""How the stores write what a job leaves behind together with the job: all of it, or none."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.domain.decision_records import Records

Recorder = Callable[[AsyncSession, Records], Awaitable[None]]
"""Writes one sort of record in the transaction of the session, and neither commits nor rolls back.

Records that hold nothing of its sort are left alone. What it raises undoes the whole transaction.
"""
