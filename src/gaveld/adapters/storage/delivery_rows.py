"""How callbacks and their receivers lie in tables, and the way there and back."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import DateTime, Index, Integer, LargeBinary, Row, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.sealing import Sealed
from gaveld.adapters.storage.tables import AnyText, Base
from gaveld.application.ports import SecretBox
from gaveld.domain.deliveries import Delivery, DeliveryState, Disabled, Receiver

RECEIVER_DISABLED: Final = "receiver_disabled"
"""The error of callbacks that were given up because of what became of others."""
_HAS_ACTOR: Final = text("actor_id IS NOT NULL")
_HAS_WORDS: Final = text("words_until IS NOT NULL")


class DeliveryRow(Base):
    """One callback. ``sealed`` holds its address, headers and secret; ``body`` ends with it.

    ``actor_id`` and ``words_until`` are None where the body names and quotes nobody, or no longer.
    A lease is a ``next_attempt_at`` in the future: nothing has to be undone when it runs out.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "state", "next_attempt_at"),
        Index("ix_deliveries_receiver", "receiver_id", "state", "settled_at"),
        Index(
            "ix_deliveries_actor",
            "project",
            "actor_id",
            sqlite_where=_HAS_ACTOR,
            postgresql_where=_HAS_ACTOR,
        ),
        Index(
            "ix_deliveries_words",
            "words_until",
            sqlite_where=_HAS_WORDS,
            postgresql_where=_HAS_WORDS,
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    project: Mapped[str] = mapped_column(String(128))
    receiver_id: Mapped[str] = mapped_column(String(32))
    host_id: Mapped[str] = mapped_column(String(32))
    event: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(64))
    action_id: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[str | None] = mapped_column(AnyText)
    sealed: Mapped[bytes] = mapped_column(Sealed)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    words_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    state: Mapped[str] = mapped_column(String(16))
    attempt_count: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)
    last_status: Mapped[int] = mapped_column(Integer)
    last_error: Mapped[str] = mapped_column(String(64))


DELIVERIES: Final = cast(Table, DeliveryRow.__table__)
"""For statements that are made once and run for every callback."""


class ReceiverRow(Base):
    """A receiver that is left alone, for good or until then; others have no row."""

    __tablename__ = "receivers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    project: Mapped[str] = mapped_column(String(128))
    paused_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    why: Mapped[str | None] = mapped_column(String(16))


def row_from(delivery: Delivery, box: SecretBox, *, is_wanted: bool) -> DeliveryRow:
    """Return a new callback's row, waiting or, where its receiver wants none, dead."""
    addressed = {"url": delivery.url, "headers": dict(delivery.headers), "secret": delivery.secret}
    return DeliveryRow(
        id=delivery.id,
        project=delivery.project,
        receiver_id=delivery.receiver_id,
        host_id=delivery.host_id,
        event=delivery.event,
        job_id=delivery.job_id,
        action_id=delivery.action_id,
        actor_id=delivery.actor_id or None,
        sealed=box.seal(json.dumps(addressed).encode()),
        body=delivery.body,
        words_until=delivery.words_until,
        created_at=delivery.created_at,
        state=DeliveryState.WAITING if is_wanted else DeliveryState.DEAD,
        attempt_count=0,
        next_attempt_at=delivery.created_at if is_wanted else None,
        settled_at=None if is_wanted else delivery.created_at,
        last_status=0,
        last_error="" if is_wanted else RECEIVER_DISABLED,
    )


def delivery_from(
    row: DeliveryRow | Row[Any], box: SecretBox, *, is_listed: bool = False
) -> Delivery:
    """Return the callback of a row; a listed one without body, headers and secret."""
    addressed: Mapping[str, Any] = {"url": "", "headers": {}, "secret": ""}
    with suppress(ValueError):  # sealed with a key that is gone
        addressed = json.loads(box.open(row.sealed))
    return Delivery(
        id=row.id,
        project=row.project,
        event=row.event,
        url=addressed["url"],
        body=b"" if is_listed else row.body,
        secret="" if is_listed else addressed["secret"],
        created_at=row.created_at.replace(tzinfo=UTC),
        headers={} if is_listed else addressed["headers"],
        job_id=row.job_id,
        action_id=row.action_id,
        actor_id="" if is_listed else row.actor_id or "",
        words_until=aware(row.words_until),
        receiver_id=row.receiver_id,
        host_id=row.host_id,
        state=DeliveryState(row.state),
        attempt_count=row.attempt_count,
        next_attempt_at=aware(row.next_attempt_at),
        last_status=row.last_status,
        last_error=row.last_error,
    )


def receiver_from(row: ReceiverRow) -> Receiver:
    """Return the receiver of a disabled one's row. Raises ``ValueError`` for any other."""
    if row.disabled_at is None or row.why is None:
        raise ValueError("the receiver is not disabled")
    return Receiver(row.id, row.project, row.disabled_at.replace(tzinfo=UTC), Disabled(row.why))


def aware(time: datetime | None) -> datetime | None:
    """Return a time with its zone, which SQLite forgets and PostgreSQL gives as UTC."""
    return None if time is None else time.replace(tzinfo=UTC)
