"""Policies that a test names, and a history of them in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise

from gaveld.application.ports import PolicyEntry, PolicyRevision, PolicyTurn
from gaveld.domain.errors import Aborted, ErrorReason
from gaveld.domain.policies import Policy

Entries = list[tuple[PolicyEntry, Policy, str]]
"""Each with the policy, and the request id that it was applied under."""


class FakePolicyStore:
    """A ``PolicyStore`` over a dictionary, with a default."""

    def __init__(self, default: Policy, **by_project: Policy) -> None:
        self._default = default
        self._by_project = by_project

    async def current(self, project: str) -> Policy:
        return self._by_project.get(project, self._default)


class RestlessPolicyStore(FakePolicyStore):
    """A ``PolicyStore`` whose policy is another revision each time that it is asked for."""

    async def current(self, project: str) -> Policy:
        self.asked = getattr(self, "asked", 0) + 1
        return replace(await super().current(project), revision=f"{project}@{self.asked}")


class FakePolicyHistory(FakePolicyStore):
    """A ``PolicyStore`` and a ``PolicyHistory`` over lists."""

    def __init__(self, default: Policy, **by_project: Policy) -> None:
        super().__init__(default, **by_project)
        self._entries: dict[str, Entries] = {}
        self._secrets: dict[tuple[str, str], str] = {}

    async def current(self, project: str) -> Policy:
        return self._signed(project, (await self._all(project))[-1][1])

    def revision_of(self, project: str, policy: Policy) -> str:
        plain = replace(policy, revision="", actions=_without_secrets(policy))
        facts = [*sorted(policy.categories.items()), repr(replace(plain, categories={}))]
        return f"{project}@{sha256(repr(facts).encode()).hexdigest()[:12]}"

    async def find(self, project: str, revision: str = "") -> PolicyRevision | None:
        entries = await self._all(project)
        for entry, policy, _ in reversed(entries):
            if revision in ("", entry.revision):
                in_force = replace(entry, is_in_force=entry is entries[-1][0])
                return PolicyRevision(self._signed(project, policy), in_force)
        return None

    async def turn_of(self, project: str, request_id: str) -> PolicyTurn | None:
        entries = await self._all(project)
        for (_, before, _), (_, applied, called) in pairwise(entries):
            if called == request_id:
                return PolicyTurn(self._signed(project, applied), self._signed(project, before))
        return None

    async def list(self, project: str, *, limit: int, before: int = 0) -> Sequence[PolicyEntry]:
        entries = [entry for entry, _, _ in await self._all(project)]
        newest = replace(entries[-1], is_in_force=True)
        found = [newest, *reversed(entries[:-1])]
        return [entry for entry in found if not before or entry.number < before][:limit]

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
        entries = await self._all(project)
        last, in_force, _ = entries[-1]
        if replaces not in (None, last.revision):
            raise Aborted(ErrorReason.ETAG_MISMATCH, "Another policy is in force by now.")
        known = self._signed(project, in_force)
        self._secrets |= {(project, a.id): a.secret for a in in_force.actions if a.secret}
        for action in policy.actions:
            secret = action.secret or self._secrets.get((project, action.id))
            self._secrets[project, action.id] = secret or f"whsec_{action.id}"
        revision = self.revision_of(project, policy)
        kept = replace(policy, revision=revision, actions=_without_secrets(policy))
        applied = self._signed(project, kept)
        if applied != known:
            self._entries[project] = entries
            now = datetime.now(UTC)
            entry = PolicyEntry(len(entries) + 1, revision, now, author, message)
            entries.append((entry, kept, request_id))
        return applied

    async def _all(self, project: str) -> Entries:
        policy = await super().current(project)
        first = PolicyEntry(1, policy.revision, datetime(2026, 1, 1, tzinfo=UTC), "file")
        return self._entries.get(project, [(first, policy, "")])

    def _signed(self, project: str, policy: Policy) -> Policy:
        made_up = {action.id: f"whsec_{action.id}" for action in policy.actions}
        actions = tuple(
            replace(
                action,
                secret=action.secret or self._secrets.get((project, action.id), made_up[action.id]),
            )
            for action in policy.actions
        )
        return replace(policy, actions=actions)


def _without_secrets(policy: Policy) -> tuple:
    return tuple(replace(action, secret="") for action in policy.actions)
