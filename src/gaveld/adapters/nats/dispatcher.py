"""Carries word of jobs over NATS JetStream: to one worker at a time, and again until it is done.

While NATS is away, workers are told over and over to look into the storage. Which job is next is
the storage's to say in any case: a word is leave to take one job and not the name of it, so that
one project's flood keeps no other waiting.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Final

from nats.aio.msg import Msg
from nats.js.api import Header
from nats.js.errors import APIError

from gaveld.adapters.nats.link import NatsLink, go_on_unless_cancelled
from gaveld.adapters.nats.stream import MAX_DELIVERIES
from gaveld.application.ports import Ticket

POLL_SECONDS: Final = 0.5
"""How often workers are told to look into the storage while NATS is away."""
PUBLISH_SECONDS: Final = 1.0
"""How long NATS may take to say that it has a word."""
SENT_AT_ONCE: Final = 64
"""So many words are sent before NATS has said that it has the first."""


class NatsJobDispatcher:
    """A ``JobDispatcher`` of all machines on one NATS."""

    def __init__(self, link: NatsLink, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._link = link
        self._poll_seconds = poll_seconds
        self._turn = asyncio.Lock()

    async def publish(self, job_ids: Sequence[str]) -> None:
        """Send a word for each job; see ``JobDispatcher.publish``."""
        for start in range(0, len(job_ids), SENT_AT_ONCE):
            await asyncio.gather(*map(self._send, job_ids[start : start + SENT_AT_ONCE]))

    async def next(self, timeout_seconds: float) -> Ticket | None:
        """Return the next word; see ``JobDispatcher.next``."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        # One asks at a time, so that no worker holds words that another could work on.
        if self._turn.locked():
            try:
                async with asyncio.timeout_at(deadline):
                    await self._turn.acquire()
            except TimeoutError:
                return None
        else:
            await self._turn.acquire()
        try:
            return await self._next(deadline)
        finally:
            self._turn.release()

    async def _send(self, job_id: str) -> None:
        connection = self._link.connection
        if connection is not None:
            try:
                await connection.stream.publish(
                    self._link.plan.subject,
                    job_id.encode(),
                    timeout=PUBLISH_SECONDS,
                    headers={Header.MSG_ID: job_id},
                )
            except APIError:  # such as a stream that an operator has bounded, and that is full
                pass
            except Exception:  # noqa: BLE001 (any word may be lost, and no caller fails by it)
                self._link.give_up(connection)
            else:
                return
        self._link.metrics.missed(1)

    async def _next(self, deadline: float) -> Ticket | None:
        loop = asyncio.get_running_loop()
        while True:
            seconds = deadline - loop.time()
            connection = self._link.connection
            if connection is None:
                try:
                    async with asyncio.timeout(min(self._poll_seconds, seconds)):
                        await self._link.until_up()
                except TimeoutError:
                    return _Look()
                continue
            try:
                message = await connection.words.one(seconds)
            except Exception:  # noqa: BLE001 (the storage tells of work meanwhile)
                go_on_unless_cancelled()
                self._link.give_up(connection)
            else:
                return None if message is None else _Word(self._link, message)


class _Word:
    """One message of the stream, which NATS gives out again unless it is acknowledged in time."""

    job_count = 1

    def __init__(self, link: NatsLink, message: Msg) -> None:
        self._link = link
        self._message = message

    async def working(self) -> None:
        await self._answer(Msg.Ack.Progress)

    async def done(self) -> None:
        await self._answer(Msg.Ack.Ack)

    async def give_back(self, seconds: float) -> None:
        if self._message.metadata.num_delivered >= MAX_DELIVERIES:
            # NATS would keep it and give it to nobody; the storage brings the job up again.
            await self._answer(Msg.Ack.Term)
        else:
            delay = json.dumps({"delay": round(max(seconds, 0) * 1_000_000_000)})
            await self._answer(b"%b %b" % (Msg.Ack.Nak, delay.encode()))

    async def _answer(self, answer: bytes) -> None:
        # A word that can't be acknowledged comes again, and then there is no job to take.
        connection = self._link.connection
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.client.publish(self._message.reply, answer)


class _Look:
    """Word that the storage may have work, which nobody has to acknowledge."""

    job_count = 0

    async def working(self) -> None:
        pass

    async def done(self) -> None:
        pass

    async def give_back(self, seconds: float) -> None:
        pass
