"""Remembers what was learnt in Redis, so that one replica need not read what another has read.

Like the memory it stands beside it is given no content; entries hold scores and fixed sentences.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from gaveld.adapters.redis.link import RedisLink
from gaveld.adapters.redis.metrics import RedisUse
from gaveld.adapters.redis.signals import written
from gaveld.application.ports import TextSignals, VerdictCache
from gaveld.domain.image_signals import SeenPicture

MAX_AGE_SECONDS: Final = 86_400
"""So long an entry stays at most; a Redis short of memory may forget it sooner."""

LearntT = TypeVar("LearntT", bound=TextSignals | SeenPicture)


class RedisVerdictCache(Generic[LearntT]):
    """A ``VerdictCache`` of all replicas with one ``kind`` of servers: equal settings and release.

    ``local`` is asked first and told everything. ``read`` turns an entry's bytes into what was
    learnt, or into None. What quotes a picture stays with the replica that looked at it.
    """

    def __init__(
        self,
        link: RedisLink,
        local: VerdictCache[LearntT],
        read: Callable[[bytes], LearntT | None],
        kind: str,
    ) -> None:
        self._link = link
        self._local = local
        self._read = read
        self._start = f"{link.key_prefix}learnt:{kind}:".encode()

    async def find(self, key: bytes) -> LearntT | None:
        """Return what was kept; see ``VerdictCache.find``."""
        learnt = await self._local.find(key)
        if learnt is not None:
            return learnt
        kept = await self._link.get(RedisUse.VERDICTS, self._start + key)
        return None if kept is None else self._read(kept)

    async def keep(self, key: bytes, learnt: LearntT) -> None:
        """Remember; see ``VerdictCache.keep``."""
        await self._local.keep(key, learnt)
        if isinstance(learnt, SeenPicture) and learnt.quotes:
            return
        entry = written(learnt)
        if entry is not None:
            await self._link.put(RedisUse.VERDICTS, self._start + key, entry, MAX_AGE_SECONDS)
