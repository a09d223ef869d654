"""Keeps decisions in SQL: scores and hashes, and apart from them the content, where it is kept.

A decision counts in its user's history as it is written, once, and again as people rule on it.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast

from sqlalchemy import (
    DateTime,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.decision_documents import (
    Words,
    judgement_from_json,
    judgement_to_json,
    words_from_json,
    words_to_json,
)
from gaveld.adapters.storage.tables import AnyText, Base, transaction
from gaveld.adapters.storage.users import Deed, count_deed, count_of, recount_deed
from gaveld.adapters.storage.writing import Writes
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, Records, Ruling

UNREACHED: Final = "The decisions can't be reached."
KEYS_AT_ONCE: Final = 5000
ROWS_AT_ONCE: Final = 100


class DecisionRow(Base):
    """One decision. ``judgement`` is JSON; ``ruled`` is what a person said in place of ``action``.

    It names its author until the project forgets that user.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_decided_at", "project", "decided_at", "id"),
        Index("ix_decisions_actor_id", "project", "actor_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    project: Mapped[str] = mapped_column(String(128))
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    action: Mapped[int] = mapped_column(Integer)
    ruled: Mapped[int | None] = mapped_column(Integer)
    policy_revision: Mapped[str] = mapped_column(String(256))
    content_id: Mapped[str] = mapped_column(AnyText)
    content_sha256: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(AnyText)
    actor_id: Mapped[str] = mapped_column(AnyText)
    judgement: Mapped[str] = mapped_column(Text)
    strike_half_life_days: Mapped[int] = mapped_column(Integer)
    content_retention_days: Mapped[int] = mapped_column(Integer)
    decision_retention_days: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class DecisionContentRow(Base):
    """The content of one decision, whose id it has, where a policy keeps it: the words in JSON."""

    __tablename__ = "decision_contents"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    words: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


_DECISIONS: Final = cast(Table, DecisionRow.__table__)
_ADD: Final = {
    kind: of_kind.insert(_DECISIONS).on_conflict_do_nothing().returning(_DECISIONS.c.id)
    for kind, of_kind in (("sqlite", sqlite), ("postgresql", postgresql))
}
_ADD_CONTENT: Final = insert(cast(Table, DecisionContentRow.__table__))


async def record_decision(session: AsyncSession, records: Records) -> None:
    """Write the decision, count it in its user's history, and let a person's ruling change that."""
    if records.decision is not None:
        await _add(session, records.decision)
    if records.ruling is not None:
        await _rule(session, records.ruling)


async def forget_decisions(
    session: AsyncSession, project: str, actor_id: str, ids: Collection[str]
) -> int:
    """Take a user's name off decisions of some ids, erase their content, and return how many."""
    row, content = DecisionRow, DecisionContentRow
    theirs = (row.project == project, row.actor_id == actor_id, row.id.in_(ids))
    await session.execute(delete(content).where(content.id.in_(select(row.id).where(*theirs))))
    unnamed = await session.scalars(
        update(row)
        .where(*theirs)
        .values(actor_id="")
        .returning(row.id)
        .execution_options(synchronize_session=False)
    )
    return len(unnamed.all())


class SqlDecisionStore:
    """A ``DecisionStore`` over SQLAlchemy; ``migrate`` the engine first.

    Reading holds no transaction open between rows, so that it never stands in a writer's way.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine)
        self._writes = Writes(engine, UNREACHED)

    async def read(
        self, project: str, *, since: datetime, until: datetime, most: int
    ) -> AsyncIterator[Decision]:
        """Yield decisions; see ``DecisionStore.read``."""
        total = await self.count(project, since=since, until=until)
        place = 0
        wanted: list[str] = []
        async for ids in self._ids(project, since, until):
            for decision_id in ids:
                # As in Bresenham's line: of each ``total`` places, ``most`` are taken, evenly.
                if total <= most or (place * most) % total < most:
                    wanted.append(decision_id)
                place += 1
            while len(wanted) >= ROWS_AT_ONCE:
                for decision in await self._decisions(wanted[:ROWS_AT_ONCE]):
                    yield decision
                del wanted[:ROWS_AT_ONCE]
        for decision in await self._decisions(wanted):
            yield decision

    async def count(self, project: str, *, since: datetime, until: datetime) -> int:
        """Return how many there are; see ``DecisionStore.count``."""
        query = (
            select(func.count())
            .select_from(DecisionRow)
            .where(
                DecisionRow.project == project,
                DecisionRow.decided_at >= since,
                DecisionRow.decided_at < until,
            )
        )
        async with self._begin() as session:
            return await session.scalar(query) or 0

    async def erase_expired(self, now: datetime) -> int:
        """Erase what is over; see ``DecisionStore.erase_expired``."""
        erased = 0
        for table in (DecisionContentRow, DecisionRow):
            some = select(table.id).where(table.expires_at <= now).limit(ROWS_AT_ONCE)
            some_go = delete(table).where(table.id.in_(some)).returning(table.id)
            while True:
                count = await self._writes.run(partial(count_of, some_go))
                erased += count
                if count < ROWS_AT_ONCE:
                    break
        return erased

    async def _ids(
        self, project: str, since: datetime, until: datetime
    ) -> AsyncIterator[Sequence[str]]:
        last: tuple[datetime, str] | None = None
        key = (DecisionRow.decided_at, DecisionRow.id)
        while True:
            query = select(*key).where(
                DecisionRow.project == project,
                DecisionRow.decided_at >= since,
                DecisionRow.decided_at < until,
            )
            if last is not None:
                query = query.where(tuple_(*key) > tuple_(*last))
            async with self._begin() as session:
                rows = (await session.execute(query.order_by(*key).limit(KEYS_AT_ONCE))).all()
            yield [row.id for row in rows]
            if len(rows) < KEYS_AT_ONCE:
                return
            last = (rows[-1].decided_at, rows[-1].id)

    async def _decisions(self, ids: Iterable[str]) -> Sequence[Decision]:
        query = (
            select(DecisionRow, DecisionContentRow)
            .outerjoin(DecisionContentRow, DecisionContentRow.id == DecisionRow.id)
            .where(DecisionRow.id.in_(list(ids)))
            .order_by(DecisionRow.decided_at, DecisionRow.id)
        )
        async with self._begin() as session:
            return [_decision(*row) for row in await session.execute(query)]

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, UNREACHED)


async def _add(session: AsyncSession, decision: Decision) -> None:
    row = {
        "id": decision.id,
        "project": decision.project,
        "decided_at": decision.decided_at,
        "action": int(decision.action),
        "policy_revision": decision.policy_revision,
        "content_id": decision.content_id,
        "content_sha256": decision.content_sha256,
        "content_type": decision.content_type,
        "actor_id": decision.actor_id,
        "judgement": judgement_to_json(decision),
        "strike_half_life_days": decision.strike_half_life_days,
        "content_retention_days": decision.content_retention_days,
        "decision_retention_days": decision.decision_retention_days,
        "expires_at": decision.decided_at + timedelta(days=decision.decision_retention_days),
    }
    if await session.scalar(_ADD[session.get_bind().dialect.name], row) is None:
        return  # it is written and counted already
    words = Words(decision.facts.content, decision.facts.ocr_text)
    if decision.payload:
        kept = timedelta(
            days=min(decision.content_retention_days, decision.decision_retention_days)
        )
        content = {
            "id": decision.id,
            "payload": decision.payload,
            "words": words_to_json(words),
            "expires_at": decision.decided_at + kept,
        }
        await session.execute(_ADD_CONTENT, content)
    if decision.actor_id:
        await count_deed(
            session,
            _deed(decision, decision.action),
            half_life_days=decision.strike_half_life_days,
            kept_days=decision.decision_retention_days,
        )


async def _rule(session: AsyncSession, ruling: Ruling) -> None:
    row = await session.get(DecisionRow, ruling.decision_id, with_for_update=True)
    if row is None or row.project != ruling.project:
        return  # it is too old to be in a history
    before = Action(row.ruled or row.action)
    row.ruled = int(ruling.action)
    await session.flush()
    if row.actor_id:
        decision = _decision(row, None)
        await recount_deed(session, _deed(decision, before), _deed(decision, ruling.action))


def _deed(decision: Decision, action: Action) -> Deed:
    return Deed(
        decision.project,
        decision.actor_id,
        decision.decided_at,
        is_flag=action is not Action.ALLOW,
        is_strike=action is Action.BLOCK,
        category_ids=decision.category_ids,
    )


def _decision(row: DecisionRow, content: DecisionContentRow | None) -> Decision:
    words = Words() if content is None else words_from_json(content.words)
    judged = judgement_from_json(
        row.judgement, words, actor_id=row.actor_id, content_type=row.content_type
    )
    return Decision(
        id=row.id,
        project=row.project,
        content_id=row.content_id,
        content_sha256=row.content_sha256,
        # SQLite gives times back without their zone, PostgreSQL in UTC.
        decided_at=row.decided_at.replace(tzinfo=UTC),
        action=Action(row.action),
        policy_revision=row.policy_revision,
        facts=judged.facts,
        parts=judged.parts,
        actor_id=row.actor_id,
        content_type=row.content_type,
        category_ids=judged.category_ids,
        rules=judged.rules,
        payload=b"" if content is None else content.payload,
        strike_half_life_days=row.strike_half_life_days,
        content_retention_days=row.content_retention_days,
        decision_retention_days=row.decision_retention_days,
    )
