"""One suite for every ``FeedbackStore``."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.application.ports import FeedbackStore
from gaveld.domain.actions import Action
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.feedback import Feedback
from gaveld.domain.reviews import Turn
from gaveld.domain.signals import Attribute
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.feedback import FakeFeedbackStore

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FULL = Feedback(
    "one",
    "shop",
    "Naïve 👍 text",
    NOON,
    {Attribute.TOXICITY: 0.25, Attribute.SPAM: 1.0},
    ("H2", "S1"),
    Action.REVIEW,
    ("en", "de-CH"),
    "forum/7",
    "a comment on a video",
    "What do you think?",
    (Turn("Hello", "assistant", "bot", "t1", NOON), Turn("Hi")),
)
BARE = Feedback("two", "shop", "x", NOON + timedelta(hours=1))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def store(request, new_database: NewDatabase) -> AsyncIterator[FeedbackStore]:
    if request.param == "fake":
        yield FakeFeedbackStore()
        return
    async with opened(await new_database(request.param)) as engine:
        await migrate(engine)
        yield SqlFeedbackStore(engine)


async def ids(store: FeedbackStore, **wanted) -> list[str]:
    return [feedback.id async for feedback in store.read(**wanted)]


async def test_what_is_kept_is_given_back_whole(store: FeedbackStore):
    """Law: an opinion comes back equal in every field, the fullest and the barest."""
    assert await store.add(BARE) is None
    assert await store.add(FULL) is None
    assert [feedback async for feedback in store.read()] == [FULL, BARE]


async def test_an_id_is_kept_once_in_a_project(store: FeedbackStore):
    """Law: the first under an id stays and is named; another project's ids are its own."""
    await store.add(FULL)
    assert await store.add(replace(BARE, id="one")) == FULL
    assert await store.add(replace(BARE, id="one", project="club")) is None
    assert sorted(await ids(store)) == ["one", "one"]


async def test_of_opinions_at_once_under_one_id_one_is_kept(store: FeedbackStore):
    """Law: callers that race learn of the one that won, and none fails."""
    answers = await asyncio.gather(*(store.add(FULL) for _ in range(8)))
    assert answers.count(None) == 1
    assert answers.count(FULL) == 7


async def test_opinions_are_read_by_project_and_time(store: FeedbackStore):
    """Law: each filter leaves out what it says and nothing else."""
    await store.add(FULL)
    await store.add(BARE)
    await store.add(replace(FULL, id="three", project="club"))
    assert sorted(await ids(store, project="shop")) == ["one", "two"]
    assert await ids(store, since=NOON + timedelta(minutes=1)) == ["two"]
    assert await ids(store, project="club", since=NOON + timedelta(minutes=1)) == []


async def test_what_is_erased_is_gone_and_the_rest_stays(store: FeedbackStore):
    """Law: erasing takes what the filters name, and says how many."""
    await store.add(FULL)
    await store.add(BARE)
    await store.add(replace(FULL, id="three", project="club"))
    assert await store.erase(project="shop", before=NOON + timedelta(minutes=1)) == 1
    assert sorted(await ids(store)) == ["three", "two"]
    assert await store.erase() == 2
    assert await ids(store) == []


async def test_any_text_is_kept(store: FeedbackStore):
    """Law: characters that databases dislike come back as they were sent."""
    odd = replace(FULL, text="nul \0 back \\0 quote ' \ufffe \U0010ffff", parent_text="\0")
    await store.add(odd)
    assert [feedback async for feedback in store.read()] == [odd]


async def test_a_store_without_its_tables_is_unavailable(database_url: str):
    """Law: a fault of the storage is the contract's error and never a library's."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as failure:
            await SqlFeedbackStore(engine).add(FULL)
    assert failure.value.reason is ErrorReason.STORAGE_UNAVAILABLE
