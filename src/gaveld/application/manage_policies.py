"""Reads and changes the policy of a project: what is in force, what was, and what is to be.

Whether a policy holds together is checked first; one that does not is never put in force.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

from gaveld.application.check_policy import CheckedPolicy, CheckPolicy
from gaveld.application.ports import PolicyEntry, PolicyHistory, PolicyTurn
from gaveld.domain.errors import (
    Aborted,
    AlreadyExists,
    ErrorReason,
    FieldViolation,
    InvalidRequest,
    NotFound,
    as_many_as_fit,
)
from gaveld.domain.policies import Policy, named_id

ATTEMPTS: Final = 4
"""So often a change of some fields is made anew on what somebody else has put in force."""
LONGEST: Final = 600

Wanted = Callable[[Policy], tuple[Policy, Sequence[FieldViolation]]]
"""Takes the policy in force and returns the one that is wanted, and what could not be read of it.

Ids and secrets may be empty."""


@dataclass(frozen=True, slots=True)
class PolicyChangeRequest:
    """That a project wants another policy.

    ``etag`` is the revision that must be in force, or empty. ``is_partial``: what is wanted depends
    on what is in force. ``author`` is an API key's id, or empty.
    """

    project: str
    wanted: Wanted
    author: str = ""
    message: str = ""
    etag: str = ""
    request_id: str = ""
    is_partial: bool = False
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class PolicyApplied:
    """A policy as applied, or as it would be; what was in force before; and advice."""

    policy: Policy
    before: Policy
    warnings: tuple[str, ...] = ()


class ManagePolicies:
    """The use cases behind ``PolicyService``.

    Policies are read and checked one after the other, on a thread of their own, and of each project
    one waits for it: a large one takes seconds, and so keeps nobody from it but its own project.
    """

    def __init__(self, history: PolicyHistory, check: CheckPolicy) -> None:
        self._history = history
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="policies")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, project: str, revision: str = "") -> Policy:
        """Return the policy in force, or one revision. Raises ``NotFound``."""
        found = await self._history.find(project, revision)
        if found is None:
            raise NotFound(
                ErrorReason.RESOURCE_NOT_FOUND,
                "The policy has no such revision.",
                metadata={"resource": f"projects/{project}/policy/revisions/{revision}"},
            )
        return found.policy

    async def list_revisions(
        self, project: str, *, limit: int, before: int = 0
    ) -> tuple[Sequence[PolicyEntry], bool]:
        """Return up to ``limit`` entries, newest first, and whether there are older ones."""
        entries = await self._history.list(project, limit=limit + 1, before=before)
        return entries[:limit], len(entries) > limit

    async def apply(self, request: PolicyChangeRequest) -> PolicyApplied:
        """Put a policy in force, or with ``validate_only`` say what that would do.

        A repeat of a call under its ``request_id`` changes nothing. Raises ``InvalidRequest``
        (POLICY_INVALID) with all that is wrong, ``Aborted`` (ETAG_MISMATCH) where another policy is
        in force than the request says, and ``AlreadyExists`` (REQUEST_ID_REUSED).
        """
        if request.request_id and not request.validate_only:
            turn = await self._history.turn_of(request.project, request.request_id)
            if turn is not None:
                return await self._repeated(request, turn)
        for attempt in range(1, ATTEMPTS + 1):
            before = await self.get(request.project)
            if request.etag not in ("", before.revision):
                raise Aborted(
                    ErrorReason.ETAG_MISMATCH,
                    "Another policy is in force by now.",
                    metadata={"etag": before.revision},
                )
            checked = await self._checked(request, before)
            if request.validate_only:
                revision = await self._revision_of(request, checked.policy)
                policy = replace(checked.policy, revision=revision)
                return PolicyApplied(policy, before, checked.warnings)
            replaces = request.etag or (before.revision if request.is_partial else None)
            try:
                policy = await self._history.apply(
                    request.project,
                    checked.policy,
                    author=request.author,
                    message=request.message,
                    replaces=replaces,
                    request_id=request.request_id,
                )
            except Aborted:
                if request.etag or attempt == ATTEMPTS:
                    raise
            else:
                return PolicyApplied(policy, before, checked.warnings)
        raise AssertionError("unreachable")

    async def _repeated(self, request: PolicyChangeRequest, turn: PolicyTurn) -> PolicyApplied:
        checked = await self._checked(request, turn.before)
        revision = await self._revision_of(request, checked.policy)
        if revision != turn.applied.revision:
            raise AlreadyExists(
                ErrorReason.REQUEST_ID_REUSED,
                "Another policy was applied under this request_id.",
                metadata={"request_id": request.request_id},
                violations=(FieldViolation("request_id", "is another call's; take a new one"),),
            )
        return PolicyApplied(turn.applied, turn.before, checked.warnings)

    async def _revision_of(self, request: PolicyChangeRequest, policy: Policy) -> str:
        return await asyncio.to_thread(self._history.revision_of, request.project, policy)

    async def _checked(self, request: PolicyChangeRequest, before: Policy) -> CheckedPolicy:
        """Return the policy that is wanted, complete and checked. Raises ``InvalidRequest``."""

        def check() -> CheckedPolicy:
            wanted, unread = request.wanted(before)
            checked = self._check(_completed(wanted, before))
            return replace(checked, violations=(*unread, *checked.violations))

        async with self._turns.setdefault(request.project, asyncio.Lock()):
            checked = await asyncio.get_running_loop().run_in_executor(self._thread, check)
        if checked.violations:
            raise InvalidRequest(*_named(checked.violations), reason=ErrorReason.POLICY_INVALID)
        return checked


def _completed(wanted: Policy, before: Policy) -> Policy:
    """Return the policy with all ids: those of namesakes before, or else made of the names."""
    action_ids = {action.name: action.id for action in before.actions}
    rule_ids = {rule.name: rule.id for rule in before.rules}
    return replace(
        wanted,
        actions=tuple(
            replace(action, id=action.id or action_ids.get(action.name) or named_id(action.name))
            for action in wanted.actions
        ),
        rules=tuple(
            replace(rule, id=rule.id or rule_ids.get(rule.name) or named_id(rule.name))
            for rule in wanted.rules
        ),
    )


def _named(violations: Sequence[FieldViolation]) -> list[FieldViolation]:
    """Return as many as an error can tell of, and how many more there are."""
    named, more = as_many_as_fit(
        [
            replace(said, field=f"policy.{said.field}", description=said.description[:LONGEST])
            for said in violations
        ]
    )
    if more:
        named.append(FieldViolation("policy", f"has {more} more that are wrong"))
    return named
