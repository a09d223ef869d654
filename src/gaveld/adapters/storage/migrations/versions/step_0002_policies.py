"""Every version of every project's policy."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
