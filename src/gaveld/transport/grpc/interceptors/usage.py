"""Counts calls for their projects, once they are known. What was used is told elsewhere."""

from gavel.v1.moderation_service_pb2 import BatchModerateTextRequest

from gaveld.application.count_usage import CountUsage
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class UsageCounts(Interceptor):
    """Counts how each call ended; without ``count_usage``, nothing. Open methods count for nobody.

    A stream is one call, counted when it ends. A batch has as many items as it has texts.
    """

    def __init__(self, count_usage: CountUsage | None) -> None:
        self._count_usage = count_usage

    def after(self, call: Call) -> None:
        """Count the call."""
        if self._count_usage is None or call.method.scope is None:
            return
        if call.failure is None:
            self._count_usage.answered(call.project, call.method.path, _items(call))
        else:
            self._count_usage.refused(call.project, call.method.path)


def _items(call: Call) -> int:
    message = call.received.message if call.received is not None else None
    return len(message.requests) if isinstance(message, BatchModerateTextRequest) else 1
