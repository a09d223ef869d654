"""Makes a call that is repeated under one request id harmless: it is done once, and paid once.

It knows nothing of what is asked or answered but digests and bytes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from gaveld.application.ports import AnswerStore, KeptAnswer
from gaveld.domain.errors import AlreadyExists, ErrorReason, FieldViolation

Work = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, under which request id, and the SHA-256 of all that is asked."""

    project: str
    request_id: str
    sha256: bytes


@dataclass(slots=True)
class _Running:
    asked: Asked
    task: "asyncio.Task[bytes]"
    waiting: int = 0
    is_abandoned: bool = False


class Repeats:
    """Answers calls of one project under one request id with one answer.

    A repeat of a call in progress waits for it and shares its fate; the work goes on while anybody
    waits, and is cancelled with the last; a repeat that comes then begins anew, once all is wound
    up and given back. What was answered is given again for as long as ``answers`` keeps it. What
    failed is not remembered.
    """

    def __init__(self, answers: AnswerStore) -> None:
        self._answers = answers
        self._running: dict[tuple[str, str], _Running] = {}

    async def answer(self, asked: Asked, work: Work) -> bytes:
        """Return what ``work`` returns, or returned the last time; raise what it raises.

        Raises ``AlreadyExists`` (REQUEST_ID_REUSED) where something else was asked under the id.
        """
        key = asked.project, asked.request_id
        running = self._running.get(key)
        while running is not None and running.is_abandoned:
            await asyncio.wait([running.task])
            running = self._running.get(key)
        if running is None:
            running = _Running(asked, asyncio.create_task(self._first(asked, work)))
            self._running[key] = running
            running.task.add_done_callback(partial(self._ended, key, running))
        elif running.asked != asked:
            raise _reused(asked)
        running.waiting += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.waiting -= 1
            if not running.waiting and not running.task.done():
                running.is_abandoned = True  # so that nobody joins what is being cancelled
                running.task.cancel()
                await asyncio.wait([running.task])

    async def _first(self, asked: Asked, work: Work) -> bytes:
        kept = await self._answers.find(asked.project, asked.request_id)
        if kept is not None:
            if kept.asked_sha256 != asked.sha256:
                raise _reused(asked)
            return kept.body
        body = await work()
        await self._answers.keep(asked.project, asked.request_id, KeptAnswer(asked.sha256, body))
        return body

    def _ended(self, key: tuple[str, str], running: _Running, task: "asyncio.Task[bytes]") -> None:
        if self._running.get(key) is running:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # whoever waited was told; if nobody did, nobody needs to be


def _reused(asked: Asked) -> AlreadyExists:
    return AlreadyExists(
        ErrorReason.REQUEST_ID_REUSED,
        "The request_id was used lately for a call that asked something else.",
        metadata={"request_id": asked.request_id},
        violations=(FieldViolation("request_id", "was used for another call; take a new one"),),
    )
