"""Tells who calls, from the ways in which callers show a key or were lent one, and for whom."""

from typing import Final

from gavel.v1.upload_service_pb2 import SubmitUploadRequest

from gaveld.application.api_keys import Authenticate, Credentials
from gaveld.application.ports import ApiKey
from gaveld.application.signed_uploads import AuthenticateUpload
from gaveld.domain.errors import ErrorReason, GavelError, Unauthenticated
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.converters.uploads import UPLOAD_SCOPE, upload_signature_from_proto
from gaveld.transport.grpc.interceptors.interceptor import Interceptor
from gaveld.transport.grpc.interceptors.validation import validate


class Auth(Interceptor):
    """Sets the call's key and project. Without ``authenticate``, anyone is the default project.

    A key comes as ``authorization: Bearer KEY``, as ``x-api-key``, or as ``x-client-secret``
    beside ``x-client-id``. A signed upload has none: it comes on behalf of the key that signed it,
    whatever else it shows. Methods without a scope, such as probes, are open to anyone.
    """

    def __init__(
        self,
        authenticate: Authenticate | None,
        authenticate_upload: AuthenticateUpload | None = None,
    ) -> None:
        self._authenticate = authenticate
        self._authenticate_upload = authenticate_upload

    async def before(self, call: Call) -> None:
        """Find the caller. Raises ``Unauthenticated`` or ``PermissionDenied``."""
        if self._authenticate is None or call.method.scope is None:
            return
        call.project = ""  # nobody's, until the key says whose
        if call.method.scope == UPLOAD_SCOPE:
            call.key = await self._uploader(call)
            call.key_id, call.project = call.key.id, call.key.project
            return
        credentials = _credentials(call)
        try:
            call.key = await self._authenticate(credentials, call.method.scope)
        except GavelError as refusal:
            if refusal.reason in _REASONS_OF_KNOWN_KEYS:
                call.key_id = credentials.key.split("_")[1]
            raise
        call.key_id, call.project = call.key.id, call.key.project

    async def _uploader(self, call: Call) -> ApiKey:
        message = call.received.message if call.received is not None else None
        if self._authenticate_upload is None or not isinstance(message, SubmitUploadRequest):
            raise Unauthenticated(
                ErrorReason.UPLOAD_SIGNATURE_INVALID, "This server takes no signed uploads."
            )
        validate(message)  # before its parts are hashed, which have no end otherwise
        return await self._authenticate_upload(upload_signature_from_proto(message))


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
