"""What the ``VerdictCache`` in Redis promises beside the contract: of replicas, and of entries."""

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.redis.link import RedisLink
from gaveld.adapters.redis.signals import MAX_ENTRY_BYTES, picture_read, text_read, written
from gaveld.adapters.redis.verdicts import RedisVerdictCache
from gaveld.application.ports import TextSignals
from gaveld.domain.image_signals import SeenPicture
from gaveld.domain.signals import Finding, Signals
from tests.contracts.test_verdict_cache import learnt, seen_picture
from tests.fakes.verdict_cache import FakeVerdictCache
from tests.redis_server import linked, running_redis


def texts(link: RedisLink, kind: str = "same") -> RedisVerdictCache[TextSignals]:
    """A replica's cache of texts."""
    return RedisVerdictCache(link, FakeVerdictCache(), text_read, kind)


def pictures(link: RedisLink) -> RedisVerdictCache[SeenPicture]:
    """A replica's cache of pictures."""
    return RedisVerdictCache(link, FakeVerdictCache(), picture_read, "same")


async def test_replicas_share_what_they_learn():
    """Law: what one replica learnt another finds, whole."""
    picture = seen_picture(2, 3, 1, 7)
    async with running_redis() as server, linked(server) as link:
        await texts(link).keep(b"a", learnt(3))
        await pictures(link).keep(b"b", picture)
        assert await texts(link).find(b"a") == learnt(3)
        assert await pictures(link).find(b"b") == picture


async def test_replicas_that_learn_otherwise_share_nothing():
    """Law: servers with other settings, or another kind of content, miss each other's entries."""
    async with running_redis() as server, linked(server) as link:
        await texts(link).keep(b"a", learnt())
        assert await texts(link, "other").find(b"a") is None
        assert await pictures(link).find(b"a") is None


async def test_entries_leave_by_themselves():
    """Law: no entry stays for good."""
    async with running_redis() as server, linked(server) as link:
        await texts(link).keep(b"a", learnt())
        (name,) = await server.names()
        assert 0 < await link.client.ttl(name) <= 86_400


async def test_what_quotes_a_picture_is_not_shared():
    """Law: a description by somebody who looked is content, and stays where it is."""
    picture = seen_picture(0, 1, 0, 1)
    described = replace(picture, signals=replace(picture.signals, is_described=True))
    async with running_redis() as server, linked(server) as link:
        cache = pictures(link)
        await cache.keep(b"a", described)
        assert await cache.find(b"a") == described
        assert await server.names() == []


@given(score=st.floats(0, 1), findings=st.integers(0, 5), topics=st.integers(0, 8))
def test_texts_are_read_as_they_were_written(score: float, findings: int, topics: int):
    """Law: every number comes back to the last bit."""
    kept = learnt(findings, score, topics=topics)
    entry = written(kept)
    assert entry is not None
    assert text_read(entry) == kept


def test_a_pictures_findings_keep_their_kinds():
    """Law: findings of looks and of words come back as what they were, in order."""
    picture = seen_picture(2, 2, 1, 3)
    signals = picture.signals.signals
    word = Finding("H2", 0.5, "A word.", "words", "1")
    mixed = replace(signals, findings=(signals.findings[0], word, signals.findings[1]))
    kept = replace(picture, signals=replace(picture.signals, signals=mixed))
    entry = written(kept)
    assert entry is not None
    found = picture_read(entry)
    assert found == kept
    assert [type(e) for e in found.signals.signals.findings] == [type(e) for e in mixed.findings]


def forged(old: bytes, new: bytes) -> bytes:
    """An entry with something else written in it."""
    entry = written(learnt())
    assert entry is not None
    body = zlib.decompress(entry[10:])
    assert old in body
    return entry[:10] + zlib.compress(body.replace(old, new))


WHOLE = written(learnt()) or b""


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"T1",
        WHOLE[:-1],
        WHOLE[:10],
        b"T0" + WHOLE[2:],
        b"T1" + bytes(8) + WHOLE[10:],
        WHOLE[:10] + b"not compressed",
        WHOLE[:10] + zlib.compress(b"not JSON"),
        WHOLE[:10] + zlib.compress(b"{}"),
        WHOLE[:10] + zlib.compress(bytes(MAX_ENTRY_BYTES + 1)),
        forged(b'"score":0.5', b'"score":7.5'),
        forged(b'"H2"', b'"XX"'),
        forged(b'"ran"', b'"walked"'),
    ],
)
async def test_what_is_no_entry_is_a_miss(entry: bytes):
    """Law: entries of another version, broken ones and impossible ones are None, never an error."""
    async with running_redis() as server, linked(server) as link:
        await texts(link).keep(b"a", learnt())
        (name,) = await server.names()
        await link.client.set(name, entry)
        assert await texts(link).find(b"a") is None
    assert picture_read(entry) is None


def test_what_is_too_large_is_not_written():
    """Law: Redis is not given what would hold up others."""
    assert written(replace(learnt(20_000), signals=Signals((), ()))) is not None
    assert written(learnt(20_000)) is None
