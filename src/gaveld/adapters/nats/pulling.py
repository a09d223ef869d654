"""Asks the stream's consumer for words, one at a time, and reads what it says instead of one."""

import asyncio
import json
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header, StatusCode

ANSWER_SECONDS: Final = 2.0
"""How long NATS may be late with its answer before it is taken to be gone."""


class Words:
    """What the durable consumer of a stream has for us. Ask one question at a time."""

    def __init__(self, client: Client, inbox: str, heard: Subscription, question: str) -> None:
        self._client = client
        self._inbox = inbox
        self._heard = heard
        self._question = question
        self._asked = 0

    @classmethod
    async def of(cls, client: Client, stream: str, consumer: str) -> "Words":
        """Open an inbox for them."""
        inbox = client.new_inbox()
        question = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        return cls(client, inbox, await client.subscribe(f"{inbox}.*"), question)

    async def one(self, seconds: float) -> Msg | None:
        """Return the next word within so long, or one that is there already; None without.

        Raises ``nats.errors.Error``, or ``TimeoutError`` where nothing is said at all.
        """
        while self._heard.pending_msgs:  # of a question whose asker went away
            message = await self._heard.next_msg(None)
            if _status(message) is None:
                return message
        self._asked += 1
        inbox = f"{self._inbox}.{self._asked}"
        asked: dict[str, object] = {"batch": 1}
        asked |= {"expires": round(seconds * 1e9)} if seconds > 0 else {"no_wait": True}
        await self._client.publish(self._question, json.dumps(asked).encode(), inbox)
        async with asyncio.timeout(max(seconds, 0) + ANSWER_SECONDS):
            while True:
                message = await self._heard.next_msg(None)
                status = _status(message)
                if status is None:
                    return message
                if message.subject == inbox:
                    if status in (StatusCode.NO_MESSAGES, StatusCode.REQUEST_TIMEOUT):
                        return None
                    raise nats.errors.Error(f"the consumer says {status}")


def _status(message: Msg) -> str | None:
    """Return what was said instead of a word; None for a word."""
    return (message.headers or {}).get(Header.STATUS)
