"""Every version of every project's policy, and the secrets of their actions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "policies",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("revision", sa.String(128), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(128)),
    )
    op.create_index("ix_policies_revision", "policies", ["project", "revision"])
    op.create_index("ix_policies_request", "policies", ["project", "request_id"], unique=True)
    op.create_table(
        "action_secrets",
        sa.Column("project", sa.String(128), primary_key=True),
        sa.Column("action_id", sa.String(36), primary_key=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
    )
