"""What decodes videos is built from settings, and closed with the server."""

from contextlib import AsyncExitStack

import pytest

from gaveld.bootstrap.settings import VideoSettings
from gaveld.bootstrap.video import build_video_decoder


async def test_a_decoder_is_what_the_settings_say_and_ends_with_the_stack():
    """Law: as many workers as are set; when the stack unwinds they are gone, and none is begun."""
    async with AsyncExitStack() as stack:
        decoder = build_video_decoder(VideoSettings(workers=1), stack)
        await decoder.warm_up()
        assert len(decoder.pids) == 1
    assert not decoder.pids
    with pytest.raises(RuntimeError):
        await decoder.open().__aenter__()
