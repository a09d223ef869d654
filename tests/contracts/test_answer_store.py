"""One suite for every ``AnswerStore``, then what the one in memory promises of age and size."""

import gc
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.cache.answers import ENTRY_BYTES, MemoryAnswerStore
from gaveld.adapters.redis.answers import MAX_BODY_BYTES, RedisAnswerStore
from gaveld.application.ports import AnswerStore, KeptAnswer
from tests.fakes.answers import FakeAnswerStore
from tests.redis_server import linked, running_redis

ONE, TWO = KeptAnswer(b"1" * 32, b"one"), KeptAnswer(b"2" * 32, b"")


@pytest.fixture(params=["fake", "memory", "redis", "redis down"])
async def answers(request) -> AsyncIterator[AnswerStore]:
    match request.param:
        case "fake":
            yield FakeAnswerStore()
        case "memory":
            yield MemoryAnswerStore(1 << 20, 60)
        case where:
            async with running_redis() as server:
                if where == "redis down":
                    await server.kill()
                async with linked(server) as link:
                    yield RedisAnswerStore(link, MemoryAnswerStore(1 << 20, 60), 60)
                    assert link.is_up == (where == "redis")


async def test_what_was_kept_is_found(answers: AnswerStore):
    """Law: what is found equals what was kept, empty bodies too."""
    await answers.keep("shop", "a", ONE)
    await answers.keep("shop", "b", TWO)
    assert await answers.find("shop", "a") == ONE
    assert await answers.find("shop", "b") == TWO


async def test_what_was_not_kept_is_not_found(answers: AnswerStore):
    """Law: an id is one project's; another project's, and an unknown one, are None."""
    await answers.keep("shop", "a", ONE)
    assert await answers.find("shop", "b") is None
    assert await answers.find("forum", "a") is None


async def test_the_last_word_counts(answers: AnswerStore):
    """Law: keeping again replaces."""
    await answers.keep("shop", "a", ONE)
    await answers.keep("shop", "a", TWO)
    assert await answers.find("shop", "a") == TWO


async def test_what_is_out_of_reach_knows_nothing():
    """Law: a store that can't be reached misses and drops; the fake can be told to be one."""
    answers = FakeAnswerStore()
    await answers.keep("shop", "a", ONE)
    answers.is_reachable = False
    await answers.keep("shop", "b", TWO)
    assert await answers.find("shop", "a") is None
    answers.is_reachable = True
    assert await answers.find("shop", "b") is None


class Clock:
    """A clock that stands still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_is_forgotten_with_age():
    """Law: it is found until its age is reached, counted from when it was kept last."""
    clock = Clock()
    answers = MemoryAnswerStore(1 << 20, 60, clock)
    for request_id in ("a", "b"):
        await answers.keep("shop", request_id, ONE)
    clock.now += 59
    await answers.keep("shop", "a", TWO)
    clock.now += 1
    assert await answers.find("shop", "a") == TWO
    assert await answers.find("shop", "b") is None
    clock.now += 59
    assert await answers.find("shop", "a") is None
    assert answers.size_bytes == 0


async def test_the_oldest_make_room():
    """Law: the size is never above the limit, and what alone is above it is not kept."""
    size = ENTRY_BYTES + 4 * len("shopa") + len(ONE.body)
    answers = MemoryAnswerStore(2 * size, 60)
    for request_id in "abc":
        await answers.keep("shop", request_id, ONE)
    assert [await answers.find("shop", request_id) for request_id in "abc"] == [None, ONE, ONE]
    await answers.keep("shop", "b", KeptAnswer(b"", b"x" * 2 * size))
    assert await answers.find("shop", "b") is None
    assert answers.size_bytes == size


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3_000)), max_size=40))
async def test_the_bound_holds_whatever_is_kept(acts: list[tuple[str, int]]):
    """Law: the size is the sum of what is there, and never above the limit."""
    answers = MemoryAnswerStore(4_000, 60)
    for request_id, length in acts:
        await answers.keep("shop", request_id, KeptAnswer(b"", b"x" * length))
        there = [await answers.find("shop", name) for name in "abcd"]
        own = ENTRY_BYTES + 4 * len("shopa")
        assert answers.size_bytes == sum(own + len(one.body) for one in there if one) <= 4_000


@pytest.mark.parametrize("length", [0, 800])
async def test_the_estimate_is_not_below_what_memory_it_takes(length: int):
    """Law: a full store takes no more memory than it was given, as Python itself counts it."""
    limit = 1 << 20
    answers = MemoryAnswerStore(limit, 60)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2 * limit // (ENTRY_BYTES + length)):
            asked = number.to_bytes(32, "big")
            await answers.keep(
                "shop" + str(number), f"{number:032}", KeptAnswer(asked, b"x" * length + asked)
            )
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert limit // 4 < taken <= limit


async def test_replicas_share_answers():
    """Law: a repeat at another replica finds the answer, and the last word of any of them."""
    async with running_redis() as server, linked(server) as link:
        here, there = (RedisAnswerStore(link, MemoryAnswerStore(1 << 20, 60), 60) for _ in "ab")
        await here.keep("shop", "a", ONE)
        assert await there.find("shop", "a") == ONE
        await there.keep("shop", "a", TWO)
        assert await here.find("shop", "a") == TWO


async def test_what_redis_lost_is_known_where_it_was_said():
    """Law: when Redis goes, a replica still knows its own answers; others don't."""
    async with running_redis() as server, linked(server) as link:
        here, there = (RedisAnswerStore(link, MemoryAnswerStore(1 << 20, 60), 60) for _ in "ab")
        await here.keep("shop", "a", ONE)
        await server.kill()
        assert await here.find("shop", "a") == ONE
        assert await there.find("shop", "a") is None


async def test_redis_forgets_by_itself():
    """Law: an entry carries its age, so that none stays longer than answers are kept."""
    async with running_redis() as server, linked(server) as link:
        await RedisAnswerStore(link, MemoryAnswerStore(1 << 20, 60), 60).keep("shop", "a", ONE)
        (name,) = await server.names()
        assert 0 < await link.client.pttl(name) <= 60_000
        assert b"shop" not in name


@pytest.mark.parametrize("entry", [b"", b"\x01", b"\x01" + b"1" * 31, b"\x02" + b"1" * 40])
async def test_what_is_no_entry_is_not_found(entry: bytes):
    """Law: another format, or half an entry, is nothing."""
    async with running_redis() as server, linked(server) as link:
        answers = RedisAnswerStore(link, FakeAnswerStore(), 60)
        await RedisAnswerStore(link, FakeAnswerStore(), 60).keep("shop", "a", ONE)
        (name,) = await server.names()
        await link.client.set(name, entry)
        assert await answers.find("shop", "a") is None


async def test_large_answers_stay_local():
    """Law: Redis is not given what would hold up others."""
    large = KeptAnswer(b"1" * 32, bytes(MAX_BODY_BYTES + 1))
    async with running_redis() as server, linked(server) as link:
        answers = RedisAnswerStore(link, FakeAnswerStore(), 60)
        await answers.keep("shop", "a", large)
        assert await answers.find("shop", "a") == large
        assert await server.names() == []
