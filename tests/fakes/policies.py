"""Policies that a test names."""

from gaveld.domain.policies import Policy


class FakePolicyStore:
    """A ``PolicyStore`` over a dictionary, with a default."""

    def __init__(self, default: Policy, **by_project: Policy) -> None:
        self._default = default
        self._by_project = by_project

    async def current(self, project: str) -> Policy:
        return self._by_project.get(project, self._default)
