"""Content that waits for people."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "review_items",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.LargeBinary(), nullable=False),
        sa.Column("claimant", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("claim_request_id", sa.String(128), nullable=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("content_until", sa.DateTime(timezone=True)),
        sa.Column("kept_until", sa.DateTime(timezone=True)),
        sa.Column("details", sa.JSON(), nullable=False),
    )
    for name, columns in (
        ("queue", ["project", "queue", "state", "place"]),
        ("place", ["project", "place"]),
        ("actor_id", ["project", "actor_id"]),
        ("content_until", ["content_until"]),
        ("kept_until", ["kept_until"]),
    ):
        op.create_index(f"ix_review_items_{name}", "review_items", columns)
    for name, column, state in (
        ("unjudged", "id", "processing"),
        ("pending", "created_at", "pending"),
    ):
        is_meant = sa.text(f"state = '{state}'")
        op.create_index(
            f"ix_review_items_{name}",
            "review_items",
            [column],
            sqlite_where=is_meant,
            postgresql_where=is_meant,
        )
    op.create_table(
        "review_opinions",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("item_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("reviewer", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
    )
