"""What replicas share by their settings, up to two whole servers over one Redis."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from gaveld.adapters.cache.answers import MemoryAnswerStore
from gaveld.adapters.cache.memory import MemoryVerdictCache
from gaveld.adapters.limits.memory import MemoryRateLimiter
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.ports import KeptAnswer, RateLimit
from gaveld.bootstrap.container import Application, build
from gaveld.bootstrap.settings import (
    CacheSettings,
    FeedbackSettings,
    ImagesSettings,
    ModelsSettings,
    PanelSettings,
    RedisSettings,
    Settings,
    TextSettings,
    WorkSettings,
)
from gaveld.bootstrap.sharing import Sharing, open_sharing
from gaveld.domain.content import TextSubmission
from gaveld.domain.policies import PolicyOverrides
from tests.contracts.test_verdict_cache import learnt, seen_picture
from tests.redis_server import RedisServer, running_redis

ANSWER = KeptAnswer(b"1" * 32, b"said")


def state(telemetry: PrometheusTelemetry) -> str:
    """The one state that the metric shows."""
    (shown,) = [
        name
        for name in ("off", "up", "down")
        if telemetry.registry.get_sample_value("gavel_redis_state", {"state": name})
    ]
    return shown


def redis_at(server: RedisServer) -> RedisSettings:
    """Patient settings: a busy machine is no outage."""
    return RedisSettings(url=server.url, timeout_seconds=5)


async def test_without_redis_everything_is_local():
    """Law: no Redis is the default, the metric says so, and nothing is reached for."""
    telemetry = PrometheusTelemetry()
    async with AsyncExitStack() as stack:
        sharing = await open_sharing(Settings(), stack, telemetry)
        assert isinstance(sharing.rate_limiter(), MemoryRateLimiter)
        assert isinstance(sharing.answers(), MemoryAnswerStore)
        assert isinstance(sharing.texts(), MemoryVerdictCache)
        assert isinstance(sharing.pictures(), MemoryVerdictCache)
    assert state(telemetry) == "off"


async def test_what_is_not_to_be_kept_is_kept_nowhere():
    """Law: a size of 0 holds for Redis too."""
    cache = CacheSettings(max_bytes=0, max_image_bytes=0, max_answer_bytes=0)
    async with running_redis() as server, AsyncExitStack() as stack:
        settings = Settings(cache=cache, redis=redis_at(server))
        sharing = await open_sharing(settings, stack, PrometheusTelemetry())
        assert sharing.texts() is None
        assert sharing.pictures() is None
        await sharing.answers().keep("shop", "a", ANSWER)
        assert await server.names() == []


async def test_a_redis_that_is_not_there_stops_no_start():
    """Law: the server starts, limits locally, and the metric says down."""
    telemetry = PrometheusTelemetry()
    async with running_redis() as server, AsyncExitStack() as stack:
        await server.kill()
        sharing = await open_sharing(Settings(redis=redis_at(server)), stack, telemetry)
        limiter = sharing.rate_limiter()
        assert [await limiter.take("a", RateLimit(1)) > 0 for _ in range(2)] == [False, True]
        assert state(telemetry) == "down"


async def test_only_servers_that_learn_the_same_share_what_they_learn():
    """Law: settings that change what is found keep servers apart; limits and answers are shared."""

    async def replica(settings: Settings) -> Sharing:
        return await open_sharing(settings, stack, PrometheusTelemetry())

    async with running_redis() as server, AsyncExitStack() as stack:
        redis = redis_at(server)
        one, two = [await replica(Settings(redis=redis)) for _ in "ab"]
        other = await replica(Settings(redis=redis, text=TextSettings(phone_regions=("DE",))))
        texts, pictures = [[each.texts() for each in (one, two, other)], one.pictures()]
        await texts[0].keep(b"a", learnt())
        await pictures.keep(b"a", seen_picture(1, 1, 0, 1))
        assert await texts[1].find(b"a") == learnt()
        assert await texts[2].find(b"a") is None
        assert await two.pictures().find(b"a") == seen_picture(1, 1, 0, 1)
        await one.answers().keep("shop", "a", ANSWER)
        assert await other.answers().find("shop", "a") == ANSWER
        assert await one.rate_limiter().take("a", RateLimit(1)) == 0
        assert await other.rate_limiter().take("a", RateLimit(1)) > 0


async def test_two_servers_share_one_redis_and_do_without_it(tmp_path: Path):
    """Law: a text that one server read another only judges; with Redis gone it reads by itself."""

    async def server(redis: RedisSettings) -> Application:
        settings = Settings(
            text=TextSettings(classifiers=("lexicon",)),
            images=ImagesSettings(classifiers=(), hashes_folder=tmp_path),
            models=ModelsSettings(folder=tmp_path),
            panel=PanelSettings(embedded=False),
            feedback=FeedbackSettings(enabled=False),
            work=WorkSettings(enabled=False),
            redis=redis,
        )
        return await build(settings, stack)

    async def is_cached(application: Application, text: str) -> bool:
        judged = await application.moderate_text(
            TextSubmission(text), project="shop", overrides=PolicyOverrides(), deadline_seconds=30
        )
        return judged.is_cached

    async with running_redis() as redis, AsyncExitStack() as stack:
        one, two = [await server(redis_at(redis)) for _ in "ab"]
        assert not await is_cached(one, "A plain text.")
        assert await is_cached(two, "A plain text.")
        await redis.kill()
        assert not await is_cached(one, "Another one.")
        assert not await is_cached(two, "Another one.")
        assert await is_cached(two, "Another one.")
        assert await two.rate_limiter.take("a", RateLimit(1)) == 0
        assert state(two.telemetry) == "down"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://redis:6379"},
        {"url": "redis://"},
        {"url": "redis://redis:0"},
        {"url": "redis://user:canary@redis:6379"},
        {"url": "redis://redis:6379?db=many"},
        {"password_file": __file__},
        {"url": "redis://redis", "password_file": "/nowhere/at/all"},
        {"timeout_seconds": 0},
        {"key_prefix": "two words"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]):
    """Law: a Redis that can't be reached as said is told at the start, without any password."""
    with pytest.raises(ValidationError) as refused:
        RedisSettings.model_validate(wrong)
    assert "canary" not in str(refused.value.errors(include_url=False, include_input=False))
