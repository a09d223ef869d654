"""Decisions, kept content, and what users did."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
