"""Settings of what is kept, in storage, in memory and in Redis."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gaveld.bootstrap.settings.section import ReadableFile, Section


class StorageSettings(Section):
    """Where API keys, credits and feedback are kept: SQLite's file, or a PostgreSQL database."""

    url: str = "sqlite+aiosqlite:///var/gavel.db"


class FeedbackSettings(Section):
    """What people say of verdicts is kept in the storage, with the texts."""

    enabled: bool = True


class UsageSettings(Section):
    """What projects used is counted wherever there is a storage."""

    write_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 5.0
    """How often counts go to the storage; a server that is killed loses what it counted since."""
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    """How long days are kept."""


class CacheSettings(Section):
    """What was learnt is remembered, so that equal texts and pictures are not looked at again."""

    max_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 32 << 20
    """How much memory this may take for texts; 0 remembers none."""
    max_image_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 8 << 20
    """How much memory this may take for pictures in which nothing was read; 0 remembers none."""
    max_answer_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 16 << 20
    """How much memory answers to calls with a request id may take, for repeats; 0 keeps none."""


def _redis_url(url: str) -> str:
    parts = urlsplit(url)
    database = parts.path.removeprefix("/")
    if parts.scheme == "unix" and database and not parts.query:
        return url
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or parts.query:
        raise ValueError("must be a URL such as redis://redis:6379/0")
    if parts.password:
        raise ValueError("a password belongs into password_file, not into the URL")
    if parts.port == 0:  # urlsplit itself refuses what is no port
        raise ValueError("port 0 is nowhere")
    if database and not database.isdecimal():
        raise ValueError("what follows the host is the number of a database")
    return url


class RedisSettings(Section):
    """The Redis in which replicas share rate limits and caches; none keeps each its own."""

    url: Annotated[str, AfterValidator(_redis_url)] | None = None
    """``redis://host:6379/0``, ``rediss://`` for TLS, or ``unix:///path``."""
    password_file: ReadableFile | None = None
    """A file with the password, read at each connecting; the user's name is the URL's."""
    ca_file: ReadableFile | None = None
    """Who signed the server's certificate; none are those that the system trusts."""
    timeout_seconds: Annotated[float, Field(gt=0, le=5)] = 0.05
    """How long a call waits for Redis before it goes by what this replica knows."""
    key_prefix: Annotated[str, Field(pattern=r"^[!-~]{0,64}$")] = "gavel:"
    """What every key starts with, where a Redis is shared with others."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is None and self.password_file is not None:
            raise ValueError("password_file needs url")
        if self.ca_file is not None and not (self.url or "").startswith("rediss:"):
            raise ValueError("ca_file needs a url that begins with rediss://")
        return self
