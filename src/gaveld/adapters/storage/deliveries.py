"""Keeps callbacks in SQL until they are delivered or given up. When to try again, others say."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    event,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from gaveld.adapters.storage.delivery_leasing import LEASE
from gaveld.adapters.storage.delivery_rows import (
    DELIVERIES,
    RECEIVER_DISABLED,
    DeliveryRow,
    ReceiverRow,
    aware,
    delivery_from,
    receiver_from,
    row_from,
)
from gaveld.adapters.storage.stripping import without_words
from gaveld.adapters.storage.tables import transaction
from gaveld.adapters.storage.users import count_of
from gaveld.adapters.storage.writing import Writes
from gaveld.application.ports import Attempt, DeliveryCounts, SecretBox, StripWords
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import Delivery, DeliveryState, Disabled, Receiver

UNREACHED: Final = "The callbacks can't be reached."
ROWS_AT_ONCE: Final = 200

_DELIVERED: Final = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id == bindparam("of"))
    .values(
        state=DeliveryState.DELIVERED,
        body=b"",
        actor_id=None,
        words_until=None,
        next_attempt_at=None,
        settled_at=bindparam("at"),
        last_status=bindparam("status"),
        last_error="",
    )
)


async def forget_deliveries(
    session: AsyncSession, project: str, actor_id: str, *, nameless: StripWords
) -> bool:
    """Erase some of a user's callbacks: the dead whole, of those that wait words and name.

    What is being sent at this moment arrives as it was. Return whether they were the last.
    """
    theirs = (DeliveryRow.project == project, DeliveryRow.actor_id == actor_id)
    some = select(DeliveryRow).where(*theirs).order_by(DeliveryRow.id).limit(ROWS_AT_ONCE)
    rows = (await session.scalars(some.with_for_update())).all()
    for row in rows:
        if row.state == DeliveryState.DEAD:
            await session.delete(row)
        else:
            row.body = without_words(row.body, nameless)
            row.actor_id, row.words_until = None, None
    return len(rows) < ROWS_AT_ONCE


class SqlDeliveryStore:
    """A ``DeliveryStore`` over SQLAlchemy; ``migrate`` the engine first."""

    def __init__(self, engine: AsyncEngine, box: SecretBox) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)
        self._box = box
        is_sqlite = engine.dialect.name == "sqlite"
        self._insert = sqlite.insert if is_sqlite else postgresql.insert
        self._added = asyncio.Event()

    async def record(self, session: AsyncSession, records: Records) -> None:
        """Add a job's callbacks in its transaction: the store's ``Recorder``."""
        if not records.deliveries:
            return
        ids = {delivery.receiver_id for delivery in records.deliveries}
        disabled = select(ReceiverRow.id).where(
            ReceiverRow.id.in_(ids), ReceiverRow.disabled_at.is_not(None)
        )
        unwanted = set(await session.scalars(disabled))
        for delivery in records.deliveries:
            session.add(
                row_from(delivery, self._box, is_wanted=delivery.receiver_id not in unwanted)
            )
        event.listen(session.sync_session, "after_commit", self._tell)

    async def wait(self, seconds: float) -> None:
        """Wait for more; see ``DeliveryStore.wait``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
        self._added.clear()

    async def lease(
        self,
        at: datetime,
        *,
        limit: int,
        per_host: int,
        per_project: int,
        seconds: float,
        but_not_hosts: Collection[str] = (),
        but_not_projects: Collection[str] = (),
    ) -> Sequence[Delivery]:
        """Take what is due; see ``DeliveryStore.lease``. One statement, so that none has two."""
        asked = {
            "at": at,
            "until": at + timedelta(seconds=seconds),
            "most": limit,
            "per_host": per_host,
            "per_project": per_project,
            "but_not_hosts": list(but_not_hosts),
            "but_not_projects": list(but_not_projects),
        }

        async def take(session: AsyncSession) -> Sequence[Delivery]:
            rows = await session.execute(LEASE, asked)
            return [delivery_from(row, self._box) for row in rows]

        leased = await self._writes.run(take)
        return sorted(leased, key=lambda delivery: (delivery.created_at, delivery.id))

    async def delivered(self, delivery: Delivery, attempt: Attempt, at: datetime) -> None:
        """Mark it delivered; see ``DeliveryStore.delivered``."""
        arrived = {"of": delivery.id, "at": at, "status": attempt.status}
        await self._writes.run(lambda session: session.execute(_DELIVERED, arrived))

    async def failed(
        self, delivery: Delivery, attempt: Attempt, at: datetime, *, retry_at: datetime | None
    ) -> None:
        """Try again then, or never; see ``DeliveryStore.failed``."""
        is_over = retry_at is None
        statement = (
            update(DeliveryRow)
            .where(
                DeliveryRow.id == delivery.id,
                DeliveryRow.state == DeliveryState.WAITING,
                DeliveryRow.attempt_count == delivery.attempt_count,
            )
            .values(
                state=DeliveryState.DEAD if is_over else DeliveryState.WAITING,
                next_attempt_at=retry_at,
                settled_at=at if is_over else None,
                last_status=attempt.status,
                last_error=attempt.error,
            )
        )
        await self._writes.run(lambda session: session.execute(statement))

    async def has_delivered(self, receiver_id: str, since: datetime) -> bool:
        """Whether anything arrived there; see ``DeliveryStore.has_delivered``."""
        query = (
            select(DeliveryRow.id)
            .where(
                DeliveryRow.receiver_id == receiver_id,
                DeliveryRow.state == DeliveryState.DELIVERED,
                DeliveryRow.settled_at >= since,
            )
            .limit(1)
        )
        async with self._begin() as session:
            return await session.scalar(query) is not None

    async def pause_receiver(self, project: str, receiver_id: str, until: datetime) -> None:
        """Leave it alone until then; see ``DeliveryStore.pause_receiver``."""
        paused = self._insert(ReceiverRow).values(
            id=receiver_id, project=project, paused_until=until
        )
        again = paused.on_conflict_do_update(
            index_elements=[ReceiverRow.id], set_={"paused_until": until}
        )
        await self._writes.run(lambda session: session.execute(again))

    async def disable_receiver(
        self, project: str, receiver_id: str, at: datetime, why: Disabled
    ) -> bool:
        """Send it no more; see ``DeliveryStore.disable_receiver``."""
        # In the order in which all lock them who take more than one.
        waiting = (
            select(DeliveryRow.id)
            .where(
                DeliveryRow.receiver_id == receiver_id, DeliveryRow.state == DeliveryState.WAITING
            )
            .order_by(DeliveryRow.id)
            .with_for_update()
        )
        given_up = (
            update(DeliveryRow)
            .where(DeliveryRow.id.in_(waiting))
            .values(
                state=DeliveryState.DEAD,
                next_attempt_at=None,
                settled_at=at,
                last_error=RECEIVER_DISABLED,
            )
        )

        disabled = self._insert(ReceiverRow).values(
            id=receiver_id, project=project, disabled_at=at, why=why
        )
        once = disabled.on_conflict_do_update(
            index_elements=[ReceiverRow.id],
            set_={"disabled_at": at, "why": why},
            where=ReceiverRow.disabled_at.is_(None),
        ).returning(ReceiverRow.id)

        async def disable(session: AsyncSession) -> bool:
            await session.execute(given_up)
            return await session.scalar(once) is not None

        return await self._writes.run(disable)

    async def enable_receiver(self, receiver_id: str) -> bool:
        """Send to it again; see ``DeliveryStore.enable_receiver``."""
        statement = (
            delete(ReceiverRow)
            .where(ReceiverRow.id == receiver_id, ReceiverRow.disabled_at.is_not(None))
            .returning(ReceiverRow.id)
        )
        return await self._writes.run(lambda session: session.scalar(statement)) is not None

    async def disabled_receivers(self, *, limit: int = 100) -> Sequence[Receiver]:
        """Return the disabled ones; see ``DeliveryStore.disabled_receivers``."""
        query = (
            select(ReceiverRow)
            .where(ReceiverRow.disabled_at.is_not(None))
            .order_by(ReceiverRow.disabled_at.desc(), ReceiverRow.id)
            .limit(limit)
        )
        async with self._begin() as session:
            return [receiver_from(row) for row in await session.scalars(query)]

    async def list(
        self,
        project: str | None = None,
        *,
        state: DeliveryState | None = None,
        receiver_id: str | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Return some; see ``DeliveryStore.list``."""
        query = select(DeliveryRow).order_by(DeliveryRow.created_at.desc(), DeliveryRow.id)
        for column, wanted in (
            (DeliveryRow.project, project),
            (DeliveryRow.state, state),
            (DeliveryRow.receiver_id, receiver_id),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        async with self._begin() as session:
            rows = await session.scalars(query.limit(limit))
            return [delivery_from(row, self._box, is_listed=True) for row in rows]

    async def resend(self, delivery_id: str, at: datetime) -> Delivery | None:
        """Try a dead one anew; see ``DeliveryStore.resend``."""
        statement = (
            update(DeliveryRow)
            .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.DEAD)
            .values(
                state=DeliveryState.WAITING, attempt_count=0, next_attempt_at=at, settled_at=None
            )
            .returning(DeliveryRow)
            .execution_options(synchronize_session=False)
        )

        async def revive(session: AsyncSession) -> Delivery | None:
            row = await session.scalar(statement)
            return None if row is None else delivery_from(row, self._box, is_listed=True)

        again = await self._writes.run(revive)
        self._added.set()
        return again

    async def counts(self) -> DeliveryCounts:
        """Return how they stand; see ``DeliveryStore.counts``."""
        by_state = select(DeliveryRow.state, func.count(), func.min(DeliveryRow.created_at)).where(
            DeliveryRow.state.in_((DeliveryState.WAITING, DeliveryState.DEAD))
        )
        disabled = select(func.count()).where(ReceiverRow.disabled_at.is_not(None))
        async with self._begin() as session:
            found = await session.execute(by_state.group_by(DeliveryRow.state))
            rows = {state: (count, oldest) for state, count, oldest in found}
            receivers = await session.scalar(disabled)
        waiting, oldest = rows.get(DeliveryState.WAITING, (0, None))
        dead, _ = rows.get(DeliveryState.DEAD, (0, None))
        return DeliveryCounts(waiting, dead, receivers or 0, aware(oldest))

    async def erase_words(self, now: datetime, strip: StripWords) -> int:
        """Take words out of bodies; see ``DeliveryStore.erase_words``."""
        some = (
            select(DeliveryRow)
            .where(DeliveryRow.words_until <= now)
            .limit(ROWS_AT_ONCE)
            .with_for_update(skip_locked=True)
        )

        async def work(session: AsyncSession) -> int:
            rows = (await session.scalars(some)).all()
            for row in rows:
                row.body, row.words_until = without_words(row.body, strip), None
            return len(rows)

        erased = 0
        while True:
            count = await self._writes.run(work)
            erased += count
            if count < ROWS_AT_ONCE:
                return erased

    async def erase(self, *, before: datetime) -> int:
        """Erase what is old, some at a time, lest others wait; see ``DeliveryStore.erase``."""
        erased = await self._erase_all(DeliveryRow, DeliveryRow.settled_at < before)
        is_told = exists().where(DeliveryRow.receiver_id == ReceiverRow.id)
        is_paused = and_(ReceiverRow.disabled_at.is_(None), ReceiverRow.paused_until < before)
        is_forgotten = and_(ReceiverRow.disabled_at < before, not_(is_told))
        await self._erase_all(ReceiverRow, or_(is_paused, is_forgotten))
        return erased

    async def _erase_all(
        self, table: type[DeliveryRow] | type[ReceiverRow], which: ColumnElement[bool]
    ) -> int:
        some = select(table.id).where(which).limit(ROWS_AT_ONCE).with_for_update(skip_locked=True)
        some_go = delete(table).where(table.id.in_(some)).returning(table.id)
        erased = 0
        while True:
            count = await self._writes.run(partial(count_of, some_go))
            erased += count
            if count < ROWS_AT_ONCE:
                return erased

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)

    def _tell(self, session: Session) -> None:
        del session
        self._added.set()
