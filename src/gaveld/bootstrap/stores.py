"""Opens the storage and what is kept in it: API keys, credits and feedback."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gaveld.adapters.storage.api_keys import (
    FileApiKeys,
    LayeredApiKeyStore,
    SqlApiKeyStore,
    create_tables,
)
from gaveld.adapters.storage.credits import SqlCredits
from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.application.api_keys import Authenticate
from gaveld.application.ports import ApiKeyStore, Credits, FeedbackStore
from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.bootstrap.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept in the storage; each is None where the settings want none of it."""

    authenticate: Authenticate | None = None
    balances: Credits | None = None
    submit_feedback: SubmitFeedback | None = None


async def open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    """Open what the settings ask for. Raises ``SettingsError`` for what can't be opened."""
    if not settings.auth.enabled and not settings.feedback.enabled:
        return Stores()
    engine = await _open_engine(settings.storage.url, stack)
    known = settings.auth.enabled  # else nobody knows who calls, and so who pays
    return Stores(
        authenticate=Authenticate(_api_keys(engine, settings)) if known else None,
        balances=SqlCredits(engine) if known else None,
        submit_feedback=SubmitFeedback(SqlFeedbackStore(engine))
        if settings.feedback.enabled
        else None,
    )


async def open_api_keys(settings: Settings, stack: AsyncExitStack) -> ApiKeyStore:
    """Open the store of API keys, making its tables if need be."""
    return _api_keys(await _open_engine(settings.storage.url, stack), settings)


async def open_credits(settings: Settings, stack: AsyncExitStack) -> Credits:
    """Open the store of credits, making its tables if need be."""
    return SqlCredits(await _open_engine(settings.storage.url, stack))


async def open_feedback(settings: Settings, stack: AsyncExitStack) -> FeedbackStore:
    """Open the store of people's opinions, making its tables if need be."""
    return SqlFeedbackStore(await _open_engine(settings.storage.url, stack))


def _api_keys(engine: AsyncEngine, settings: Settings) -> ApiKeyStore:
    file = None
    if settings.auth.keys_file is not None:
        try:
            file = FileApiKeys(settings.auth.keys_file)
        except ValueError as error:
            raise SettingsError(f"auth.keys_file: {error}") from error
    return LayeredApiKeyStore(SqlApiKeyStore(engine), file)


async def _open_engine(url: str, stack: AsyncExitStack) -> AsyncEngine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed)
        stack.push_async_callback(engine.dispose)
        await create_tables(engine)
    except Exception as error:
        raise SettingsError(f"storage.url: can't be opened ({type(error).__name__})") from error
    return engine
