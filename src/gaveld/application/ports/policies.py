"""The port of the projects' policies."""

from typing import Protocol

from gaveld.domain.policies import Policy


class PolicyStore(Protocol):
    """Knows each project's policy."""

    async def current(self, project: str) -> Policy:
        """Return the policy in force; a project without one of its own gets the default."""
        ...
