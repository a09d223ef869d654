"""Keeps answers in Redis for a while, where every replica finds those to repeated calls.

They are what callers were told, whole: whoever reads this Redis can read them.
"""

import hashlib
from typing import Final

from gaveld.adapters.redis.link import RedisLink
from gaveld.adapters.redis.metrics import RedisUse
from gaveld.application.ports import AnswerStore, KeptAnswer

FORMAT: Final = b"\x01"
"""What an entry begins with; the SHA-256 and the body follow. Another first byte is not read."""
MAX_BODY_BYTES: Final = 1 << 20
"""Larger answers stay with the replica that gave them."""
_DIGEST_BYTES: Final = 32


class RedisAnswerStore:
    """An ``AnswerStore`` of all replicas, each answer for ``max_age_seconds``.

    ``local`` is given every answer too, and asked where Redis has none.
    """

    def __init__(self, link: RedisLink, local: AnswerStore, max_age_seconds: float) -> None:
        self._link = link
        self._local = local
        self._max_age_seconds = max_age_seconds

    async def find(self, project: str, request_id: str) -> KeptAnswer | None:
        """Return what was kept; see ``AnswerStore.find``."""
        kept = await self._link.get(RedisUse.ANSWERS, self._name(project, request_id))
        answer = None if kept is None else _read(kept)
        return answer or await self._local.find(project, request_id)

    async def keep(self, project: str, request_id: str, answer: KeptAnswer) -> None:
        """Remember; see ``AnswerStore.keep``."""
        await self._local.keep(project, request_id, answer)
        if len(answer.asked_sha256) != _DIGEST_BYTES or len(answer.body) > MAX_BODY_BYTES:
            return
        kept = FORMAT + answer.asked_sha256 + answer.body
        name = self._name(project, request_id)
        await self._link.put(RedisUse.ANSWERS, name, kept, self._max_age_seconds)

    def _name(self, project: str, request_id: str) -> str:
        digest = hashlib.sha256(repr((project, request_id)).encode()).hexdigest()
        return f"{self._link.key_prefix}answer:{digest}"


def _read(kept: bytes) -> KeptAnswer | None:
    if not kept.startswith(FORMAT) or len(kept) < 1 + _DIGEST_BYTES:
        return None
    return KeptAnswer(kept[1 : 1 + _DIGEST_BYTES], kept[1 + _DIGEST_BYTES :])
