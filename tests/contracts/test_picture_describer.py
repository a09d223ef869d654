"""One suite for every ``PictureDescriber``. A new one joins with one line in ``CASES``."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from gaveld.adapters.model_servers.description import ServedDescriber
from gaveld.adapters.model_servers.server import ModelServer, ServerOptions
from gaveld.application.ports import PictureDescriber
from tests.chat_server import chat_server, says
from tests.fakes.picture_describer import FakePictureDescriber
from tests.fakes.videos import FakeFrameEncoder
from tests.frames import frame_of, plain, waves

Opened = AbstractAsyncContextManager[PictureDescriber]


@asynccontextmanager
async def fake() -> AsyncIterator[PictureDescriber]:
    yield FakePictureDescriber()


@asynccontextmanager
async def served() -> AsyncIterator[PictureDescriber]:
    async with chat_server(says("**A grey square**, as on https://evil.example.\nOr two.")) as told:
        server = ModelServer(ServerOptions(told.url))
        try:
            yield ServedDescriber(server, "sees", FakeFrameEncoder())
        finally:
            await server.aclose()


CASES: dict[str, Callable[[], Opened]] = {"fake": fake, "served": served}


@pytest.fixture(params=CASES)
async def describer(request) -> AsyncIterator[PictureDescriber]:
    async with CASES[request.param]() as opened:
        yield opened


async def test_the_card_covers_no_category(describer: PictureDescriber):
    """Law: describing is no judging, and the card never changes."""
    card = describer.card
    assert card.name
    assert card.version
    assert not card.categories
    await describer.describe(frame_of(plain(9, 9, 9)))
    assert card == describer.card


@pytest.mark.parametrize("pixels", [plain(9, 9, 9, 1), waves(1)], ids=["pixel", "waves"])
async def test_a_description_is_one_plain_sentence(describer: PictureDescriber, pixels):
    """Law: it is short, on one line, and holds no markup and no address."""
    sentence = await describer.describe(frame_of(pixels))
    assert 0 < len(sentence) <= 300
    assert sentence.isprintable()
    assert not set(sentence) & set("*_`#<>[]")
    assert "//" not in sentence
    assert sentence.count(".") == 1
