"""Answers for services that this server is not set up for: every call is told which setting to set.

So a caller can tell a server that was told not to from one that does not know the service.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from google.protobuf.descriptor import ServiceDescriptor

from gaveld.domain.errors import ErrorReason, FailedPrecondition
from gaveld.transport.grpc.services import Service


class DisabledServicer:
    """Refuses every RPC of a service; ``setting`` is what an operator would set."""

    def __init__(self, descriptor: ServiceDescriptor, setting: str) -> None:
        self._names = frozenset(method.name for method in descriptor.methods)
        self._setting = setting

    def __getattr__(self, name: str) -> Callable[..., Awaitable[NoReturn]]:
        """Return what answers an RPC by its name."""
        if name not in self._names:
            raise AttributeError(name)
        return self._refuse

    async def _refuse(self, _: Any, __: Any) -> NoReturn:
        raise FailedPrecondition(
            ErrorReason.FEATURE_DISABLED,
            f"This server is not set up for this: set {self._setting}.",
            metadata={"setting": self._setting},
        )


def disabled(descriptor: ServiceDescriptor, setting: str, scope: str = "moderate") -> Service:
    """Return a service that refuses every call."""
    return Service(descriptor, DisabledServicer(descriptor, setting), scope)
