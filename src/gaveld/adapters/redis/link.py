"""The way to Redis that everything shared takes: short waits, and none at all while it is down.

It knows whether Redis answers, and says so when that changes. What to do without Redis is its
callers' business.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from gaveld.adapters.redis.metrics import RedisMetrics, RedisState, RedisUse

FAILURES_TO_DOWN: Final = 3
"""So many failures in a row, and Redis is taken to be down; one alone may be bad luck."""
PROBE_SECONDS: Final = 1.0
"""How often a Redis that is down is asked whether it is back."""
PROBE_TIMEOUT_SECONDS: Final = 1.0
"""How long that may take, connecting included; no call waits for it."""
MAX_CONNECTIONS: Final = 32
"""More calls than this wait for one another, within their timeout."""

ResultT = TypeVar("ResultT")

_log = structlog.get_logger(__name__)


class RedisMissed(Exception):  # noqa: N818 - what happened, as the domain's errors are named
    """Redis is down, slow or does not do what it is asked; there is no answer."""


class RedisLink:
    """Connections to one Redis.

    ``url`` is ``redis://``, ``rediss://`` or ``unix://``, with a user's name if there is one; the
    password is read from ``password_file`` at each connecting, so that it may change. Over
    ``rediss://`` the server's certificate is proven by ``ca_file``, or by those whom the system
    trusts. No question takes longer than ``timeout_seconds``. Keys start with ``key_prefix``. Open
    it in an event loop, once; closing an unopened one is fine.
    """

    def __init__(
        self,
        url: str,
        metrics: RedisMetrics,
        *,
        timeout_seconds: float,
        key_prefix: str,
        password_file: Path | None = None,
        ca_file: Path | None = None,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        if password_file is not None:
            name = options.pop("username", None)
            options["credential_provider"] = _PasswordFile(name, password_file)
        if ca_file is not None:
            options["ssl_ca_certs"] = str(ca_file)
        self.client: Redis = Redis.from_pool(
            BlockingConnectionPool(
                **options,
                max_connections=MAX_CONNECTIONS,
                timeout=timeout_seconds,
                socket_connect_timeout=PROBE_TIMEOUT_SECONDS,
                socket_timeout=PROBE_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self.key_prefix = key_prefix
        self._metrics = metrics
        self._timeout_seconds = timeout_seconds
        self._probe_seconds = probe_seconds
        self._failures = 0
        self._is_up = False
        self._probe: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether Redis answers, as far as is known."""
        return self._is_up

    async def open(self) -> None:
        """Ask Redis once whether it is there; if not, go on asking beside the work."""
        if await self._answers():
            self._came_up()
        else:
            self._went_down("no answer at the start")

    async def close(self) -> None:
        """Close every connection."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])
        with contextlib.suppress(Exception):
            await self.client.aclose()

    async def ask(self, use: RedisUse, question: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return the answer to a question that is put to ``client``.

        Raises ``RedisMissed``, counted under ``use``: at once while Redis is down, else within
        ``timeout_seconds``.
        """
        if not self._is_up:
            self._metrics.redis_missed(use)
            raise RedisMissed
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await question()
        except Exception as error:
            self._metrics.redis_missed(use)
            self._failures += 1
            if self._failures >= FAILURES_TO_DOWN and self._is_up:
                self._went_down(type(error).__name__)
            raise RedisMissed from error
        self._failures = 0
        return answer

    async def get(self, use: RedisUse, name: str | bytes) -> bytes | None:
        """Return the bytes under a name, None if there are none or Redis did not answer."""
        try:
            found = await self.ask(use, lambda: self.client.get(name))
        except RedisMissed:
            return None
        return found if isinstance(found, bytes) else None

    async def put(self, use: RedisUse, name: str | bytes, data: bytes, seconds: float) -> None:
        """Keep bytes under a name for so long, unless Redis does not answer."""
        milliseconds = max(1, round(1_000 * seconds))
        with contextlib.suppress(RedisMissed):
            await self.ask(use, lambda: self.client.set(name, data, px=milliseconds))

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await self.client.ping()
        except Exception:  # noqa: BLE001 (whatever it is, there is no answer)
            return False
        return True

    def _came_up(self) -> None:
        self._failures, self._is_up = 0, True
        self._metrics.redis_is(RedisState.UP)
        _log.info("redis_up")

    def _went_down(self, why: str) -> None:
        self._is_up = False
        self._metrics.redis_is(RedisState.DOWN)
        _log.warning("redis_down", why=why)
        self._probe = asyncio.create_task(self._ask_until_up())

    async def _ask_until_up(self) -> None:
        while not self._is_up:
            await asyncio.sleep(self._probe_seconds)
            if await self._answers():
                self._came_up()


class _PasswordFile(CredentialProvider):
    """Reads the password when a connection is made."""

    def __init__(self, name: str | None, file: Path) -> None:
        self._name = name
        self._file = file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        password = self._file.read_text("utf-8").strip()
        return (password,) if self._name is None else (self._name, password)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()
