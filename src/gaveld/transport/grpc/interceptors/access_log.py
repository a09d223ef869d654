"""Writes one line per call: what was called, by whom, how it ended and how long it took.

Never content, never keys, never a header as it came.
"""

import time

import structlog

from gaveld.transport.grpc.call import UNKNOWN_METHOD, Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class AccessLog(Interceptor):
    """Logs calls that need a key at info, and the open ones, such as probes, at debug."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("gaveld.access")

    def after(self, call: Call) -> None:
        """Write the line. It asks nothing of gRPC: ``peer()`` of a call just ended may crash."""
        is_open = call.method.scope is None and call.method is not UNKNOWN_METHOD
        write = self._log.debug if is_open else self._log.info
        write(
            "call",
            method=call.method.path,
            code=call.code.name,
            reason=call.refusal.reason if call.refusal else "",
            seconds=round(time.monotonic() - call.started, 6),
            request_id=call.request_id,
            trace_id=call.trace_id,
            project=call.project,
            key_id=call.key_id,
        )
