"""Gives every call a name: the request's own, else the ``x-request-id`` header, else a new one."""

import re
import uuid
from typing import Final

import structlog
from opentelemetry import trace

from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.errors import REQUEST_ID_HEADER
from gaveld.transport.grpc.interceptors.interceptor import Interceptor

_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class RequestId(Interceptor):
    """Sets the call's request id and trace id, and binds both to every log line of its task.

    An ill-formed header is replaced, not refused; an ill-formed field is left to validation.
    """

    async def before(self, call: Call) -> None:
        """Name the call."""
        message = call.received.message if call.received else None
        for candidate in (getattr(message, "request_id", ""), call.header(REQUEST_ID_HEADER)):
            if _WELL_FORMED.fullmatch(candidate):
                call.request_id = candidate
                break
        else:
            call.request_id = uuid.uuid4().hex
        call.trace_id = _trace_id(call.header("traceparent"))
        structlog.contextvars.bind_contextvars(request_id=call.request_id, trace_id=call.trace_id)


def _trace_id(traceparent: str) -> str:
    """Return the trace's id in 32 hex digits, from the open span or the header; empty if none."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return format(context.trace_id, "032x")
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match and match[1].strip("0") else ""
