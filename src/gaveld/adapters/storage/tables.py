"""What the stores in SQL share: their tables' registry, and transactions that fail as ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import BigInteger, Integer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

from gaveld.domain.errors import ErrorReason, Unavailable

Whole: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Whole numbers of 64 bits, which SQLite's plain ones are."""


class Base(DeclarativeBase):
    """The tables of this server. What changes here changes in ``migrations`` too."""


@asynccontextmanager
async def transaction(
    sessions: async_sessionmaker[AsyncSession], unreached: str
) -> AsyncIterator[AsyncSession]:
    """Open a transaction, committed at the end.

    Raises ``Unavailable`` that says ``unreached`` for any fault of the database or the way to it.
    """
    try:
        async with sessions.begin() as session:
            yield session
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(
            ErrorReason.STORAGE_UNAVAILABLE, unreached, retry_after_seconds=1.0
        ) from error
