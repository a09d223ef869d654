"""What the stores in SQL share: their tables' registry, and transactions that fail as ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, TypeDecorator
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

from gaveld.domain.errors import ErrorReason, Unavailable

Whole: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Whole numbers of 64 bits, which SQLite's plain ones are."""


class AnyText(TypeDecorator[str]):
    """Text with any character, kept as UTF-8: PostgreSQL's own text can't hold U+0000."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Return what is kept."""
        del dialect
        return None if value is None else value.encode("utf-8")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Return the text again."""
        del dialect
        return None if value is None else bytes(value).decode("utf-8")


def can_be_id(text: str) -> bool:
    """Whether a caller's text could be an id: no id has U+0000, which PostgreSQL won't look for."""
    return "\0" not in text


class Base(DeclarativeBase):
    """The tables of this server. What changes here changes in ``migrations`` too."""


@asynccontextmanager
async def transaction(
    sessions: async_sessionmaker[AsyncSession], unreached: str
) -> AsyncIterator[AsyncSession]:
    """Open a transaction, committed at the end.

    Raises ``Unavailable`` that says ``unreached`` for any fault of the database or the way to it.
    """
    with explained(unreached):
        async with sessions.begin() as session:
            yield session


@contextmanager
def explained(unreached: str) -> Iterator[None]:
    """Raise ``Unavailable`` that says ``unreached`` for any fault of the database."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(
            ErrorReason.STORAGE_UNAVAILABLE, unreached, retry_after_seconds=1.0
        ) from error
