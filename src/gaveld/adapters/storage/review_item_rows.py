"""The tables of review items and opinions, and items as their rows."""

import secrets
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import JSON, DateTime, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.sealing import Sealed
from gaveld.adapters.storage.tables import AnyText, Base
from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import CallbackFormat

_IS_UNJUDGED: Final = text("state = 'processing'")
IS_PENDING: Final = text("state = 'pending'")


class ReviewItemRow(Base):
    """One item. ``place`` orders a queue, and ``details`` have what is never asked for.

    ``content_until`` is None once the content is erased, and ``kept_until`` until people are done.
    """

    __tablename__ = "review_items"
    __table_args__ = (
        Index("ix_review_items_queue", "project", "queue", "state", "place"),
        Index("ix_review_items_place", "project", "place"),
        Index("ix_review_items_actor_id", "project", "actor_id"),
        Index(
            "ix_review_items_unjudged",
            "id",
            sqlite_where=_IS_UNJUDGED,
            postgresql_where=_IS_UNJUDGED,
        ),
        Index(
            "ix_review_items_pending",
            "created_at",
            sqlite_where=IS_PENDING,
            postgresql_where=IS_PENDING,
        ),
    )

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    queue: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(AnyText)
    claimant: Mapped[str] = mapped_column(AnyText)
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    claim_request_id: Mapped[str] = mapped_column(String(128))
    etag: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_callback_url: Mapped[bytes | None] = mapped_column(Sealed)
    content_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)
    kept_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class ReviewOpinionRow(Base):
    """What one person said of an item; ``number`` counts from 0."""

    __tablename__ = "review_opinions"

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    reviewer: Mapped[str] = mapped_column(AnyText)
    decision: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    request_id: Mapped[str] = mapped_column(String(128))
    said: Mapped[dict[str, Any]] = mapped_column(JSON)


def new_etag() -> str:
    """Return an etag that no item had."""
    return secrets.token_hex(8)


def item_row(item: ReviewItem) -> ReviewItemRow:
    """Return a new item's row; its opinions have rows of their own."""
    return ReviewItemRow(
        project=item.project,
        id=item.id,
        queue=item.queue,
        place=item.place,
        created_at=item.created_at,
        state=item.state,
        actor_id=item.actor_id,
        claimant=item.claimant,
        claimed_until=item.claimed_until,
        claim_request_id="",
        etag=item.etag or new_etag(),
        payload=item.payload,
        answer=item.answer,
        sealed_callback_url=item.sealed_callback_url or None,
        content_until=item.content_until if item.payload or item.answer else None,
        kept_until=None,
        details={
            "content_id": item.content_id,
            "content_type": item.content_type,
            "rule_ids": list(item.rule_ids),
            "callback_format": item.callback_format,
            "keep_content": item.keep_content,
            "content_retention_days": item.content_retention_days,
            "decision_retention_days": item.decision_retention_days,
        },
    )


def item_of(
    row: ReviewItemRow, opinions: tuple[ReviewOpinion, ...], *, whole: bool = True
) -> ReviewItem:
    """Return the item of a row; not ``whole`` leaves its payload where it is."""
    details = dict(row.details)
    details.pop("callback_url", None)  # of items from before addresses were sealed
    return ReviewItem(
        id=row.id,
        project=row.project,
        queue=row.queue,
        created_at=utc(row.created_at),
        state=ReviewState(row.state),
        actor_id=row.actor_id,
        payload=row.payload if whole else b"",
        answer=row.answer,
        sealed_callback_url=row.sealed_callback_url or b"",
        claimant=row.claimant,
        claimed_until=row.claimed_until and utc(row.claimed_until),
        opinions=opinions,
        etag=row.etag,
        rule_ids=tuple(details.pop("rule_ids")),
        callback_format=CallbackFormat(details.pop("callback_format")),
        **details,
    )


def opinion_row(item: ReviewItem, opinion: ReviewOpinion) -> ReviewOpinionRow:
    """Return the row of the opinion that comes next to the item's."""
    return ReviewOpinionRow(
        project=item.project,
        item_id=item.id,
        number=len(item.opinions),
        reviewer=opinion.reviewer,
        decision=opinion.decision,
        decided_at=opinion.decided_at,
        request_id=opinion.request_id,
        said={"reason": opinion.reason, "category_ids": list(opinion.category_ids)},
    )


def opinion_of(row: ReviewOpinionRow) -> ReviewOpinion:
    """Return the opinion of a row."""
    return ReviewOpinion(
        reviewer=row.reviewer,
        decision=ReviewDecision(row.decision),
        decided_at=utc(row.decided_at),
        reason=row.said["reason"],
        category_ids=tuple(row.said["category_ids"]),
        request_id=row.request_id,
    )


def utc(time: datetime) -> datetime:
    """Return a time with its zone, which SQLite leaves out; both keep UTC."""
    return time.replace(tzinfo=UTC)
