"""Keeps every version of every project's policy in SQL, over the file's, and knows those in force.

Whether a policy holds together is not its business.
"""

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from gaveld.adapters.storage.policies.document import fingerprint, policy_of, tree_of
from gaveld.adapters.storage.policies.rows import ActionSecretRow, PolicyRow
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.adapters.storage.policies.yaml_file import YamlPolicyStore
from gaveld.adapters.storage.tables import can_be_id, transaction
from gaveld.application.ports import (
    FILE_AUTHOR,
    PolicyEntry,
    PolicyRevision,
    PolicyTurn,
    SecretBox,
    Telemetry,
)
from gaveld.domain.errors import Aborted, ErrorReason, Unavailable
from gaveld.domain.policies import Policy

FRESH_SECONDS: Final = 2.0
"""So long nobody asks whether a policy is still in force."""
STALE_SECONDS: Final = 10.0
"""Up to this age a policy is given while somebody else asks."""
PATIENCE_SECONDS: Final = 1.0
"""So long a call waits for the storage where a policy is known; then what is known counts."""
REMEMBERED_PROJECTS: Final = 10_000
ATTEMPTS: Final = 16

_UNREACHED: Final = "The policy can't be reached."
_log: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Known:
    policy: Policy
    number: int
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    project: str
    policy: Policy
    sealed: bytes
    author: str
    message: str
    request_id: str
    replaces: str | None

    def row(self, number: int) -> PolicyRow:
        return PolicyRow(
            project=self.project,
            number=number,
            revision=self.policy.revision,
            document=self.sealed,
            applied_at=datetime.now(UTC),
            author=self.author,
            message=self.message,
            request_id=self.request_id or None,
        )


