"""One suite for every ``VerdictCache``, then what the one in memory promises of its size."""

import gc
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.cache.memory import MemoryVerdictCache, estimated_bytes
from gaveld.adapters.redis.signals import text_read
from gaveld.adapters.redis.verdicts import RedisVerdictCache
from gaveld.application.ports import TextSignals, VerdictCache
from gaveld.domain.content import DetectedLanguage, Span
from gaveld.domain.image_signals import (
    BoundingBox,
    HashBankKind,
    HashMatch,
    ImageClass,
    ImageFinding,
    PictureSignals,
    SeenPicture,
)
from gaveld.domain.media import MediaFacts, MediaKind
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Sentiment,
    SentimentLabel,
    Signals,
    Topic,
)
from tests.fakes.verdict_cache import FakeVerdictCache
from tests.redis_server import linked, running_redis

CARD = ClassifierCard("words", "1", frozenset({"H2"}))
NAMES = tuple(f"topic {number}" for number in range(8))


def learnt(
    findings: int = 1, score: float = 0.5, outcomes: int = 1, topics: int = 2
) -> TextSignals:
    """Signals in which nothing is shared that a real call would not share."""
    return TextSignals(
        DetectedLanguage("en", score),
        ClassifierOutcome(CARD, OutcomeStatus.RAN, score / 3),
        Signals(
            tuple(
                Finding("H2", score / (1 + n), "A word.", "words", "1", Span(1_000 + n, 2_000 + n))
                for n in range(findings)
            ),
            tuple(
                ClassifierOutcome(CARD, OutcomeStatus.RAN, score / n)
                for n in range(2, outcomes + 2)
            ),
            {attribute: score / n for n, attribute in enumerate(Attribute, 7)},
            tuple(Topic(name, score / (2 + n)) for n, name in enumerate(NAMES[:topics])),
            Sentiment(SentimentLabel.POSITIVE, score / 5),
        ),
    )


@pytest.fixture(params=["fake", "memory", "redis", "redis alone", "redis down"])
async def cache(request) -> AsyncIterator[VerdictCache]:
    match request.param:
        case "fake":
            yield FakeVerdictCache()
        case "memory":
            yield MemoryVerdictCache(1 << 20)
        case where:
            async with running_redis() as server:
                if where == "redis down":
                    await server.kill()
                async with linked(server) as link:
                    local = MemoryVerdictCache(0 if where == "redis alone" else 1 << 20)
                    yield RedisVerdictCache(link, local, text_read, "same")
                    assert link.is_up == (where != "redis down")


async def test_what_was_kept_is_found(cache: VerdictCache):
    """Law: what is found equals what was kept, detector's failure included."""
    failed = TextSignals(None, learnt().language_outcome, Signals((), ()))
    await cache.keep(b"a", learnt(3))
    await cache.keep(b"b", failed)
    assert await cache.find(b"a") == learnt(3)
    assert await cache.find(b"b") == failed


async def test_what_was_not_kept_is_not_found(cache: VerdictCache):
    """Law: an unknown key is None, never an error."""
    await cache.keep(b"a", learnt())
    assert await cache.find(b"b") is None
    assert await cache.find(b"") is None


async def test_the_last_word_counts(cache: VerdictCache):
    """Law: keeping again replaces."""
    await cache.keep(b"a", learnt(score=0.1))
    await cache.keep(b"a", learnt(score=0.9))
    assert await cache.find(b"a") == learnt(score=0.9)


async def test_what_is_out_of_reach_knows_nothing():
    """Law: a cache that can't be reached misses and drops; the fake can be told to be one."""
    cache = FakeVerdictCache()
    await cache.keep(b"a", learnt())
    cache.is_reachable = False
    await cache.keep(b"b", learnt())
    assert await cache.find(b"a") is None
    cache.is_reachable = True
    assert await cache.find(b"b") is None
    assert await cache.find(b"a") == learnt()


async def test_the_least_recently_used_goes_first():
    """Law: what was asked for last stays longest."""
    cache = MemoryVerdictCache(3 * estimated_bytes(learnt()))
    for key in (b"a", b"b", b"c"):
        await cache.keep(key, learnt())
    await cache.find(b"a")
    await cache.keep(b"d", learnt())
    assert [await cache.find(key) is not None for key in (b"a", b"b", b"c", b"d")] == [
        True,
        False,
        True,
        True,
    ]


