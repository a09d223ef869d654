"""Gives every failure its status, through ``errors``, and logs the cause of the unforeseen ones."""

import asyncio
import time

import grpc
import grpc.aio
import structlog

from gaveld.application.failures import place_of
from gaveld.domain.errors import DeadlineExceeded, ErrorReason
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.errors import Refusal, is_unforeseen, refusal_of
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class ErrorMapping(Interceptor):
    """Sets the refusal of a call that failed."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("gaveld.errors")

    def after(self, call: Call) -> None:
        """Map what ended the call, if anything did."""
        failure = call.failure
        if failure is None:
            return
        if isinstance(failure, grpc.aio.AbortError):
            call.refusal = _aborted(call)
            return
        if _is_out_of_time(call, failure):
            failure = DeadlineExceeded(
                ErrorReason.DEADLINE_EXCEEDED, "The call's time ran out; the work was stopped."
            )
        call.refusal = refusal_of(failure, call.request_id)
        if is_unforeseen(failure):
            self._log.error(
                "call failed",
                method=call.method.path,
                cause=place_of(failure),
                request_id=call.request_id,
                trace_id=call.trace_id,
            )


def _is_out_of_time(call: Call, failure: BaseException) -> bool:
    if isinstance(failure, TimeoutError):
        return call.timer.expired()
    is_late = call.due is not None and time.monotonic() >= call.due
    return isinstance(failure, asyncio.CancelledError) and is_late


def _aborted(call: Call) -> Refusal:
    # A servicer of a library, such as health, ended the call itself and has sent its own status.
    code = call.context.code()
    known = next((entry for entry in grpc.StatusCode if code in (entry, entry.value[0])), None)
    return Refusal(known or grpc.StatusCode.UNKNOWN, "", "")
