"""Keeps API keys: in SQL, in a mounted file, or remembered for seconds. It never sees a secret."""

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import DateTime, LargeBinary, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from gaveld.adapters.storage.tables import Base, Whole, can_be_id, transaction
from gaveld.application.ports import ApiKey, ApiKeyStore, Period, Quota, RateLimit

REMEMBERED_SECONDS: Final = 5.0
REMEMBERED_KEYS: Final = 10_000
UNREACHED: Final = "The API keys can't be reached."
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What projects and client ids look like whole: fit for a header, a column and a policy's key."""


class ApiKeyRow(Base):
    """One API key. Times are UTC; SQLite gives them back without their zone."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    project: Mapped[str] = mapped_column(String(128))
    client_id: Mapped[str] = mapped_column(String(128))
    scopes: Mapped[str] = mapped_column(String(256))
    rate_limit_calls: Mapped[int | None] = mapped_column(Whole)
    rate_limit_per_seconds: Mapped[int | None] = mapped_column(Whole)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    quota_calls: Mapped[int | None] = mapped_column(Whole)
    quota_period: Mapped[str | None] = mapped_column(String(8))


class SqlApiKeyStore:
    """An ``ApiKeyStore`` over SQLAlchemy; ``migrate`` the engine first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; see ``ApiKeyStore.add``."""
        async with transaction(self._sessions, UNREACHED) as session:
            session.add(_row(key))
            try:
                await session.flush()
            except IntegrityError as error:
                raise ValueError(f"an API key with id {key.id!r} exists") from error

    async def find(self, key_id: str) -> ApiKey | None:
        """Return one key; see ``ApiKeyStore.find``."""
        if not can_be_id(key_id):
            return None
        async with transaction(self._sessions, UNREACHED) as session:
            row = await session.get(ApiKeyRow, key_id)
        return _key(row) if row else None

    async def list(self) -> Sequence[ApiKey]:
        """Return every key; see ``ApiKeyStore.list``."""
        query = select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)
        async with transaction(self._sessions, UNREACHED) as session:
            return [_key(row) for row in await session.scalars(query)]

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Mark a key revoked; see ``ApiKeyStore.revoke``."""
        async with transaction(self._sessions, UNREACHED) as session:
            row = await session.get(ApiKeyRow, key_id, with_for_update=True)
            if row is None:
                return False
            row.revoked_at = row.revoked_at or at
        return True


class FileApiKeys:
    """The keys of a mounted file, which only the operator changes: reads, never writes."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ``ValueError`` that names the bad entry and field."""
        try:
            tree = yaml.safe_load(path.read_text("utf-8"))
            entries = _ENTRIES.validate_python([] if tree is None else tree)
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not YAML") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            told = "no such key" if first["type"] == "extra_forbidden" else first["msg"]
            raise ValueError(f"{path}: {where}: {told}") from error
        self._keys = {entry.id: entry.key() for entry in entries}

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key, or None if the file has none with this id."""
        return self._keys.get(key_id)

    def all(self) -> Sequence[ApiKey]:
        """Return the keys in the order of the file."""
        return list(self._keys.values())


class LayeredApiKeyStore:
    """An ``ApiKeyStore`` that looks in a file's keys first, then in a store that it remembers.

    A key found is remembered for a few seconds, so that a call costs no query; a revocation made
    by another process is therefore seen within ``REMEMBERED_SECONDS``. Keys of the file can't be
    added or revoked here.
    """

    def __init__(self, store: ApiKeyStore, file: FileApiKeys | None = None) -> None:
        self._store = store
        self._file = file
        self._remembered: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()

    async def add(self, key: ApiKey) -> None:
        """Keep a new key in the store behind; see ``ApiKeyStore.add``."""
        if self._file and self._file.find(key.id):
            raise ValueError(f"an API key with id {key.id!r} exists")
        await self._store.add(key)

    async def find(self, key_id: str) -> ApiKey | None:
        """Return one key; see ``ApiKeyStore.find``."""
        if self._file and (key := self._file.find(key_id)):
            return key
        until, key = self._remembered.get(key_id, (0.0, None))
        if key is not None and time.monotonic() < until:
            return key
        key = await self._store.find(key_id)
        self._remembered.pop(key_id, None)
        if key is not None:
            self._remembered[key_id] = (time.monotonic() + REMEMBERED_SECONDS, key)
            if len(self._remembered) > REMEMBERED_KEYS:
                self._remembered.popitem(last=False)
        return key

    async def list(self) -> Sequence[ApiKey]:
        """Return every key of both, oldest first; see ``ApiKeyStore.list``."""
        keys = [*(self._file.all() if self._file else ()), *await self._store.list()]
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Mark a key of the store revoked, seen here at once; see ``ApiKeyStore.revoke``."""
        self._remembered.pop(key_id, None)
        return await self._store.revoke(key_id, at)


