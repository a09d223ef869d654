"""Refuses messages that are too large or can't be read.

The deserialiser looked at the bytes before anything copied them, and left its word on the call:
gRPC itself would answer a message that can't be parsed with an error of the server.
"""

from collections.abc import Callable
from typing import Final

import grpc
from google.protobuf.message import DecodeError, Message

from gaveld.transport.grpc.call import Call, Received
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.interceptors.interceptor import Interceptor

HEADROOM_BYTES: Final = 64 << 10
"""How much above the limit a message may be and still get our answer instead of gRPC's own."""


class SizeLimit(Interceptor):
    """Refuses what ``reader`` refused."""

    async def before(self, call: Call) -> None:
        """Raise what is wrong with the message, if anything is."""
        if call.received is not None and call.received.refusal is not None:
            raise RefusedError(call.received.refusal)


def _take_all(_size_bytes: int) -> Refusal | None:
    return None


def reader(
    parse: Callable[[bytes], Message],
    max_message_bytes: int,
    turn_away: Callable[[int], Refusal | None] = _take_all,
) -> Callable[[bytes], Received]:
    """Return a deserialiser that never fails: what it can't or won't read, it says so.

    ``turn_away`` gets a message's size, and returns a refusal if there is no room for it now:
    parsing would take that much memory once more.
    """
    too_large = Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "MESSAGE_TOO_LARGE",
        f"The message is larger than {max_message_bytes} bytes.",
        {"limit_bytes": str(max_message_bytes)},
    )

    def read(raw: bytes) -> Received:
        if len(raw) > max_message_bytes:
            return Received(None, len(raw), too_large)
        if refusal := turn_away(len(raw)):
            return Received(None, len(raw), refusal)
        try:
            return Received(parse(raw), len(raw))
        except DecodeError:
            return Received(None, len(raw), _MALFORMED)

    return read


_MALFORMED: Final = Refusal(
    grpc.StatusCode.INVALID_ARGUMENT,
    "MALFORMED_MESSAGE",
    "The message can't be parsed; is every string in it valid UTF-8?",
)