async def test_what_is_too_large_alone_is_not_kept():
    """Law: one text full of findings does not push out everything else, nor stay in part."""
    cache = MemoryVerdictCache(2 * estimated_bytes(learnt()))
    await cache.keep(b"small", learnt())
    await cache.keep(b"large", learnt(1_000))
    assert await cache.find(b"large") is None
    assert await cache.find(b"small") == learnt()


@given(
    acts=st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.integers(0, 12)), max_size=40
    )
)
async def test_the_bound_holds_whatever_is_kept(acts: list[tuple[bytes, int]]):
    """Law: the size is the sum of what is there, and never above the limit."""
    limit = 3 * estimated_bytes(learnt(4))
    cache = MemoryVerdictCache(limit)
    for key, findings in acts:
        await cache.keep(key, learnt(findings))
        there = [await cache.find(name) for name in (b"a", b"b", b"c", b"d")]
        assert cache.size_bytes == sum(map(estimated_bytes, filter(None, there))) <= limit


def seen_picture(findings: int, frames: int, matches: int, number: int) -> SeenPicture:
    """What was learnt of an animation, with nothing shared that a real call would not share."""
    score = 0.5 + number * 1e-9
    signals = PictureSignals(
        Signals(
            tuple(
                ImageFinding(
                    "A1",
                    score / (1 + n),
                    "A look.",
                    "nsfw",
                    "1",
                    frame_index=1_000 + n,
                    box=BoundingBox(score / 2, score / 3, score / (4 + n), score / 5),
                )
                for n in range(findings)
            ),
            tuple(ClassifierOutcome(CARD, OutcomeStatus.RAN, score / n) for n in range(2, 12)),
        ),
        frame_scores={
            n * 1_000: {name: score / (k + n) for k, name in enumerate(ImageClass, 2)}
            for n in range(frames)
        },
        hash_matches=tuple(
            HashMatch("bank", HashBankKind.BLOCK, f"{number}-{n}", 300 + n, 400 + n, 1_000 + n)
            for n in range(matches)
        ),
        description=f"A picture, {number:,} × 480 pixels.",
    )
    facts = MediaFacts(
        f"{number:064x}", MediaFormat.GIF, MediaKind.ANIMATION, 640 + number, 480 + number,
        1_000 + number, frames, 100_000 + number, score * 9,
    )  # fmt: skip
    return SeenPicture(signals, facts, {n * 1_000: score * n for n in range(frames)})


@pytest.mark.parametrize(
    ("findings", "frames", "matches"), [(0, 1, 0), (2, 1, 1), (2, 24, 0), (30, 24, 16)]
)
async def test_the_estimate_holds_for_pictures(findings: int, frames: int, matches: int):
    """Law: as for texts, a full cache of pictures takes no more than it was given."""
    limit = 2 << 20
    cache: MemoryVerdictCache[SeenPicture] = MemoryVerdictCache(limit)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        size = estimated_bytes(seen_picture(findings, frames, matches, 0))
        for number in range(2 * limit // size):
            await cache.keep(
                number.to_bytes(32, "big"), seen_picture(findings, frames, matches, number)
            )
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert limit // 4 < taken <= limit


@pytest.mark.parametrize(
    ("findings", "outcomes", "topics"), [(0, 1, 0), (0, 1, 8), (1, 6, 1), (50, 6, 8)]
)
async def test_the_estimate_is_not_below_what_memory_it_takes(
    findings: int, outcomes: int, topics: int
):
    """Law: a full cache takes no more memory than it was given, as Python itself counts it."""
    limit = 2 << 20
    cache = MemoryVerdictCache(limit)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        size = estimated_bytes(learnt(findings, outcomes=outcomes, topics=topics))
        for number in range(2 * limit // size):
            await cache.keep(
                number.to_bytes(32, "big"),
                learnt(findings, 0.5 + number * 1e-9, outcomes, topics),
            )
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert limit // 4 < taken <= limit