class SqlPolicyStore:
    """A ``PolicyStore`` and a ``PolicyHistory`` over SQLAlchemy; ``migrate`` the engine first.

    The file's policy is in force until one is applied, and is then the first of the history. When
    the storage fails, what is known stays in force, and the log says so; a project of which nothing
    is known fails, for its policy may be another than the file's.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        box: SecretBox,
        file: YamlPolicyStore,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._sessions = async_sessionmaker(engine)
        self._telemetry = telemetry
        self._box = box
        self._file = file
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def current(self, project: str) -> Policy:
        """Return the policy in force; see ``PolicyStore.current``."""
        known = self._known.get(project)
        age = time.monotonic() - known.asked_at if known else STALE_SECONDS
        if known and age < FRESH_SECONDS:
            return known.policy
        asking = self._asking.setdefault(project, asyncio.Lock())
        if known and age < STALE_SECONDS and asking.locked():
            return known.policy
        async with asking:
            now_known = self._known.get(project)
            if now_known is None or now_known is known:
                now_known = await self._asked(project, known)
            return now_known.policy

    def revision_of(self, project: str, policy: Policy) -> str:
        """Return the name of a policy; see ``PolicyHistory.revision_of``."""
        return f"{project[:100]}@{fingerprint(policy)}"

    async def find(self, project: str, revision: str = "") -> PolicyRevision | None:
        """Return a revision; see ``PolicyHistory.find``."""
        newest_first = _newest_first(project)
        async with self._begin() as session:
            row = newest = await session.scalar(newest_first.limit(1))
            if newest is None:
                policy = await self._file_policy(session, project)
                entry = self._file_entry(policy.revision)
                return PolicyRevision(policy, entry) if revision in ("", policy.revision) else None
            if not can_be_id(revision):
                return None
            if revision:
                named = newest_first.where(PolicyRow.revision == revision)
                row = await session.scalar(named.limit(1))
            if row is None:
                return None
            policy = await self._policy(session, row)
            return PolicyRevision(policy, _entry(row, newest.number))

    async def turn_of(self, project: str, request_id: str) -> PolicyTurn | None:
        """Return what an earlier call did; see ``PolicyHistory.turn_of``."""
        called = _newest_first(project).where(PolicyRow.request_id == request_id)
        async with self._begin() as session:
            applied = await session.scalar(called)
            if applied is None:
                return None
            before = await session.get_one(PolicyRow, (project, applied.number - 1))
            return PolicyTurn(
                await self._policy(session, applied), await self._policy(session, before)
            )

    async def list(self, project: str, *, limit: int, before: int = 0) -> Sequence[PolicyEntry]:
        """Return entries; see ``PolicyHistory.list``."""
        columns = (
            PolicyRow.number,
            PolicyRow.revision,
            PolicyRow.applied_at,
            PolicyRow.author,
            PolicyRow.message,
        )
        newest_first = (
            select(*columns).where(PolicyRow.project == project).order_by(PolicyRow.number.desc())
        )
        page = newest_first.where(PolicyRow.number < before) if before else newest_first
        async with self._begin() as session:
            newest = (await session.execute(newest_first.limit(1))).first()
            rows = (await session.execute(page.limit(limit))).all()
        if newest is None:
            policy = await self._file.current(project)
            return [] if before else [self._file_entry(policy.revision)]
        return [_entry(row, newest.number) for row in rows]

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
        """Put a policy in force; see ``PolicyHistory.apply``."""
        sealed = await asyncio.to_thread(lambda: self._sealed(tree_of(policy)))
        revision = await asyncio.to_thread(self.revision_of, project, policy)
        policy = replace(policy, revision=revision)
        wanted = _Wanted(project, policy, sealed, author, message, request_id, replaces)
        for _ in range(ATTEMPTS):
            async with self._begin() as session:
                applied = await self._put(session, wanted)
            if applied is not None:
                self._remember(project, applied)
                number = applied.number
                _log.info("policy_applied", project=project, revision=revision, number=number)
                return applied.policy
        raise Aborted(ErrorReason.ETAG_MISMATCH, "Others keep changing the policy.")

    async def _put(self, session: AsyncSession, wanted: _Wanted) -> _Known | None:
        """Put a policy in force; None where somebody else was faster."""
        project = wanted.project
        newest = await session.scalar(_newest_first(project).limit(1))
        file = await self._file.current(project)
        in_force = newest.revision if newest else file.revision
        if wanted.replaces not in (None, in_force):
            raise Aborted(
                ErrorReason.ETAG_MISMATCH,
                "Another policy is in force by now.",
                metadata={"etag": in_force},
            )
        stored = await self._secrets(session, project)
        kept = stored if newest else stored | _own_secrets(file)
        secrets = kept | {
            action.id: action.secret or kept.get(action.id) or _made_up()
            for action in wanted.policy.actions
        }
        policy = _with_secrets(wanted.policy, secrets)
        fresh = {key: secret for key, secret in secrets.items() if stored.get(key) != secret}
        if newest and in_force == policy.revision and not fresh:
            return _Known(policy, newest.number, time.monotonic())
        rows = (
            [wanted.row(newest.number + 1)]
            if newest
            else [self._file_row(project, file), wanted.row(2)]
        )
        try:
            # All in one: to SQLite the end of the savepoint is the end of the transaction.
            async with session.begin_nested():
                session.add_all(rows)
                for action_id, secret in fresh.items():
                    await session.merge(self._secret_row(project, action_id, secret))
        except IntegrityError:
            return None
        return _Known(policy, rows[-1].number, time.monotonic())

    async def _asked(self, project: str, known: _Known | None) -> _Known:
        """Return what is in force by what the storage says; by what is known if it says nothing."""
        try:
            if known is None:
                answer = await self._read(project, None)
            else:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    answer = await self._read(project, known)
        except (Unavailable, TimeoutError) as error:
            if known is None:
                raise
            if self._telemetry is not None:
                self._telemetry.policy_not_refreshed()
            _log.warning("policy_not_refreshed", project=project, error=type(error).__name__)
            answer = replace(known)
        answer.asked_at = time.monotonic()
        self._remember(project, answer)
        return answer

    async def _read(self, project: str, known: _Known | None) -> _Known:
        newest = (
            select(PolicyRow.number)
            .where(PolicyRow.project == project)
            .order_by(PolicyRow.number.desc())
            .limit(1)
        )
        async with self._begin() as session:
            number = await session.scalar(newest) or 0
            if known is not None and number == known.number:
                return replace(known)
            if not number:
                return _Known(await self._file_policy(session, project), 0, 0.0)
            row = await session.get_one(PolicyRow, (project, number))
            return _Known(await self._policy(session, row), number, 0.0)

    def _remember(self, project: str, known: _Known) -> None:
        if len(self._known) >= REMEMBERED_PROJECTS:
            self._known.clear()
            self._asking = {key: lock for key, lock in self._asking.items() if lock.locked()}
        self._known[project] = known

    async def _policy(self, session: AsyncSession, row: PolicyRow) -> Policy:
        document, revision = row.document, row.revision  # rows are read on the event loop alone
        policy = await asyncio.to_thread(
            lambda: _policy_from(json.loads(self._opened(document)), revision)
        )
        return _with_secrets(policy, await self._secrets(session, row.project))

    async def _file_policy(self, session: AsyncSession, project: str) -> Policy:
        """Return the file's policy; actions to which it gives no secret get one that is kept."""
        policy = await self._file.current(project)
        if all(action.secret for action in policy.actions):
            return policy
        kept = await self._secrets(session, project)
        for action in policy.actions:
            if not action.secret and action.id not in kept:
                secret = _made_up()
                try:
                    async with session.begin_nested():
                        session.add(self._secret_row(project, action.id, secret))
                except IntegrityError:  # another server was faster
                    kept = await self._secrets(session, project)
                else:
                    kept[action.id] = secret
        return _with_secrets(policy, kept)

    async def _secrets(self, session: AsyncSession, project: str) -> dict[str, str]:
        rows = await session.scalars(
            select(ActionSecretRow).where(ActionSecretRow.project == project)
        )
        return {row.action_id: self._opened(row.secret).decode() for row in rows}

    def _secret_row(self, project: str, action_id: str, secret: str) -> ActionSecretRow:
        return ActionSecretRow(
            project=project, action_id=action_id, secret=self._box.seal(secret.encode())
        )

    def _file_row(self, project: str, policy: Policy) -> PolicyRow:
        return PolicyRow(
            project=project,
            number=1,
            revision=policy.revision,
            document=self._sealed(tree_of(policy)),
            applied_at=self._file.changed_at,
            author=FILE_AUTHOR,
            message="",
        )

    def _file_entry(self, revision: str) -> PolicyEntry:
        return PolicyEntry(1, revision, self._file.changed_at, FILE_AUTHOR, is_in_force=True)

    def _sealed(self, tree: Mapping[str, Any]) -> bytes:
        return self._box.seal(json.dumps(tree).encode())

    def _opened(self, sealed: bytes) -> bytes:
        try:
            return self._box.open(sealed)
        except ValueError as error:
            raise Unavailable(
                ErrorReason.STORAGE_UNAVAILABLE,
                "The policy was sealed with a key that this server doesn't have.",
                retry_after_seconds=60.0,
            ) from error

    def _begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, _UNREACHED)


def _newest_first(project: str) -> Select[PolicyRow]:
    return select(PolicyRow).where(PolicyRow.project == project).order_by(PolicyRow.number.desc())


def _policy_from(tree: Mapping[str, Any], revision: str) -> Policy:
    return policy_of(PolicyDocument.model_validate(tree), revision)


def _with_secrets(policy: Policy, secrets: Mapping[str, str]) -> Policy:
    actions = (
        replace(action, secret=action.secret or secrets.get(action.id, ""))
        for action in policy.actions
    )
    return replace(policy, actions=tuple(actions))


def _own_secrets(policy: Policy) -> dict[str, str]:
    return {action.id: action.secret for action in policy.actions if action.secret}


def _made_up() -> str:
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def _entry(row: Any, newest: int) -> PolicyEntry:
    # SQLite gives times back without their zone, PostgreSQL in UTC.
    return PolicyEntry(
        row.number,
        row.revision,
        row.applied_at.replace(tzinfo=UTC),
        row.author,
        row.message,
        is_in_force=row.number == newest,
    )
