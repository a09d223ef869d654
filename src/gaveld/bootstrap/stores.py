"""Opens and migrates the storage, and what is kept in it: API keys, credits, feedback, usage."""

import os
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gaveld.adapters.storage.api_keys import FileApiKeys, LayeredApiKeyStore, SqlApiKeyStore
from gaveld.adapters.storage.connections import replace_ended
from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.journal import write_ahead
from gaveld.adapters.storage.migrations import (
    SchemaState,
    migrate,
    migration_sql,
    schema_state,
)
from gaveld.adapters.storage.usage import SqlUsageStore
from gaveld.adapters.storage.writing import close
from gaveld.application.api_keys import Authenticate
from gaveld.application.count_usage import CountUsage
from gaveld.application.ports import ApiKeyStore, Credits, FeedbackStore, UsageStore
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.bootstrap.settings import Settings, SettingsError

DRIVERS: Final = ("sqlite+aiosqlite", "postgresql+asyncpg")
"""What ``storage.url`` may name; ``postgresql`` alone is short for the second."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept in the storage; each is None where the settings want none of it."""

    engine: AsyncEngine | None = None
    api_keys: ApiKeyStore | None = None
    authenticate: Authenticate | None = None
    balances: Credits | None = None
    submit_feedback: SubmitFeedback | None = None
    count_usage: CountUsage | None = None


async def open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    """Open what the settings ask for. Raises ``SettingsError`` for what can't be opened.

    A file of SQLite is ours alone, so it is migrated; any other database must have been.
    """
    if not (settings.auth.enabled or settings.feedback.enabled or settings.work.enabled):
        return Stores()
    engine = await open_engine(settings.storage.url, stack)
    # Without keys nobody knows who calls, and so who pays.
    keys = _api_keys(engine, settings) if settings.auth.enabled else None
    return Stores(
        engine=engine,
        api_keys=keys,
        authenticate=None if keys is None else Authenticate(keys),
        balances=None if keys is None else SqlCredits(engine),
        submit_feedback=SubmitFeedback(SqlFeedbackStore(engine))
        if settings.feedback.enabled
        else None,
        count_usage=CountUsage(SqlUsageStore(engine), every_seconds=settings.usage.write_seconds),
    )


async def open_api_keys(settings: Settings, stack: AsyncExitStack) -> ApiKeyStore:
    """Open the store of API keys; see ``open_stores``."""
    return _api_keys(await open_engine(settings.storage.url, stack), settings)


async def open_credits(settings: Settings, stack: AsyncExitStack) -> Credits:
    """Open the store of credits; see ``open_stores``."""
    return SqlCredits(await open_engine(settings.storage.url, stack))


async def open_feedback(settings: Settings, stack: AsyncExitStack) -> FeedbackStore:
    """Open the store of people's opinions; see ``open_stores``."""
    return SqlFeedbackStore(await open_engine(settings.storage.url, stack))


async def open_usage(settings: Settings, stack: AsyncExitStack) -> UsageStore:
    """Open the store of what projects used; see ``open_stores``."""
    return SqlUsageStore(await open_engine(settings.storage.url, stack))


def _api_keys(engine: AsyncEngine, settings: Settings) -> ApiKeyStore:
    file = None
    if settings.auth.keys_file is not None:
        try:
            file = FileApiKeys(settings.auth.keys_file)
        except ValueError as error:
            raise SettingsError(f"auth.keys_file: {error}") from error
    return LayeredApiKeyStore(SqlApiKeyStore(engine), file)


async def migrate_storage(url: str) -> bool:
    """Bring the database to this release's schema; False if it was there already.

    Raises ``SettingsError`` if it can't be reached, or is of a later release.
    """
    async with AsyncExitStack() as stack:
        engine = _engine(url, stack)
        with _explained():
            before = await migrate(engine)
    _refuse_later(before)
    return before is SchemaState.BEHIND


async def prove_storage(url: str) -> None:
    """Raise ``SettingsError`` unless the database has this release's schema. Changes nothing."""
    async with AsyncExitStack() as stack:
        await _prove(_engine(url, stack))


def storage_sql(url: str) -> str:
    """Return the statements that make this release's schema in an empty database of this kind."""
    return migration_sql(database_url(url).get_backend_name())


async def open_engine(url: str, stack: AsyncExitStack) -> AsyncEngine:
    """Open the database; see ``open_stores``."""
    engine = _engine(url, stack)
    if engine.dialect.name == "sqlite":
        with _explained():
            before = await migrate(engine)
        _refuse_later(before)
    else:
        await _prove(engine)
    return engine


async def _prove(engine: AsyncEngine) -> None:
    with _explained():
        state = await schema_state(engine)
    if state is SchemaState.BEHIND:
        raise SettingsError("storage.url: the database's schema is behind; run `gavel migrate`")
    _refuse_later(state)


def _refuse_later(state: SchemaState) -> None:
    if state is SchemaState.AHEAD:
        raise SettingsError("storage.url: a later release of Gavel migrated this database")


def _engine(url: str, stack: AsyncExitStack) -> AsyncEngine:
    parsed = database_url(url)
    with _explained():
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            _make_file(parsed.database)
        engine = create_async_engine(**_encrypted(parsed))
        if parsed.get_backend_name() == "sqlite":
            write_ahead(engine)
        else:
            replace_ended(engine)
    stack.push_async_callback(close, engine)
    return engine


def _encrypted(url: URL) -> dict[str, Any]:
    """Take libpq's words for TLS, which asyncpg knows under other names, out of the URL.

    Unlike libpq, ``verify-full`` without a ``sslrootcert`` goes by those whom the system trusts.
    """
    words = {name: values[-1] for name, values in url.normalized_query.items()}
    mode, ca_file = words.get("sslmode"), words.get("sslrootcert")
    if mode is None:
        return {"url": url}
    asked: object = mode
    if mode in ("verify-ca", "verify-full") or (mode == "require" and ca_file):
        context = ssl.create_default_context(cafile=None if ca_file == "system" else ca_file)
        context.check_hostname = mode == "verify-full"
        asked = context
    url = url.difference_update_query(("sslmode", "sslrootcert"))
    return {"url": url, "connect_args": {"ssl": asked}}


def _make_file(database: str) -> None:
    """Make the file, if there is none, for its owner alone: it holds what people wrote."""
    if database == ":memory:" or database.startswith("file:"):
        return
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(database, os.O_RDONLY | os.O_CREAT, 0o600))


def database_url(url: str) -> URL:
    """Return the URL with its driver. Raises ``SettingsError`` for what is none of ours."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("storage.url: not a database's URL") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+asyncpg")
    if parsed.drivername not in DRIVERS:
        raise SettingsError(f"storage.url: must begin with one of {', '.join(DRIVERS)}")
    return parsed


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The error's own words may hold the URL, and so its password.
        raise SettingsError(f"storage.url: can't be opened ({type(error).__name__})") from error
