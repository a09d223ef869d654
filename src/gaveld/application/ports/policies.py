"""Ports of the projects' policies: the one in force, and all that ever were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.domain.policies import Policy


class PolicyStore(Protocol):
    """Knows each project's policy."""

    async def current(self, project: str) -> Policy:
        """Return the policy in force; a project without one of its own gets the default.

        One that was applied is in force on every server within seconds, and here at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """One version of a project's policy. ``author`` is an API key's id, or ``file``."""

    policy: Policy
    applied_at: datetime
    author: str
    message: str = ""
    in_force: bool = False


class PolicyHistory(Protocol):
    """Keeps every version of every project's policy durably. Secrets in it are sealed.

    Raises ``Unavailable`` (STORAGE_UNAVAILABLE) when it can't be reached.
    """

    async def find(self, project: str, revision: str = "") -> PolicyRevision | None:
        """Return a revision, or with none named the one in force; None if there is no such one."""
        ...

    async def list(self, project: str, *, limit: int, before: str = "") -> Sequence[PolicyRevision]:
        """Return up to ``limit`` revisions, newest first, older than the revision ``before``."""
        ...

    async def apply(
        self,
        project: str,
        policy: Policy,
        *,
        author: str,
        message: str,
        replaces: str | None = None,
    ) -> PolicyRevision:
        """Put a policy in force under a revision of its own, or again under the one that it had.

        ``replaces`` is the revision that must be in force, None for whichever is. Raises
        ``Aborted`` (ETAG_MISMATCH) where another one is.
        """
        ...
