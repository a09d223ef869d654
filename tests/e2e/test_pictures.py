"""Pictures before a server as shipped: words, codes and links in them are read and judged."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from gavel.v1 import category_service_pb2, content_pb2, verdict_pb2
from gavel.v1 import check_service_pb2 as checks
from gavel.v1 import moderation_service_pb2 as api
from gavel.v1.category_service_pb2_grpc import CategoryServiceStub
from gavel.v1.check_service_pb2_grpc import CheckServiceStub
from gavel.v1.moderation_service_pb2_grpc import ModerationServiceStub

from tests.e2e.conftest import running
from tests.pictures import animated, code, encoded, shades, written

SIZE = (640, 160)
INSULT = written("You are a stupid worthless idiot", height=36, size=SIZE)
KIND = written("Have a lovely day in the garden", height=36, size=SIZE)

Ask = Callable[[type, str, object], object]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A server with its default settings, asked by stub, method and request; started once."""
    with asyncio.Runner() as runner:
        folder: Path = tmp_path_factory.mktemp("server")
        opened = running(folder)
        server = runner.run(opened.__aenter__())

        async def answer(stub: type, method: str, request: object) -> object:
            async with grpc.aio.insecure_channel(server.address) as channel:
                return await getattr(stub(channel), method)(request, timeout=90)

        yield lambda stub, method, request: runner.run(answer(stub, method, request))
        runner.run(opened.__aexit__(None, None, None))


def judged(ask: Ask, data: bytes) -> api.ModerateImageResponse:
    request = api.ModerateImageRequest(media=content_pb2.Media(data=data))
    return ask(ModerationServiceStub, "ModerateImage", request)


def test_an_insult_in_a_picture_is_found_where_it_stands(ask: Ask):
    """Law: a written insult goes to review, and its box holds the upper left of the picture."""
    answer = judged(ask, encoded(INSULT, "PNG"))
    assert answer.verdict.action != verdict_pb2.ACTION_ALLOW
    insult = next(found for found in answer.findings if found.category_id == "H2")
    assert 0 <= insult.box.left < 0.1 < insult.box.width <= 1
    assert insult.box.top + insult.box.height < 0.6
    assert "idiot" in " ".join(text.text for text in answer.texts).lower()
    assert answer.language.code == "en"


def test_kind_words_in_a_picture_are_no_finding(ask: Ask):
    """Law: a picture of friendly words has no finding in its words, and they are checked."""
    answer = judged(ask, encoded(KIND, "JPEG"))
    assert not {found.category_id for found in answer.findings} - {"A1", "A2"}
    assert {"L1", "L2", "P1", "S2"} <= set(answer.verdict.coverage.checked_categories)
    assert "lovely" in answer.description


def test_a_code_that_leads_astray_is_found(ask: Ask):
    """Law: the link in a QR code is judged as one in a text."""
    answer = judged(ask, encoded(code("http://192.0.2.7/login"), "PNG"))
    assert [(entry.format, entry.text) for entry in answer.codes] == [
        ("QRCode", "http://192.0.2.7/login")
    ]
    assert "S2" in {found.category_id for found in answer.findings}


def test_the_frame_that_says_it_is_the_worst(ask: Ask):
    """Law: words in one frame of an animation decide, and that frame is named."""
    answer = judged(ask, animated([*shades(3, SIZE), INSULT], "GIF", 200))
    insult = next(found for found in answer.findings if found.category_id == "H2")
    assert insult.frame.index == 3
    assert insult.frame.time.ToMilliseconds() == 600


def test_a_mix_is_checked_together(ask: Ask):
    """Law: text, pictures and animations are checked in one call, each in its place."""
    request = checks.CheckRequest(
        text="See you at the park tomorrow",
        images=[content_pb2.Media(data=encoded(entry, "PNG")) for entry in (KIND, INSULT)],
        gifs=[content_pb2.Media(data=animated(shades(3, SIZE), "GIF"))],
    )
    answer = ask(CheckServiceStub, "Check", request)
    assert [entry.status for entry in answer.images] == [checks.CHECK_STATUS_OK] * 2
    assert "images[1]" in {found.field_path for found in answer.findings}
    assert not {found.field_path for found in answer.findings if found.category_id == "H2"} - {
        "images[1]"
    }
    assert answer.links.status == answer.badwords.status == checks.CHECK_STATUS_OK


def test_detectors_of_pictures_are_listed(ask: Ask):
    """Law: the catalogue knows which detectors look for what, those that are missing too."""
    answer = ask(
        CategoryServiceStub, "ListCategories", category_service_pb2.ListCategoriesRequest()
    )
    known = {
        (category.id, entry.name): set(entry.media_kinds)
        for category in answer.categories
        for entry in category.classifiers
    }
    assert content_pb2.MEDIA_KIND_IMAGE in known["A2", "nsfw"]
    assert content_pb2.MEDIA_KIND_IMAGE in known["S3", "antivirus"]
    assert known["H2", "transformer"] == {content_pb2.MEDIA_KIND_TEXT}
