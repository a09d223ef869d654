"""API keys, credits and feedback.

Databases from before there were migrations have these tables, or the older of them, so what is
there is left as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there yet."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("project", sa.String(128), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("scopes", sa.String(256), nullable=False),
        sa.Column("rate_limit_calls", _whole()),
        sa.Column("rate_limit_per_seconds", _whole()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        if_not_exists=True,
    )
    op.create_table(
        "credits",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("balance", _whole(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "feedback",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text().with_variant(sa.JSON(), "postgresql"), nullable=False),
        sa.Column("opinion", sa.JSON(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_feedback_given_at", "feedback", ["given_at"], if_not_exists=True)


def _whole() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
