"""API keys kept in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gaveld.application.ports import ApiKey


class FakeApiKeyStore:
    """An ``ApiKeyStore`` that forgets everything with the test."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        if key.id in self._keys:
            raise ValueError(f"an API key with id {key.id!r} exists")
        self._keys[key.id] = key

    async def find(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    async def list(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    async def revoke(self, key_id: str, at: datetime) -> bool:
        key = self._keys.get(key_id)
        if key is None:
            return False
        self._keys[key_id] = replace(key, revoked_at=key.revoked_at or at)
        return True
