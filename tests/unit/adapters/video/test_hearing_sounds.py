"""Files that hold a sound alone, which are heard only where that will do."""

from functools import partial

import pytest

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.domain.media import MediaKind, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFormat
from tests import videos
from tests.unit.adapters.video.watching import decoding, watch

SOUNDS = {
    MediaFormat.WAV: videos.sound_alone("wav", "pcm_s16le"),
    MediaFormat.MP3: videos.sound_alone("mp3", "libmp3lame"),
    MediaFormat.OGG: videos.sound_alone("ogg", "libopus"),
    MediaFormat.FLAC: videos.sound_alone("flac", "flac"),
    MediaFormat.MP4: videos.sound_alone("mp4"),
    MediaFormat.MATROSKA: videos.sound_alone("webm", "libopus"),
}
NOISE = bytes(range(256)) * 64
HOSTILE = {
    "noise as wav": b"RIFF\xff\xff\xff\xffWAVE" + NOISE,
    "noise as mp3": b"ID3" + NOISE,
    "noise as ogg": b"OggS" + NOISE,
    "noise as flac": b"fLaC" + NOISE,
    "a wav of nothing": SOUNDS[MediaFormat.WAV][:44],
    "a flac's head": SOUNDS[MediaFormat.FLAC][:60],
}
hear = partial(watch, with_sound=True, needs_pictures=False)


@pytest.mark.parametrize("name", list(SOUNDS))
async def test_a_sound_is_heard_from_end_to_end(name: MediaFormat):
    """Law: a sound alone comes in stretches that follow one another, and its facts say so."""
    data = SOUNDS[name]
    async with decoding() as decoder:
        whole = await hear(decoder, data)
        bits = await hear(decoder, data, *range(600, len(data), 900))
    assert whole.shown == bits.shown
    assert not whole.frames
    assert whole.sounds[0].start_seconds <= 0.1
    assert whole.sounds[-1].end_seconds == pytest.approx(1.0, abs=0.15)
    facts = whole.facts
    assert (facts.kind, facts.format) == (MediaKind.AUDIO, name)
    assert (facts.width_pixels, facts.frame_count, facts.judged_frame_count) == (0, 0, 0)
    assert facts.duration_seconds == pytest.approx(1.0, abs=0.15)
    assert not facts.is_partial


async def refusal(decoder: ProcessVideoDecoder, data: bytes, **wishes: bool) -> MediaRefusal:
    with pytest.raises(MediaRefused) as refused:
        await watch(decoder, data, **wishes)
    return refused.value.refusal


@pytest.mark.parametrize("name", list(SOUNDS))
async def test_a_sound_is_no_video(name: MediaFormat):
    """Law: where pictures are needed a sound is refused, and so it is where nobody hears."""
    async with decoding() as decoder:
        for wishes in ({"with_sound": True}, {"with_sound": False, "needs_pictures": False}):
            found = await refusal(decoder, SOUNDS[name], **wishes)
            assert found is MediaRefusal.FORMAT_NOT_SUPPORTED


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_hostile_sounds_harm_nobody(name: str):
    """Law: what can't be heard is refused as damaged, and the next is heard."""
    async with decoding() as decoder:
        wishes = {"with_sound": True, "needs_pictures": False}
        assert await refusal(decoder, HOSTILE[name], **wishes) is MediaRefusal.DAMAGED
        assert (await hear(decoder, SOUNDS[MediaFormat.WAV])).sounds


async def test_a_sound_that_is_cut_off_is_partly_heard():
    """Law: what there is counts, and that it was not all is said."""
    data = videos.sound_alone("wav", "pcm_s16le", 4.0)
    async with decoding() as decoder:
        heard = await hear(decoder, data[: len(data) // 4])
    assert heard.sounds
    assert heard.facts.is_partial
