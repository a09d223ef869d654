"""Tells on behalf of which API key a signed upload comes: the one whose upload secret signed it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gaveld.application.ports import ApiKey, ApiKeyStore, SecretBox
from gaveld.domain.errors import ErrorReason, Unauthenticated
from gaveld.domain.signed_uploads import UploadSignature

SCOPES: Final = frozenset({"moderate", "admin"})
"""One of these a key must have for its signatures to count."""


def upload_secret(box: SecretBox, key_id: str) -> str:
    """Return the secret that an API key's owner signs uploads with, in 64 hex digits.

    It is worked out of the box's first key and stored nowhere; another first key is another secret.
    """
    return box.derive(f"uploads of {key_id}").hex()


class AuthenticateUpload:
    """Tells whose signature it is. ``secret`` takes a key's id and returns its upload secret."""

    def __init__(
        self,
        keys: ApiKeyStore,
        secret: Callable[[str], str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = keys
        self._secret = secret
        self._clock = clock

    async def __call__(self, signature: UploadSignature) -> ApiKey:
        """Return the key on whose behalf the upload comes.

        Raises ``Unauthenticated`` (UPLOAD_SIGNATURE_INVALID) if the signature does not fit, is too
        old, or is that of a key that is unknown, revoked or may not moderate: which, is not told.
        """
        key = await self._keys.find(signature.public_key)
        is_signed = signature.is_signed_with(self._secret(signature.public_key))
        if (
            key is None
            or not is_signed
            or not signature.is_good_at(self._clock())
            or key.revoked_at is not None
            or not key.scopes & SCOPES
        ):
            raise Unauthenticated(
                ErrorReason.UPLOAD_SIGNATURE_INVALID,
                "The signature of the upload does not fit, or its time is over.",
            )
        return key
