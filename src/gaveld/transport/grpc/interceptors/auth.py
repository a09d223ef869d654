"""Tells who calls, from the three ways in which callers show a key, and for which project."""

from typing import Final

from gaveld.application.api_keys import Authenticate, Credentials
from gaveld.domain.errors import ErrorReason, GavelError, Unauthenticated
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
        call.project = ""  # nobody's, until the key says whose
        credentials = _credentials(call)
        try:
            call.key = await self._authenticate(credentials, call.method.scope)
        except GavelError as refusal:
            if refusal.reason in _REASONS_OF_KNOWN_KEYS:
                call.key_id = credentials.key.split("_")[1]
            raise
        call.key_id, call.project = call.key.id, call.key.project


_REASONS_OF_KNOWN_KEYS: Final = frozenset({ErrorReason.API_KEY_REVOKED, ErrorReason.SCOPE_MISSING})
"""Given only once the secret was found right; the log may say which key is still in use."""


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
