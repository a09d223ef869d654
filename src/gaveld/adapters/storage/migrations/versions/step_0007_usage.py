"""What projects used."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "usage",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("method", sa.String(128), primary_key=True),
        sa.Column("calls", _whole(), nullable=False),
        sa.Column("refused", _whole(), nullable=False),
        sa.Column("items", _whole(), nullable=False),
        sqlite_with_rowid=False,
    )


def _whole() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
