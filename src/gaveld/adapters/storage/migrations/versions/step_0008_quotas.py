"""Quotas of API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the columns; the keys that are there have no quota."""
    whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("api_keys", sa.Column("quota_calls", whole))
    op.add_column("api_keys", sa.Column("quota_period", sa.String(8)))
