"""Callers' own addresses, sealed; of callbacks the host, the person, and until when in words."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the columns."""
    for table in ("jobs", "review_items"):
        op.add_column(table, sa.Column("sealed_callback_url", sa.LargeBinary()))
    op.add_column(
        "deliveries", sa.Column("host_id", sa.String(32), nullable=False, server_default="")
    )
    op.add_column("deliveries", sa.Column("actor_id", sa.LargeBinary()))
    op.add_column("deliveries", sa.Column("words_until", sa.DateTime(timezone=True)))
    for name, columns, column in (
        ("actor", ["project", "actor_id"], "actor_id"),
        ("words", ["words_until"], "words_until"),
    ):
        is_meant = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_deliveries_{name}",
            "deliveries",
            columns,
            sqlite_where=is_meant,
            postgresql_where=is_meant,
        )
