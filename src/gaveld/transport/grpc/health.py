"""Says over ``grpc.health.v1`` whether the server, and each of its services, may be called.

Written out here, because the library's servicer lacks ``List`` and its watches never end, so
that every one of them would hold a stopping server up for the whole of its grace.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import grpc
from grpc_health.v1.health_pb2 import (
    DESCRIPTOR,
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListRequest,
    HealthListResponse,
)

from gaveld.transport.grpc.call import Context
from gaveld.transport.grpc.errors import Refusal, RefusedError
from gaveld.transport.grpc.services import Service

_SERVING: Final = HealthCheckResponse(status=HealthCheckResponse.SERVING)
_NOT_SERVING: Final = HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)
_UNKNOWN: Final = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)


class Health:
    """The health of one server: not serving until ``announce``, and never again after ``leave``.

    ``services`` are the full names that are answered for beside the server as a whole (``""``).
    All have the same health.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._names = frozenset(("", *services))
        self._is_serving = False
        self._has_left = False
        self._has_ended = False
        self._changed = asyncio.Event()

    @property
    def is_serving(self) -> bool:
        """Whether callers are told to call."""
        return self._is_serving

    def service(self) -> Service:
        """Return the health service itself, open to anyone: probes have no key."""
        return Service(DESCRIPTOR.services_by_name["Health"], self, scope=None)

    def announce(self) -> None:
        """Say SERVING of everything, unless ``leave`` was called."""
        self._is_serving = not self._has_left
        self._tell_watchers()

    def leave(self) -> None:
        """Say NOT_SERVING of everything, for good."""
        self._is_serving, self._has_left = False, True
        self._tell_watchers()

    def end_watches(self) -> None:
        """End every watch, and every new one once it has told the health."""
        self._has_ended = True
        self._tell_watchers()

    async def Check(self, request: HealthCheckRequest, _: Context) -> HealthCheckResponse:
        """Tell the health of one service; one that is not served is not found."""
        if request.service not in self._names:
            raise RefusedError(_NOT_FOUND)
        return self._status(request.service)

    async def List(self, _: HealthListRequest, __: Context) -> HealthListResponse:
        """Tell the health of everything."""
        return HealthListResponse(statuses={name: self._status(name) for name in self._names})

    async def Watch(
        self, request: HealthCheckRequest, _: Context
    ) -> AsyncIterator[HealthCheckResponse]:
        """Tell the health of one service now and at every change."""
        told = None
        while True:
            changed, status = self._changed, self._status(request.service)
            if status is not told:
                told = status
                yield status
            if self._has_ended:
                return
            await changed.wait()

    def _status(self, name: str) -> HealthCheckResponse:
        if name not in self._names:
            return _UNKNOWN
        return _SERVING if self._is_serving else _NOT_SERVING

    def _tell_watchers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


_NOT_FOUND: Final = Refusal(
    grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND", "This server has no such service."
)