def entry_of(key: ApiKey) -> str:
    """Return the key as YAML, to be put into a keys file."""
    limit = key.rate_limit
    entry = _Entry(
        id=key.id,
        secret_sha256=key.secret_sha256.hex(),
        project=key.project,
        client_id=key.client_id,
        scopes=tuple(sorted(key.scopes)),
        rate_limit=_Limit(calls=limit.calls, per_seconds=limit.per_seconds) if limit else None,
        quota=_Quota(calls=key.quota.calls, period=key.quota.period) if key.quota else None,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
    return yaml.safe_dump([entry.model_dump(mode="json")], sort_keys=False)


_Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class _Limit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    calls: int = Field(ge=1)
    per_seconds: int = Field(default=60, ge=1)


class _Quota(BaseModel):
    model_config = ConfigDict(extra="forbid")

    calls: int = Field(ge=1)
    period: Period


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=64)
    secret_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    project: _Name
    client_id: _Name
    scopes: tuple[str, ...]
    rate_limit: _Limit | None = None
    quota: _Quota | None = None
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def key(self) -> ApiKey:
        limit = self.rate_limit
        return ApiKey(
            id=self.id,
            secret_sha256=bytes.fromhex(self.secret_sha256),
            project=self.project,
            client_id=self.client_id,
            scopes=frozenset(self.scopes),
            created_at=self.created_at,
            rate_limit=RateLimit(limit.calls, limit.per_seconds) if limit else None,
            revoked_at=self.revoked_at,
            quota=Quota(self.quota.calls, self.quota.period) if self.quota else None,
        )


_ENTRIES: Final = TypeAdapter(list[_Entry])


def _row(key: ApiKey) -> ApiKeyRow:
    return ApiKeyRow(
        id=key.id,
        secret_sha256=key.secret_sha256,
        project=key.project,
        client_id=key.client_id,
        scopes=" ".join(sorted(key.scopes)),
        rate_limit_calls=key.rate_limit.calls if key.rate_limit else None,
        rate_limit_per_seconds=key.rate_limit.per_seconds if key.rate_limit else None,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        quota_calls=key.quota.calls if key.quota else None,
        quota_period=key.quota.period.value if key.quota else None,
    )


def _key(row: ApiKeyRow) -> ApiKey:
    limit = None
    if row.rate_limit_calls is not None and row.rate_limit_per_seconds is not None:
        limit = RateLimit(row.rate_limit_calls, row.rate_limit_per_seconds)
    quota = None
    if row.quota_calls is not None and row.quota_period is not None:
        quota = Quota(row.quota_calls, Period(row.quota_period))
    return ApiKey(
        id=row.id,
        secret_sha256=row.secret_sha256,
        project=row.project,
        client_id=row.client_id,
        scopes=frozenset(row.scopes.split()),
        created_at=_utc(row.created_at),
        rate_limit=limit,
        revoked_at=_utc(row.revoked_at) if row.revoked_at else None,
        quota=quota,
    )


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
