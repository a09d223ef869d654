"""Decisions, kept content, and what users did."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("project", sa.String(128), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Integer(), nullable=False),
        sa.Column("ruled", sa.Integer()),
        sa.Column("policy_revision", sa.String(256), nullable=False),
        sa.Column("content_id", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("content_type", sa.LargeBinary(), nullable=False),
        sa.Column("actor_id", sa.LargeBinary(), nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("strike_half_life_days", sa.Integer(), nullable=False),
        sa.Column("content_retention_days", sa.Integer(), nullable=False),
        sa.Column("decision_retention_days", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_decisions_decided_at", "decisions", ["project", "decided_at", "id"])
    op.create_index("ix_decisions_actor_id", "decisions", ["project", "actor_id"])
    op.create_index("ix_decisions_expires_at", "decisions", ["expires_at"])
    op.create_table(
        "decision_contents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_decision_contents_expires_at", "decision_contents", ["expires_at"])
    op.create_table(
        "users",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("actor_id", sa.LargeBinary(), primary_key=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("strikes", sa.Float(), nullable=False),
        sa.Column("struck_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("half_life_days", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_users_expires_at", "users", ["expires_at"])
    op.create_table(
        "user_hours",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("actor_id", sa.LargeBinary(), primary_key=True),
        sa.Column("hour", _whole(), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("count", _whole(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_user_hours_hour", "user_hours", ["hour"])
    op.create_table(
        "backtests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_backtests_told_at", "backtests", ["told_at"])


def _whole() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
