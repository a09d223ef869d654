"""Runs every RPC through one ordered row of interceptors, and states that order.

One gRPC interceptor holds the whole row, so that a method is wrapped once and a call costs a few
plain function calls. It works the same for unary and streaming RPCs, and decides nothing itself.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio

from gaveld.transport.grpc.call import (
    UNKNOWN_METHOD,
    Call,
    Context,
    GrpcInterceptor,
    Method,
    Received,
    enter_call,
)
from gaveld.transport.grpc.errors import REQUEST_ID_HEADER, Refusal, RefusedError, refusal_of
from gaveld.transport.grpc.interceptors.admission import overloaded
from gaveld.transport.grpc.interceptors.interceptor import Interceptor

Handler = Any
"""A handler as grpc keeps it, or its behaviour; the stubs do not tell their shape."""


class Chain(GrpcInterceptor):
    """The row of interceptors around every method of the server.

    The order, outermost first, and why:

    1. request id: everything after it can name the call.
    2. access log: says of every call how it ended, whatever ended it.
    3. metrics: likewise.
    4. error mapping: what fails further in gets its status here, before it is logged and counted.
    5. deadline: bounds all waiting further in.
    6. size limit: refuses a message that was not even parsed.
    7. open streams: bounds what callers hold open without a key.
    8. admission: sheds load before anything is spent on it, so before keys are looked up; a call
       that comes when all is full is not even read (``is_full``).
    9. auth: from here on the project is known.
    10. usage: counts calls for their projects, so after auth; what is refused further in, too.
    11. rate limit: counts per key, so after auth.
    12. validation: the dearest check; only for callers who may call.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        interceptors: Sequence[Interceptor],
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._methods = methods
        self._is_full = is_full
        self._length = len(interceptors)
        row = list(enumerate(interceptors))
        self._befores = [(i, entry.before) for i, entry in row if _overrides(entry, "before")]
        self._afters = [(i, entry.after) for i, entry in row[::-1] if _overrides(entry, "after")]
        self._wrapped: dict[str, Handler] = {}
        self._unread = {
            path: grpc.stream_stream_rpc_method_handler(
                self._stream(method, _turn_away, takes_stream=True)
            )
            for path, method in methods.items()
            if method.scope is not None
        }
        self._unknown = grpc.stream_stream_rpc_method_handler(
            self._stream(UNKNOWN_METHOD, _refuse_unknown, takes_stream=True)
        )

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the method's handler, wrapped; a path that is not served gets a refusal.

        A call that is sure to be turned away gets a handler that does not even read it.
        """
        path = handler_call_details.method
        if self._is_full() and path in self._unread:
            return self._unread[path]
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            method = self._methods.get(path)
            handler = await continuation(handler_call_details)
            if method is None or handler is None:
                return self._unknown
            wrapped = self._wrapped[path] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: Method, handler: Handler) -> Handler:
        takes_stream, gives_stream = handler.request_streaming, handler.response_streaming
        shape = f"{'stream' if takes_stream else 'unary'}_{'stream' if gives_stream else 'unary'}"
        wrap = self._stream if gives_stream else self._unary
        factory = getattr(grpc, f"{shape}_rpc_method_handler")
        return factory(
            wrap(method, getattr(handler, shape), takes_stream=takes_stream),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _unary(self, method: Method, behaviour: Handler, *, takes_stream: bool) -> Handler:
        async def serve(request: Any, context: Context) -> Any:
            call = _open(method, request, context, takes_stream=takes_stream)
            response = None
            try:
                async with call.timer:
                    await self._enter(call)
                    message = _unpacked(request) if takes_stream else request.message
                    response = await behaviour(message, context)
            except BaseException as failure:  # noqa: BLE001 - raised again by _conclude
                call.failure = failure
            self._leave(call)
            await _conclude(call)
            return response

        return serve

    def _stream(self, method: Method, behaviour: Handler, *, takes_stream: bool) -> Handler:
        yields = inspect.isasyncgenfunction(behaviour)

        async def serve(request: Any, context: Context) -> AsyncIterator[Any]:
            call = _open(method, request, context, takes_stream=takes_stream)
            try:
                async with call.timer:
                    await self._enter(call)
                    message = _unpacked(request) if takes_stream else request.message
                    if yields:
                        async for response in behaviour(message, context):
                            yield response
                    else:  # it writes to the context itself
                        await behaviour(message, context)
            except BaseException as failure:  # noqa: BLE001 - raised again by _conclude
                call.failure = failure
            self._leave(call)
            await _conclude(call)

        return serve

    async def _enter(self, call: Call) -> None:
        for call.passed, before in self._befores:
            await before(call)
        call.passed = self._length

    def _leave(self, call: Call) -> None:
        for index, after in self._afters:
            if index < call.passed:
                after(call)


def _open(method: Method, request: Any, context: Context, *, takes_stream: bool) -> Call:
    metadata = dict(context.invocation_metadata() or ())
    received = None if takes_stream else request
    call = Call(method, context, metadata, received, asyncio.timeout(None))
    enter_call(call)
    return call


async def _conclude(call: Call) -> None:
    """End the call as it deserves; raises whatever gRPC has to know of.

    It runs outside of any ``except``, so that no trace shows an exception that quotes content.
    """
    failure, call.failure = call.failure, None
    if failure is None:
        call.context.set_trailing_metadata(((REQUEST_ID_HEADER, call.request_id),))
        return
    try:
        if not isinstance(failure, Exception) or isinstance(failure, grpc.aio.AbortError):
            raise failure
        refusal = call.refusal or refusal_of(failure, call.request_id)
        trailers = ((REQUEST_ID_HEADER, call.request_id), *refusal.trailers)
        await call.context.abort(refusal.code, refusal.message, trailers)
    finally:
        del failure  # it holds this frame, which holds it


async def _unpacked(requests: AsyncIterator[Received]) -> AsyncIterator[Any]:
    async for received in requests:
        if received.refusal is not None:
            raise RefusedError(received.refusal)
        yield received.message


async def _turn_away(_requests: AsyncIterator[Received], _context: Context) -> None:
    raise overloaded()


async def _refuse_unknown(_requests: AsyncIterator[Received], _context: Context) -> None:
    raise RefusedError(
        Refusal(
            grpc.StatusCode.UNIMPLEMENTED,
            "UNKNOWN_METHOD",
            "This server does not serve the method.",
        )
    )


def _overrides(interceptor: Interceptor, step: str) -> bool:
    return getattr(type(interceptor), step) is not getattr(Interceptor, step)
