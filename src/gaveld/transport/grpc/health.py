"""Says over ``grpc.health.v1`` whether the server, and each of its services, may be called."""

from collections.abc import Sequence
from typing import Any, Final

from grpc_health.v1 import health, health_pb2

from gaveld.transport.grpc.call import Context
from gaveld.transport.grpc.services import Service

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_LibraryServicer: Any = health.aio.HealthServicer  # type: ignore[attr-defined]  # the stubs lack it


class Health:
    """The health of one server: not serving until ``announce``, and never again after ``leave``.

    ``services`` are the full names that are answered for beside the server as a whole (``""``).
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._names = ("", *services)
        self._servicer = _Servicer(self)
        self._is_serving = False

    @property
    def is_serving(self) -> bool:
        """Whether callers are told to call."""
        return self._is_serving

    def service(self) -> Service:
        """Return the health service itself, open to anyone: probes have no key."""
        descriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]
        return Service(descriptor, self._servicer, scope=None)

    def statuses(self) -> dict[str, health_pb2.HealthCheckResponse]:
        """Return the health of everything by name."""
        status = _SERVING if self._is_serving else _NOT_SERVING
        return {name: health_pb2.HealthCheckResponse(status=status) for name in self._names}

    async def prepare(self) -> None:
        """Say NOT_SERVING of everything, before the port is opened."""
        for name in self._names:
            await self._servicer.set(name, _NOT_SERVING)

    async def announce(self) -> None:
        """Say SERVING of everything."""
        self._is_serving = True
        for name in self._names:
            await self._servicer.set(name, _SERVING)

    async def leave(self) -> None:
        """Say NOT_SERVING of everything, for good."""
        self._is_serving = False
        await self._servicer.enter_graceful_shutdown()


class _Servicer(_LibraryServicer):  # type: ignore[misc]  # the library is untyped
    """The library's servicer, and the one RPC that it leaves out."""

    def __init__(self, health_of_all: Health) -> None:
        super().__init__()
        self._health = health_of_all

    async def List(  # noqa: N802 - the RPC's name
        self, _: health_pb2.HealthListRequest, __: Context
    ) -> health_pb2.HealthListResponse:
        return health_pb2.HealthListResponse(statuses=self._health.statuses())
