"""The connection to NATS: made again for ever, and nobody's error while it is away.

It knows whether NATS is there and says so when that changes. What to do without it is its
callers' business.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from gaveld.adapters.nats.address import NatsAddress
from gaveld.adapters.nats.metrics import NatsMetrics, NatsState
from gaveld.adapters.nats.pulling import Words
from gaveld.adapters.nats.stream import CONSUMER, StreamPlan

CONNECT_SECONDS: Final = 5.0
"""How long connecting may take, the stream's making included."""
RETRY_SECONDS: Final = 1.0
"""How long to wait between two attempts."""
PING_SECONDS: Final = 5.0
"""How often NATS is asked whether it is there; after two questions without answer it is not."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """One connection, good until it is lost, and what goes over it."""

    client: Client
    stream: JetStreamContext
    words: Words
    lost: asyncio.Event


class NatsLink:
    """Keeps one connection to NATS, with the stream ready.

    Open it in an event loop, once; closing an unopened one is fine.
    """

    def __init__(
        self,
        address: NatsAddress,
        plan: StreamPlan,
        metrics: NatsMetrics,
        *,
        retry_seconds: float = RETRY_SECONDS,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self.plan = plan
        self.metrics = metrics
        self._address = address
        self._retry_seconds = retry_seconds
        self._ping_seconds = ping_seconds
        self._connection: Connection | None = None
        self._state: NatsState | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def connection(self) -> Connection | None:
        """The connection; None while there is none."""
        return self._connection

    async def open(self) -> None:
        """Try once to connect; if NATS is away, go on trying beside the work."""
        self._keeper = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def close(self) -> None:
        """Close the connection and make no other."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])

    async def until_up(self) -> Connection:
        """Wait for a connection and return it."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    def give_up(self, connection: Connection) -> None:
        """Have a connection made anew that no more does what it should."""
        connection.lost.set()
        if connection is self._connection:
            self._connection = None
            self._up.clear()

    async def _keep(self) -> None:
        while True:
            client = Client()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await self._connected(client)
                go_on_unless_cancelled()
                self._came_up(connection)
                await connection.lost.wait()
                self._went_down("connection lost")
            except Exception as error:  # noqa: BLE001 (whatever it is, another is to be made)
                self._went_down(type(error).__name__)
            finally:
                self._connection = None
                await _closed(client)
            go_on_unless_cancelled()
            await asyncio.sleep(self._retry_seconds)

    async def _connected(self, client: Client) -> Connection:
        lost = asyncio.Event()

        async def told_closed() -> None:
            lost.set()

        await client.connect(**self._options(client), closed_cb=told_closed)
        self._prove_encrypted(client)
        jetstream = client.jetstream(timeout=CONNECT_SECONDS)
        await self.plan.prepare(jetstream)
        words = await Words.of(client, self.plan.name, CONSUMER)
        return Connection(client, jetstream, words, lost)

    def _options(self, client: Client) -> dict[str, Any]:
        return {
            **self._address.options(lambda: self._prove_encrypted(client)),
            "name": "gavel",
            "error_cb": _unsaid,
            # Whatever ends a connection, another is made in the same way: with the stream proved.
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "connect_timeout": CONNECT_SECONDS,
            "reconnect_time_wait": self._retry_seconds,
            "ping_interval": self._ping_seconds,
        }

    def _prove_encrypted(self, client: Client) -> None:
        # The client encrypts only if the server asks for it, whatever the URL says.
        asked = client._server_info.get("tls_required")  # noqa: SLF001 - nothing public shows it
        if self._address.is_encrypted and not asked:
            raise nats.errors.SecureConnRequiredError

    def _came_up(self, connection: Connection) -> None:
        self._connection = connection
        self._up.set()
        if self._is(NatsState.UP):
            _log.info("nats_up")

    def _went_down(self, why: str) -> None:
        self._connection = None
        self._up.clear()
        if self._is(NatsState.DOWN):
            _log.warning("nats_down", why=why)

    def _is(self, state: NatsState) -> bool:
        """Show the state; False if it was that before."""
        self._tried.set()
        before, self._state = self._state, state
        self.metrics.nats_is(state)
        return state is not before


def go_on_unless_cancelled() -> None:
    """Raise the cancellation that the client took for itself, or turned into an error."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _unsaid(_: Exception) -> None:
    """Take what the client says of single failures; the link says what came of them."""


async def _closed(client: Client) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.close()
