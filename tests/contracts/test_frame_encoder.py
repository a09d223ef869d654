"""What callers of any encoder of frames may rely on."""

from collections.abc import Iterator

import pytest

from gaveld.adapters.image.jpeg import JpegFrameEncoder
from gaveld.application.ports import FrameEncoder
from gaveld.domain.media_formats import MediaFormat, format_of
from tests.fakes.videos import FakeFrameEncoder
from tests.frames import frame_of, waves


@pytest.fixture(params=["jpeg", "fake"])
def encoder(request) -> Iterator[FrameEncoder]:
    if request.param == "fake":
        yield FakeFrameEncoder()
        return
    made = JpegFrameEncoder()
    yield made
    made.close()


async def test_a_frame_becomes_a_jpeg(encoder: FrameEncoder):
    """Law: the file is in the format that reviewers are told of."""
    assert format_of(await encoder.encode(frame_of(waves(1)))) is MediaFormat.JPEG


async def test_equal_frames_give_equal_files(encoder: FrameEncoder):
    """Law: nothing of time or chance is in the file."""
    first, again = [await encoder.encode(frame_of(waves(2), 4)) for _ in range(2)]
    assert first == again
