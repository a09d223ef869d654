"""What is known of one RPC while it is served: its method, its caller, its time, its fate.

Interceptors fill it in; servicers read it. It holds no rule and makes no decision.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import grpc
import grpc.aio
from google.protobuf.message import Message

from gaveld.application.ports import ApiKey
from gaveld.transport.grpc.errors import Refusal

DEFAULT_PROJECT: Final = "default"
UNKNOWN: Final = "unknown"

if TYPE_CHECKING:  # generic to the stubs only
    Context = grpc.aio.ServicerContext[Any, Any]
    GrpcInterceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    Context = grpc.aio.ServicerContext
    GrpcInterceptor = grpc.aio.ServerInterceptor


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC of the server, or the stand-in for every path that it does not serve.

    ``path`` is ``/package.Service/Method``. ``kind`` is one of ``unary``, ``client_stream``,
    ``server_stream`` and ``bidi_stream``. ``scope`` is what an API key needs to call it, or
    several with spaces between, of which one is enough; None
    leaves the method open: no key, no limits, no place in line (health, reflection, channelz).
    """

    path: str
    service: str
    name: str
    kind: str
    scope: str | None

    @property
    def is_unary(self) -> bool:
        """Whether it takes one message and answers with one."""
        return self.kind == "unary"

    @property
    def is_open_stream(self) -> bool:
        """Whether it is a stream, in either direction, that needs no key."""
        return self.scope is None and self.kind.endswith("_stream")


UNKNOWN_METHOD: Final = Method(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, None)


class Received(NamedTuple):
    """A request message as it came off the wire, or why there is none."""

    message: Message | None
    size_bytes: int
    refusal: Refusal | None = None


@dataclass(slots=True, eq=False)
class Call:
    """One RPC in progress. ``received`` is None where requests come as a stream.

    ``timer`` ends the call when it is set to a time. ``due`` is that time on the monotonic clock,
    in seconds; None until the deadline is known. ``failure`` is what ended the call other than an
    answer, and ``refusal`` what the caller is told of it. ``key_id`` is for the log: that of a
    key whose secret was right, also when the key was refused. ``vacate`` gives the call's place
    back before it ends, once, for one that only waits. ``passed`` counts the interceptors that let
    the call through.
    """

    method: Method
    context: Context
    metadata: Mapping[str, str | bytes]
    received: Received | None
    timer: asyncio.Timeout
    started: float = field(default_factory=time.monotonic)
    request_id: str = ""
    trace_id: str = ""
    project: str = DEFAULT_PROJECT
    key: ApiKey | None = None
    key_id: str = ""
    due: float | None = None
    failure: BaseException | None = None
    refusal: Refusal | None = None
    vacate: Callable[[], None] = lambda: None
    passed: int = 0

    @property
    def code(self) -> grpc.StatusCode:
        """The status that the caller gets; OK until the call has failed."""
        return grpc.StatusCode.OK if self.refusal is None else self.refusal.code

    def header(self, name: str) -> str:
        """Return a text header's value, empty if it is not there."""
        value = self.metadata.get(name, "")
        return value if isinstance(value, str) else ""

    def seconds_left(self) -> float:
        """Return how long a use case may take now, in seconds, maybe negative.

        A little less than what the caller waits, so that an answer with partial coverage still
        arrives: a tenth, between 2 and 50 ms, goes to converting and sending it.
        """
        return self.time_left() - self.reserve_seconds()

    def reserve_seconds(self, share: float = 0.1, most: float = 0.05) -> float:
        """Return what to keep for the answer: a share of what is left, from 2 ms to ``most``."""
        return min(max(self.time_left() * share, _LEAST_RESERVE_SECONDS), most)

    def time_left(self) -> float:
        """Return how long the caller waits from now, in seconds, maybe negative."""
        if self.due is None:
            raise RuntimeError("the deadline interceptor has not run")
        return self.due - time.monotonic()


_LEAST_RESERVE_SECONDS: Final = 0.002

_current: ContextVar[Call] = ContextVar("gavel_current_call")


def current_call() -> Call:
    """Return the RPC that this task serves. Raises ``LookupError`` outside of one."""
    return _current.get()


def enter_call(call: Call) -> None:
    """Make ``call`` the one that this task serves; each RPC runs in a task of its own."""
    _current.set(call)
