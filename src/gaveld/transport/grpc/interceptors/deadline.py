"""Bounds every unary call in time: the caller's deadline, or the server's cap if that is sooner."""

import asyncio
import time

from gaveld.domain.errors import DeadlineExceeded, ErrorReason
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class Deadline(Interceptor):
    """Stops calls when their time is up.

    ``max_seconds`` is the cap on a unary call. Streams live as long as their caller wants.
    """

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds

    async def before(self, call: Call) -> None:
        """Set when the call is due. Raises ``DeadlineExceeded`` if it is overdue already."""
        remaining: float | None = call.context.time_remaining()
        if call.method.is_unary:
            cap = self._max_seconds
            remaining = cap if remaining is None else min(cap, remaining)
        if remaining is None:
            return
        if remaining <= 0:
            raise DeadlineExceeded(
                ErrorReason.DEADLINE_EXCEEDED, "The deadline passed before the call was begun."
            )
        call.due = time.monotonic() + remaining
        call.timer.reschedule(asyncio.get_running_loop().time() + remaining)
