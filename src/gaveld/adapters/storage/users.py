"""Keeps what users did in SQL: counts by the hour, and strikes that decay. It holds no content.

What counts, ``decisions`` says; what else a user is forgotten in, the erasers do.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import DateTime, Float, Integer, String, case, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningDelete

from gaveld.adapters.storage.tables import AnyText, Base, Whole, transaction
from gaveld.adapters.storage.writing import Writes
from gaveld.application.ports import Forgotten
from gaveld.domain.rules import UserHistory, UserWindow

Eraser = Callable[[AsyncSession, str, str], Awaitable[tuple[Forgotten, bool]]]
"""Takes a project and an actor's id, and erases in the transaction some of what names the actor.

Returns what it erased, and whether that is all there is.
"""

UNREACHED: Final = "The history of users can't be reached."
CONTENTS: Final = "contents"
FLAGS: Final = "flags"
WINDOWS_HOURS: Final = (24, 168, 720)
LEAST_KEPT_DAYS: Final = 30
"""A history is kept for as long as its longest window at least."""
ROWS_AT_ONCE: Final = 1000


class UserRow(Base):
    """One user: when seen, and the strikes as they counted at ``struck_at``."""

    __tablename__ = "users"

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    actor_id: Mapped[str] = mapped_column(AnyText, primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    strikes: Mapped[float] = mapped_column(Float)
    struck_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    half_life_days: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class UserHourRow(Base):
    """How much of one kind a user did in one hour, counted from 1970.

    ``kind`` is ``contents``, ``flags`` or a category's id.
    """

    __tablename__ = "user_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the key is nearly all there is

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    actor_id: Mapped[str] = mapped_column(AnyText, primary_key=True)
    hour: Mapped[int] = mapped_column(Whole, primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(Whole)


@dataclass(frozen=True, slots=True)
class Deed:
    """One piece of content of one user, as it counts: when, and as what kinds."""

    project: str
    actor_id: str
    at: datetime
    is_flag: bool
    is_strike: bool
    category_ids: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it is counted as."""
        return (CONTENTS, *((FLAGS,) if self.is_flag else ()), *self.category_ids)


async def count_deed(
    session: AsyncSession, deed: Deed, *, half_life_days: int, kept_days: int
) -> None:
    """Count a piece of content; the user's row is locked until the transaction ends."""
    kept = timedelta(days=max(kept_days, LEAST_KEPT_DAYS))
    made = insert_into(session, UserRow).values(
        project=deed.project,
        actor_id=deed.actor_id,
        first_seen_at=deed.at,
        last_seen_at=deed.at,
        strikes=0.0,
        struck_at=deed.at,
        half_life_days=half_life_days,
        expires_at=deed.at + kept,
    )
    new = made.excluded
    seen = made.on_conflict_do_update(
        index_elements=[UserRow.project, UserRow.actor_id],
        set_={
            "first_seen_at": case(
                (new.first_seen_at < UserRow.first_seen_at, new.first_seen_at),
                else_=UserRow.first_seen_at,
            ),
            "last_seen_at": case(
                (new.last_seen_at > UserRow.last_seen_at, new.last_seen_at),
                else_=UserRow.last_seen_at,
            ),
            "half_life_days": new.half_life_days,
            "expires_at": case(
                (new.expires_at > UserRow.expires_at, new.expires_at), else_=UserRow.expires_at
            ),
        },
    )
    await session.execute(seen)
    await _add_counts(session, deed, dict.fromkeys(deed.kinds, 1))
    if deed.is_strike:
        await _strike(session, deed, 1)


async def recount_deed(session: AsyncSession, before: Deed, after: Deed) -> None:
    """Count a piece of content otherwise than before, because a person said so.

    The user's row is locked first, as in counting, so that neither waits for the other for ever.
    """
    row = await session.get(UserRow, (after.project, after.actor_id), with_for_update=True)
    if row is None:  # forgotten, or too old
        return
    if before.is_flag is not after.is_flag:
        await _add_counts(session, after, {FLAGS: 1 if after.is_flag else -1})
    if before.is_strike is not after.is_strike:
        await _strike(session, after, 1 if after.is_strike else -1)


