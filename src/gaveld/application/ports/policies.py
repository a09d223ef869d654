"""Ports of the projects' policies: the one in force, and all that ever were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from gaveld.domain.policies import Policy

FILE_AUTHOR: Final = "file"
"""The author of a policy that was read from a file."""


class PolicyStore(Protocol):
    """Knows each project's policy."""

    async def current(self, project: str) -> Policy:
        """Return the policy in force; a project without one of its own gets the default.

        One that was applied is in force on every server within seconds, and here at once. Its
        actions have their secrets.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """That a policy was put in force: the ``number``-th of its project, and why.

    ``author`` is an API key's id, ``FILE_AUTHOR``, or empty where nobody is known.
    """

    number: int
    revision: str
    applied_at: datetime
    author: str = ""
    message: str = ""
    is_in_force: bool = False


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """One version of a project's policy, and how it last came into force."""

    policy: Policy
    entry: PolicyEntry


@dataclass(frozen=True, slots=True)
class PolicyTurn:
    """What one call put in force, and what was in force before it."""

    applied: Policy
    before: Policy


class PolicyHistory(Protocol):
    """Keeps every version of every project's policy durably.

    A revision is named by its project and by what it says, secrets aside, so what was in force
    before gets its old name again. Secrets of actions are kept apart from revisions, sealed: each
    belongs to the action of its id. All raise ``Unavailable`` (STORAGE_UNAVAILABLE) where the
    storage can't be reached, or what was sealed can't be opened.
    """

    def revision_of(self, project: str, policy: Policy) -> str:
        """Return what a policy is named by once it is in force; safe to call from a thread."""
        ...

    async def find(self, project: str, revision: str = "") -> PolicyRevision | None:
        """Return a revision, or with none named the one in force; None if there is no such one."""
        ...

    async def turn_of(self, project: str, request_id: str) -> PolicyTurn | None:
        """Return what an earlier call under this request id did; None if there was none."""
        ...

    async def list(self, project: str, *, limit: int, before: int = 0) -> Sequence[PolicyEntry]:
        """Return up to ``limit`` entries, newest first, older than number ``before`` unless 0."""
        ...

    async def apply(
        self,
        project: str,
        policy: Policy,
        *,
        author: str = "",
        message: str = "",
        replaces: str | None = None,
        request_id: str = "",
    ) -> Policy:
        """Put a policy in force and return it, with its revision and its actions' secrets.

        An action without a secret keeps the one that its id has, or gets a new one. What changes
        nothing makes no entry. ``replaces`` is the revision that must be in force, None for
        whichever is. Raises ``Aborted`` (ETAG_MISMATCH) where another one is.
        """
        ...
