"""What a stream's caller has sent and nobody has judged yet: of bounded size, in order.

Parts of one turn that wait become one, so that a caller who writes faster than is judged costs no
more than one who doesn't. When it is full nobody reads, and gRPC makes the caller wait.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from gaveld.application.open_turn import TurnPart
from gaveld.domain.reviews import Turn
from gaveld.transport.grpc.errors import Refusal

MAX_CHARACTERS: Final = 65_536
"""Nothing more is read while so many characters wait;"""
MAX_ITEMS: Final = 16
"""or so many messages that could not be joined."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A message that breaks the rules of turns, or of their parts, and what its caller is told."""

    turn_id: str
    refusal: Refusal
    is_part: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """One message, or parts of one turn joined. ``begins_turn``: it counts as a call."""

    message: Turn | TurnPart | Faulty
    begins_turn: bool


class Inbox:
    """Takes messages from one task and gives them to another."""

    def __init__(self) -> None:
        self._items: deque[Sent] = deque()
        self._characters = 0
        self._is_closed = False
        self._failure: Exception | None = None
        self._changed = asyncio.Condition()

    async def fill(self, requests: AsyncIterator[Any], read: Callable[[Any], Sent]) -> None:
        """Read requests until there are no more or one fails; the failure goes to ``take``."""
        try:
            async for request in requests:
                await self._put(read(request))
        except Exception as failure:  # noqa: BLE001 - whoever takes the next message is told
            self._failure = failure
        self._is_closed = True
        async with self._changed:
            self._changed.notify_all()

    async def take(self) -> Sent | None:
        """Return the next message; None after the last. Raises what ended the requests."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._items or self._is_closed)
            if self._items:
                sent = self._items.popleft()
                self._characters -= _characters(sent)
                self._changed.notify_all()
                return sent
        if self._failure is not None:
            raise self._failure
        return None

    async def _put(self, sent: Sent) -> None:
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            joined = _joined(self._items[-1], sent) if self._items else None
            if joined is not None:
                self._items[-1] = joined
            else:
                self._items.append(sent)
            self._characters += _characters(sent)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._characters < MAX_CHARACTERS and len(self._items) < MAX_ITEMS


def _joined(waiting: Sent, sent: Sent) -> Sent | None:
    first, second = waiting.message, sent.message
    if not isinstance(first, TurnPart) or not isinstance(second, TurnPart):
        return None
    if first.is_last or first.turn_id != second.turn_id:
        return None
    text = first.text + second.text
    return replace(waiting, message=replace(first, text=text, is_last=second.is_last))


def _characters(sent: Sent) -> int:
    return 0 if isinstance(sent.message, Faulty) else len(sent.message.text)