class SqlUserStore:
    """A ``UserStore`` over SQLAlchemy; ``migrate`` the engine first.

    Windows begin with the hour in which they would begin, so they are up to an hour longer.
    ``erasers`` forget a user in the other tables, in their order, some of it in each transaction,
    so that no other writer waits for long. The history goes with the last of them.
    """

    def __init__(self, engine: AsyncEngine, erasers: Sequence[Eraser] = ()) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)
        self._erasers = tuple(erasers)

    async def history(self, project: str, actor_id: str, now: datetime) -> UserHistory | None:
        """Return a user's history; see ``UserStore.history``."""
        async with self._begin() as session:
            row = await session.get(UserRow, (project, actor_id))
            if row is None:
                return None
            counts = await _counts(session, project, actor_id, now)
            first, second, third = (
                _window(hours, counts[number]) for number, hours in enumerate(WINDOWS_HOURS)
            )
            return UserHistory(
                actor_id,
                (first, second, third),
                strikes=row.strikes * _decay(_utc(row.struck_at), now, row.half_life_days),
                first_seen_at=_utc(row.first_seen_at),
                last_seen_at=_utc(row.last_seen_at),
            )

    async def forget(self, project: str, actor_id: str) -> Forgotten:
        """Erase a user; see ``UserStore.forget``."""

        async def work(session: AsyncSession) -> tuple[list[Forgotten], bool]:
            # Jobs before users: whoever finishes a job locks them in this order too.
            erased = [await erase(session, project, actor_id) for erase in self._erasers]
            is_all = all(was_all for _, was_all in erased)
            for table in (UserRow, UserHourRow) if is_all else ():
                await session.execute(
                    delete(table).where(table.project == project, table.actor_id == actor_id)
                )
            return [forgotten for forgotten, _ in erased], is_all

        forgotten: list[Forgotten] = []
        is_all = False
        while not is_all:
            more, is_all = await self._writes.run(work)
            forgotten += more
        return Forgotten(
            sum(entry.decisions for entry in forgotten), sum(entry.contents for entry in forgotten)
        )

    async def erase_expired(self, now: datetime) -> int:
        """Erase old counts and histories; see ``UserStore.erase_expired``."""
        oldest = _hour(now - timedelta(hours=WINDOWS_HOURS[-1]))
        erased = 0
        for table, is_over in (
            (UserHourRow, UserHourRow.hour < oldest),
            (UserRow, UserRow.expires_at <= now),
        ):
            key = tuple_(*table.__mapper__.primary_key)
            some = select(*table.__mapper__.primary_key).where(is_over).limit(ROWS_AT_ONCE)
            some_go = delete(table).where(key.in_(some)).returning(table.project)
            while True:
                count = await self._writes.run(partial(count_of, some_go))
                erased += count
                if count < ROWS_AT_ONCE:
                    break
        return erased

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)


async def count_of(statement: ReturningDelete[Any], session: AsyncSession) -> int:
    """Delete what the statement says and return how many rows went."""
    return len((await session.execute(statement)).all())


async def _add_counts(session: AsyncSession, deed: Deed, counts: Mapping[str, int]) -> None:
    made = insert_into(session, UserHourRow).values(
        [
            {
                "project": deed.project,
                "actor_id": deed.actor_id,
                "hour": _hour(deed.at),
                "kind": kind,
                "count": count,
            }
            for kind, count in sorted(counts.items())
        ]
    )
    keys = [UserHourRow.project, UserHourRow.actor_id, UserHourRow.hour, UserHourRow.kind]
    await session.execute(
        made.on_conflict_do_update(
            index_elements=keys, set_={"count": UserHourRow.count + made.excluded.count}
        )
    )


async def _counts(
    session: AsyncSession, project: str, actor_id: str, now: datetime
) -> list[dict[str, int]]:
    since = [_hour(now - timedelta(hours=hours)) for hours in WINDOWS_HOURS]
    sums = [
        func.sum(case((UserHourRow.hour >= hour, UserHourRow.count), else_=0)) for hour in since
    ]
    rows = await session.execute(
        select(UserHourRow.kind, *sums)
        .where(
            UserHourRow.project == project,
            UserHourRow.actor_id == actor_id,
            UserHourRow.hour >= since[-1],
        )
        .group_by(UserHourRow.kind)
    )
    windows: list[dict[str, int]] = [{} for _ in WINDOWS_HOURS]
    for kind, *counts in rows:
        for window, count in zip(windows, counts, strict=True):
            if count > 0:
                window[kind] = int(count)
    return windows


async def _strike(session: AsyncSession, deed: Deed, change: int) -> None:
    row = await session.get(UserRow, (deed.project, deed.actor_id), with_for_update=True)
    if row is None:  # forgotten or expired since
        return
    struck_at = max(_utc(row.struck_at), deed.at)
    kept = row.strikes * _decay(_utc(row.struck_at), struck_at, row.half_life_days)
    row.strikes = max(0.0, kept + change * _decay(deed.at, struck_at, row.half_life_days))
    row.struck_at = struck_at
    await session.flush()


def _window(hours: int, counts: Mapping[str, int]) -> UserWindow:
    categories = {kind: n for kind, n in counts.items() if kind not in (CONTENTS, FLAGS)}
    return UserWindow(hours, counts.get(CONTENTS, 0), counts.get(FLAGS, 0), categories)


def _decay(then: datetime, now: datetime, half_life_days: int) -> float:
    days = max(0.0, (now - then) / timedelta(days=1))
    return float(0.5 ** (days / half_life_days))


def _hour(time: datetime) -> int:
    return int(time.timestamp() // 3600)


def _utc(time: datetime) -> datetime:
    # SQLite gives times back without their zone, PostgreSQL in UTC.
    return time.replace(tzinfo=UTC)


def insert_into(session: AsyncSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return the session's own kind of insert, which can say what to do where a row is there."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
