"""Work that is done later."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("content_id", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("content_key", sa.LargeBinary(32)),
        sa.Column("actor_id", sa.LargeBinary()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("review_queue", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("error_reason", sa.String(64), nullable=False),
        sa.Column("error_message", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", _lane(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("words_until", sa.DateTime(timezone=True)),
        sa.Column("lease_token", sa.String(32), nullable=False),
        sa.Column("worker", sa.String(128), nullable=False),
    )
    op.create_index("ix_jobs_request", "jobs", ["project", "request_id"], unique=True)
    op.create_index("ix_jobs_content", "jobs", ["project", "content_key"], unique=True)
    op.create_index("ix_jobs_project", "jobs", ["project", "created_at", "id"])
    op.create_index("ix_jobs_created", "jobs", ["created_at", "id"])
    _partial("ix_jobs_lane", ["lane", "due_at", "id"], "due_at IS NOT NULL")
    _partial("ix_jobs_actor", ["project", "actor_id"], "actor_id IS NOT NULL")
    _partial("ix_jobs_words", ["words_until"], "words_until IS NOT NULL")
    _partial(
        "ix_jobs_state",
        ["state", "project", "created_at", "id"],
        "state IN ('waiting', 'running', 'dead')",
    )


def _partial(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "jobs", columns, sqlite_where=where, postgresql_where=where)


def _lane() -> sa.types.TypeEngine[str]:
    return sa.String(132).with_variant(sa.String(132, collation="C"), "postgresql")
