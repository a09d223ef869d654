"""Pictures and videos before the panel as shipped: what is written in them is read and judged."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1 import compliance_stream_pb2 as stream
from gavel.v1 import review_pb2, verdict_pb2
from gavel.v1.compliance_service_pb2_grpc import ComplianceServiceStub
from gavel.v1.content_pb2 import Media
from PIL import Image

from tests.e2e.conftest import running
from tests.pictures import encoded, snowy, written
from tests.videos import video

SAFE, UNSAFE = review_pb2.DECISION_SAFE, review_pb2.DECISION_UNSAFE
THREAT = "I will kill you tonight"
SIZE = (640, 160)
THREATENING = written(THREAT, height=36, size=SIZE)
KIND = written("Have a lovely day", height=36, size=SIZE)

Ask = Callable[[str, object], object]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A server with its default settings, asked by method and request; started once."""
    with asyncio.Runner() as runner:
        folder: Path = tmp_path_factory.mktemp("server")
        opened = running(folder)
        server = runner.run(opened.__aenter__())

        async def answer(method: str, request: object) -> object:
            async with grpc.aio.insecure_channel(server.address) as channel:
                call = getattr(ComplianceServiceStub(channel), method)
                if isinstance(request, list):
                    return [event async for event in call(iter(request), timeout=90)]
                return (await call(request, timeout=90)).review

        yield lambda method, request: runner.run(answer(method, request))
        runner.run(opened.__aexit__(None, None, None))


def gradient() -> Image.Image:
    """From black to white, and nothing else."""
    return Image.linear_gradient("L").resize(SIZE).convert("RGB")


def review_of(ask: Ask, picture: Image.Image) -> review_pb2.Review:
    content = Media(data=encoded(picture, "PNG"))
    return ask("ReviewImage", api.ReviewImageRequest(content=content, verbose=2))


def test_a_picture_that_threatens_is_unsafe(ask: Ask):
    """Law: a picture of nothing but a threat is unsafe to the embedded panel."""
    review = review_of(ask, THREATENING)
    assert review.decision == UNSAFE
    assert "H3" in {entry.id for entry in review.flagged_categories}
    assert any(entry.category_id == "H3" and entry.HasField("box") for entry in review.findings)


@pytest.mark.parametrize("picture", [gradient(), KIND], ids=["gradient", "kind"])
def test_a_harmless_picture_is_safe(ask: Ask, picture: Image.Image):
    """Law: neither a gradient nor a kind word is held against anybody."""
    assert review_of(ask, picture).decision == SAFE


def test_most_of_a_picture_is_reviewed_as_far_as_it_goes(ask: Ask):
    """Law: a file that ends too early is judged by what there is; that it was not all is said."""
    whole = encoded(snowy(), "JPEG")
    content = Media(data=whole[: len(whole) * 7 // 10])
    review = ask("ReviewImage", api.ReviewImageRequest(content=content))
    assert review.decision == SAFE
    assert review.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL


def test_a_sentence_shown_for_a_while_is_found_where_it_is(ask: Ask):
    """Law: a threat on the screen from second 3 to 6 is a finding from second 3 to 6."""
    scenes = ((0.0, (200, 200, 200)), (3.0, THREATENING), (6.0, (90, 120, 200)))
    data = video(size=SIZE, seconds=9.0, scenes=scenes)
    requests = [
        stream.StreamVideoRequest(options=stream.StreamVideoOptions(verbose=2)),
        *(
            stream.StreamVideoRequest(chunk=data[at : at + 4096])
            for at in range(0, len(data), 4096)
        ),
    ]
    final = ask("StreamVideo", requests)[-1].final
    assert final.review.decision == UNSAFE
    assert final.action == verdict_pb2.ACTION_BLOCK
    seen = [entry for entry in final.review.findings if entry.category_id == "H3"]
    times = {(e.time_range.start.seconds, e.time_range.end.seconds) for e in seen}
    assert times == {(3, 6)}
    assert all(entry.HasField("box") for entry in seen)


def test_a_threat_in_the_subtitles_is_found_when_it_is_shown(ask: Ask):
    """Law: subtitles are judged as text, with their times."""
    lines = ((1.0, 3.0, "What a lovely morning."), (4.0, 6.0, f"{THREAT}."))
    data = video("matroska", seconds=8.0, scenes=((0.0, (90, 120, 200)),), subtitles=lines)
    request = api.ReviewVideoRequest(content=Media(data=data), verbose=2)
    review = ask("ReviewVideo", request)
    assert review.decision == UNSAFE
    threats = [entry for entry in review.findings if entry.category_id == "H3"]
    assert {(e.time_range.start.seconds, e.time_range.end.seconds) for e in threats} == {(4, 6)}
    assert not any(entry.HasField("frame") for entry in threats)


def test_a_harmless_video_is_safe(ask: Ask):
    """Law: a film of a plain colour is safe, and what nobody can hear is on record."""
    data = video(seconds=3.0, scenes=((0.0, (90, 120, 200)),))
    review = ask("ReviewVideo", api.ReviewVideoRequest(content=Media(data=data), verbose=2))
    assert review.decision == SAFE
    unheard = {
        entry.category_id
        for entry in review.coverage.unchecked_categories
        if "speech" in entry.classifiers
    }
    assert "H3" in unheard
