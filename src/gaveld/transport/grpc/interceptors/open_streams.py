"""Bounds the streams that anyone may hold open without a key: health watches and reflection."""

from collections import Counter
from typing import Final

import grpc

from gaveld.transport.grpc.call import Call, Method
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.interceptor import Interceptor

MAX_OPEN_STREAMS: Final = 64


class OpenStreams(Interceptor):
    """Lets each open streaming method have ``MAX_OPEN_STREAMS`` at once.

    Each method by itself, so that streams of reflection shut no health watch out. It bounds what
    idle streams hold, not how much a busy one may ask.
    """

    def __init__(self) -> None:
        self._open: Counter[Method] = Counter()

    async def before(self, call: Call) -> None:
        """Count the stream. Raises a refusal when there are too many."""
        if not call.method.is_open_stream:
            return
        if self._open[call.method] >= MAX_OPEN_STREAMS:
            raise RefusedError(_TOO_MANY)
        self._open[call.method] += 1

    def after(self, call: Call) -> None:
        """Count the stream no longer."""
        if call.method.is_open_stream:
            self._open[call.method] -= 1


_TOO_MANY: Final = Refusal(
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    "STREAM_LIMIT_EXCEEDED",
    "The server has as many streams of this method as it keeps open.",
    {"limit": str(MAX_OPEN_STREAMS)},
    retry_after_seconds=1.0,
)
