"""Makes what replicas share: in Redis where the settings name one, else in each one's memory.

Redis' client is imported where it is used: 10 MB that only those who use it should pay for.
"""

import hashlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from gaveld import __version__
from gaveld.adapters.cache.answers import MemoryAnswerStore
from gaveld.adapters.cache.memory import MemoryVerdictCache
from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.redis.metrics import RedisMetrics
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.ports import AnswerStore, RateLimiter, TextSignals, VerdictCache
from gaveld.bootstrap.settings import Settings
from gaveld.domain.image_signals import SeenPicture

if TYPE_CHECKING:
    from gaveld.adapters.redis.link import RedisLink

ANSWER_SECONDS: Final = 600.0
"""So long the answer to a call is kept for those that repeat it under its request id."""


class Sharing:
    """Makes limits and memories; ``link`` is None where there is no Redis."""

    def __init__(self, settings: Settings, link: "RedisLink | None") -> None:
        self._settings = settings
        self._sizes = settings.cache
        self._link = link

    def rate_limiter(self) -> RateLimiter:
        """Return what counts calls."""
        local = MemoryRateLimiter()
        if self._link is None:
            return local
        from gaveld.adapters.redis.limits import RedisRateLimiter

        return RedisRateLimiter(self._link, local)

    def answers(self) -> AnswerStore:
        """Return what keeps answers for repeats; none is shared where none is to be kept."""
        local = MemoryAnswerStore(self._sizes.max_answer_bytes, ANSWER_SECONDS)
        if self._link is None or not self._sizes.max_answer_bytes:
            return local
        from gaveld.adapters.redis.answers import RedisAnswerStore

        return RedisAnswerStore(self._link, local, ANSWER_SECONDS)

    def texts(self) -> VerdictCache[TextSignals] | None:
        """Return what remembers texts; None where nothing is to be."""
        if not self._sizes.max_bytes:
            return None
        local = MemoryVerdictCache[TextSignals](self._sizes.max_bytes)
        if self._link is None:
            return local
        from gaveld.adapters.redis.signals import text_read
        from gaveld.adapters.redis.verdicts import RedisVerdictCache

        return RedisVerdictCache(self._link, local, text_read, self._kind("texts"))

    def pictures(self) -> VerdictCache[SeenPicture] | None:
        """Return what remembers pictures; None where nothing is to be."""
        if not self._sizes.max_image_bytes:
            return None
        local = MemoryVerdictCache[SeenPicture](self._sizes.max_image_bytes)
        if self._link is None:
            return local
        from gaveld.adapters.redis.signals import picture_read
        from gaveld.adapters.redis.verdicts import RedisVerdictCache

        return RedisVerdictCache(self._link, local, picture_read, self._kind("pictures"))

    def _kind(self, of: str) -> str:
        """Return a name for what servers have in common that learn the same from a content."""
        asked = self._settings
        learning = (asked.text, asked.images, asked.models, asked.antivirus, asked.description)
        told = [__version__, *(part.model_dump_json() for part in learning)]
        return f"{of}:{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}"


async def open_sharing(
    settings: Settings, stack: AsyncExitStack, telemetry: PrometheusTelemetry
) -> Sharing:
    """Reach for the Redis that the settings name. One that is not there yet stops nothing."""
    metrics = RedisMetrics(telemetry.registry)
    asked = settings.redis
    if asked.url is None:
        return Sharing(settings, None)
    from gaveld.adapters.redis.link import RedisLink

    link = RedisLink(
        asked.url,
        metrics,
        timeout_seconds=asked.timeout_seconds,
        key_prefix=asked.key_prefix,
        password_file=asked.password_file,
        ca_file=asked.ca_file,
    )
    stack.push_async_callback(link.close)
    await link.open()
    return Sharing(settings, link)
