"""What every stream does alike: hears its options, takes places for its work, writes in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

import grpc
import structlog

from gaveld.domain.errors import ErrorReason
from gaveld.transport.grpc.call import Call, Context
from gaveld.transport.grpc.errors import Refusal, RefusedError, Violation
from gaveld.transport.grpc.interceptors.admission import Admission, overloaded
from gaveld.transport.grpc.interceptors.validation import validate
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.open_conversations import Lifetime, TimeIsUpError

T = TypeVar("T")

PATIENCE_SECONDS: Final = 5.0
"""So long after its end a stream still tries to write to a caller who does not read."""


async def options_of(
    requests: AsyncIterator[T], lifetime: Lifetime, call: Call, max_seconds: float
) -> T | None:
    """Return a stream's first message, which has its options; None if it must end before.

    The call is named by their request id. Raises a refusal if they don't come in ``max_seconds``,
    if something else comes (STREAM_PROTOCOL), and if they break a rule.
    """
    try:
        async with asyncio.timeout(max_seconds):
            first: Any = await lifetime.listening(partial(anext, requests, None))
    except TimeIsUpError:
        return None
    except TimeoutError:
        raise RefusedError(_NO_OPTIONS) from None
    if first is None or first.WhichOneof("message") != "options":
        raise RefusedError(OPTIONS_FIRST)
    validate(first)
    if first.options.request_id:
        call.request_id = first.options.request_id
        structlog.contextvars.bind_contextvars(request_id=call.request_id)
    message: T = first
    return message


class StreamPlaces:
    """Places for the pieces of work of streams, whose callers wait ``max_seconds`` for one."""

    def __init__(self, admission: Admission, long_texts: LongTexts, max_seconds: float) -> None:
        self._admission = admission
        self._long_texts = long_texts
        self._max_seconds = max_seconds

    @asynccontextmanager
    async def place(self, characters: int) -> AsyncIterator[None]:
        """Hold a place to work on so many characters. Raises a refusal if there is none."""
        async with AsyncExitStack() as stack:
            refusal = overloaded()
            try:
                async with asyncio.timeout(self._max_seconds) as patience:
                    while True:
                        try:
                            await stack.enter_async_context(self._admission.place())
                            break
                        except RefusedError as refused:
                            refusal = refused
                            await asyncio.sleep(refused.refusal.retry_after_seconds or 0.0)
                    await stack.enter_async_context(self._long_texts.place(characters))
            except TimeoutError:
                if not patience.expired():
                    raise
                raise refusal from None
            yield


async def write(context: Context, response: object, lifetime: Lifetime) -> None:
    """Write one message; waits while the caller does not read, and gives up after the end."""
    latest = max(lifetime.due, asyncio.get_running_loop().time()) + PATIENCE_SECONDS
    try:
        async with asyncio.timeout_at(latest):
            await context.write(response)
    except TimeoutError:
        raise RefusedError(_NOT_READ) from None


def protocol(message: str, expected: str, *violations: Violation) -> Refusal:
    """Return the refusal of a message that comes out of order."""
    code = grpc.StatusCode.INVALID_ARGUMENT
    return Refusal(code, "STREAM_PROTOCOL", message, {"expected": expected}, violations)


OPTIONS_FIRST: Final = protocol(
    "The first message of a stream has its options.",
    "options",
    Violation("options", "are missing from the first message"),
)
_NO_OPTIONS: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The stream was opened and its options did not come.",
)
_NOT_READ: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The stream's answers were not read in time.",
)
