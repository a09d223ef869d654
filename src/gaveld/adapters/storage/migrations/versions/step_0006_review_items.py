"""Content that waits for people."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
