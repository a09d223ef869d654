"""Tells who calls, from the three ways in which callers show a key, and for which project."""

from gaveld.application.api_keys import Authenticate, Credentials
from gaveld.domain.errors import ErrorReason, Unauthenticated
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.interceptors.interceptor import Interceptor


class Auth(Interceptor):
    """Sets the call's key and project. Without ``authenticate``, anyone is the default project.

    A key comes as ``authorization: Bearer KEY``, as ``x-api-key``, or as ``x-client-secret``
    beside ``x-client-id``. Methods without a scope, such as probes, are open to anyone.
    """

    def __init__(self, authenticate: Authenticate | None) -> None:
        self._authenticate = authenticate

    async def before(self, call: Call) -> None:
        """Find the caller. Raises ``Unauthenticated`` or ``PermissionDenied``."""
        if self._authenticate is None or call.method.scope is None:
            return
        call.key = await self._authenticate(_credentials(call), call.method.scope)
        call.project = call.key.project


def _credentials(call: Call) -> Credentials:
    scheme, _, token = call.header("authorization").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credentials(token.strip())
    if key := call.header("x-api-key"):
        return Credentials(key)
    if secret := call.header("x-client-secret"):
        return Credentials(secret, call.header("x-client-id"))
    raise Unauthenticated(
        ErrorReason.API_KEY_MISSING,
        "The call has no API key: send authorization: Bearer, x-api-key, or x-client-id and "
        "x-client-secret.",
    )
