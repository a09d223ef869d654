"""Makes API keys and tells whose a shown one is. A secret is shown once and never kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gaveld.application.ports import ApiKey, ApiKeyStore, Quota, RateLimit
from gaveld.domain.errors import ErrorReason, PermissionDenied, Unauthenticated

PREFIX: Final = "gvl"
SCOPES: Final = ("moderate", "review", "policy", "admin")
"""What a key may do: judge content; work on queues and see users; change policies; everything."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller showed: a whole key, and a client id where its dialect sends one."""

    key: str
    client_id: str | None = None


def new_api_key(
    *,
    project: str,
    client_id: str | None = None,
    scopes: frozenset[str] = frozenset({"moderate"}),
    rate_limit: RateLimit | None = None,
    quota: Quota | None = None,
) -> tuple[ApiKey, str]:
    """Return a new key, kept nowhere yet, and the text that its owner must keep.

    The text is ``gvl_<id>_<secret>``; the secret has 256 random bits, so that a plain SHA-256 of
    it is safe to store. ``client_id`` defaults to the project. Raises ``ValueError`` for a scope
    that is not in ``SCOPES``.
    """
    unknown = sorted(scopes - set(SCOPES))
    if unknown:
        raise ValueError(f"unknown scope {unknown[0]!r}; known are {', '.join(SCOPES)}")
    key_id = secrets.token_hex(8)
    secret = secrets.token_hex(32)
    key = ApiKey(
        id=key_id,
        secret_sha256=_digest(secret),
        project=project,
        client_id=client_id or project,
        scopes=scopes,
        created_at=datetime.now(UTC),
        rate_limit=rate_limit,
        quota=quota,
    )
    return key, f"{PREFIX}_{key_id}_{secret}"


class Authenticate:
    """Tells whose key it is."""

    def __init__(self, store: ApiKeyStore) -> None:
        self._store = store

    async def __call__(self, credentials: Credentials, scope: str) -> ApiKey:
        """Return the key behind the credentials if it may use ``scope``.

        A scope may be several, with spaces between, of which one is enough.
        Raises ``Unauthenticated`` if it is malformed, unknown, wrong or revoked, and
        ``PermissionDenied`` without the scope (``admin`` holds every scope).
        """
        prefix, _, rest = credentials.key.partition("_")
        key_id, _, secret = rest.partition("_")
        key = await self._store.find(key_id) if prefix == PREFIX and secret else None
        # Compared in constant time, so that timing tells nothing of a secret. Ids are no secret.
        expected = key.secret_sha256 if key else bytes(32)
        matches = hmac.compare_digest(_digest(secret), expected)
        if key is None or not matches:
            raise Unauthenticated(ErrorReason.API_KEY_INVALID, "The API key is not valid.")
        if credentials.client_id is not None and credentials.client_id != key.client_id:
            raise Unauthenticated(
                ErrorReason.API_KEY_INVALID, "The client id does not belong to the API key."
            )
        if key.revoked_at is not None:
            raise Unauthenticated(ErrorReason.API_KEY_REVOKED, "The API key was revoked.")
        if not key.scopes & {*scope.split(), "admin"}:
            raise PermissionDenied(
                ErrorReason.SCOPE_MISSING,
                f"The API key lacks the scope {' or '.join(map(repr, scope.split()))}.",
                metadata={"scope": scope},
            )
        return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
