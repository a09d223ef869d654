"""One caller's way to the RPCs: what a handler of any surface, a dialect's too, calls them with.

It adds the caller's name, trace, credentials and deadline, and goes over the gateway's channel, so
that a dialect is held to the same keys, limits and rules as everybody else.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gaveld.transport.rest.failures import RpcFailure
from gaveld.transport.rest.headers import Caller
from gaveld.transport.rest.upstream import Upstream

M = TypeVar("M", bound=Message)


class Rpc:
    """Calls RPCs for one HTTP request.

    ``request_id`` is what the server named the latest call; until then what the gateway did.
    """

    def __init__(
        self, upstream: Upstream, methods: Mapping[str, MethodDescriptor], caller: Caller
    ) -> None:
        self._upstream = upstream
        self._methods = methods
        self._caller = caller
        self.request_id = caller.request_id

    async def __call__(self, path: str, request: Message, response: type[M] | None = None) -> M:
        """Call an RPC of one answer, such as ``/gavel.v1.ModerationService/ModerateText``.

        ``response`` is the class of the answer, for the type checker alone. Raises ``RpcFailure``;
        cancelling ends the call. An unknown path is a defect of the caller: ``KeyError``.
        """
        del response
        try:
            answered = await self._upstream.unary(self._methods[path], request, self._caller)
        except RpcFailure as failure:
            self.request_id = failure.request_id or self.request_id
            raise
        self.request_id = answered.request_id or self.request_id
        return cast("M", answered.message)

    def stream(self, path: str) -> AbstractAsyncContextManager[Any]:
        """Open an RPC that streams; see ``Upstream.stream``."""
        return self._upstream.stream(self._methods[path], self._caller)
