"""The tables of policies: what was put in force when, and the secrets of actions, all sealed."""

from datetime import datetime

from sqlalchemy import DateTime, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.sealing import Sealed
from gaveld.adapters.storage.tables import AnyText, Base, Whole


class PolicyRow(Base):
    """That a policy was put in force; ``number`` counts those of one project from 1.

    ``document`` is what it says, as JSON without secrets, sealed for its headers' sake.
    """

    __tablename__ = "policies"
    __table_args__ = (
        Index("ix_policies_revision", "project", "revision"),
        Index("ix_policies_request", "project", "request_id", unique=True),
    )

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    number: Mapped[int] = mapped_column(Whole, primary_key=True, autoincrement=False)
    revision: Mapped[str] = mapped_column(String(128))
    document: Mapped[bytes] = mapped_column(Sealed)
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    author: Mapped[str] = mapped_column(String(128))
    message: Mapped[str] = mapped_column(AnyText)
    request_id: Mapped[str | None] = mapped_column(String(128))


class ActionSecretRow(Base):
    """What signs the callbacks of one action."""

    __tablename__ = "action_secrets"

    project: Mapped[str] = mapped_column(String(128), primary_key=True)
    action_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret: Mapped[bytes] = mapped_column(Sealed)
