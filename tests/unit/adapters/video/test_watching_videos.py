"""What videos show, in every container, whole and while they arrive."""

import asyncio
import hashlib
import itertools
import struct

import pytest

from gaveld.domain.media import MediaKind, MediaRefusal
from gaveld.domain.media_formats import MediaFormat
from tests import videos
from tests.pictures import CORNERS, noise, quarters
from tests.unit.adapters.video.watching import alike, colour_at, decoding, refusal, watch
from tests.videos import BLUE, CONTAINERS, RED, SECONDS, SIZE

FORMATS = {"mp4": MediaFormat.MP4, "mov": MediaFormat.MP4, "avi": MediaFormat.AVI}
FORMATS |= {"webm": MediaFormat.MATROSKA, "matroska": MediaFormat.MATROSKA}
FORMATS |= {"mpegts": MediaFormat.MPEG_TS}
LAST = ("moov last", "mov")
"""Kinds whose index is at the end."""


@pytest.mark.parametrize("kind", CONTAINERS)
async def test_every_kind_of_file_is_sampled(kind: str):
    """Law: each container and codec gives a sample a second, the new scene, and the facts."""
    data = videos.ordinary(kind)
    async with decoding() as decoder:
        watched = await watch(decoder, data)
    times = watched.times
    assert times[0] == 0
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) <= 1.11
    for event in watched.frames:
        expected = RED if event.frame.start_seconds < 2.5 else BLUE
        assert alike(colour_at(event, 0.5, 0.5), expected)
    (change,) = (event for event in watched.frames if event.is_scene_change)
    assert 2.5 <= change.frame.start_seconds <= 2.9
    assert [event.frame.index for event in watched.frames] == list(range(len(times)))
    facts = watched.facts
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert facts.format is FORMATS[CONTAINERS[kind][0]]
    assert facts.kind is MediaKind.VIDEO
    assert (facts.width_pixels, facts.height_pixels) == SIZE
    assert facts.byte_count == len(data)
    assert facts.frame_count == round(SECONDS * videos.RATE)
    assert facts.judged_frame_count == len(times)
    assert facts.duration_seconds == pytest.approx(SECONDS, abs=0.01)
    assert not facts.is_partial


@pytest.mark.parametrize("kind", CONTAINERS)
async def test_chunks_change_nothing(kind: str):
    """Law: however a file is cut, byte by byte at its start or not at all, it shows the same."""
    data = videos.of_kind(kind, scenes=((0.0, noise(*SIZE)), (2.5, BLUE)), tone_seconds=1.0)
    async with decoding() as decoder:
        whole = await watch(decoder, data, with_sound=True)
        bits = await watch(decoder, data, *range(1, 700), 1_400, 2_100, with_sound=True)
    assert whole.shown == bits.shown
    assert whole.facts == bits.facts
    assert whole.sounds


@pytest.mark.parametrize("kind", [kind for kind in CONTAINERS if kind not in LAST])
async def test_judging_starts_before_the_file_is_whole(kind: str):
    """Law: where the index comes first, frames are there while bytes are still missing."""
    data = videos.of_kind(kind, scenes=((0.0, noise(*SIZE)),), gop=2, seconds=12.0)
    async with decoding() as decoder, decoder.open() as reading:
        await reading.feed(data[: len(data) * 9 // 10])
        event = await anext(reading.events())
        assert event.frame.start_seconds == 0
        assert not reading.is_waiting_for_index
        assert reading.facts is not None


@pytest.mark.parametrize("kind", LAST)
async def test_an_index_at_the_end_is_waited_for(kind: str):
    """Law: a file whose index is at the end says so, and is judged once it is whole."""
    data = videos.ordinary(kind)
    async with decoding() as decoder, decoder.open() as reading:
        await reading.feed(data[:-1])
        coming = asyncio.ensure_future(anext(reading.events()))
        while not reading.is_waiting_for_index:
            await asyncio.wait({coming}, timeout=0.01)
        assert not coming.done()
        assert reading.facts is None
        await reading.feed(data[-1:])
        await reading.finish()
        assert not reading.is_waiting_for_index
        assert (await coming).frame.start_seconds == 0


@pytest.mark.parametrize("flipped", [False, True], ids=["", "flipped"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_frames_are_upright(rotation: int, flipped: bool):
    """Law: frames and facts are as a player shows them, turned and mirrored."""
    data = videos.video(
        seconds=0.2, rotation=rotation, flipped=flipped, scenes=((0.0, quarters(*SIZE)),)
    )
    async with decoding() as decoder:
        watched = await watch(decoder, data)
    rows = [list(CORNERS[:2]), list(CORNERS[2:])]
    for _ in range(rotation // 90):  # a quarter to the left
        rows = [list(row) for row in zip(*rows, strict=True)][::-1]
    if flipped:
        rows = [row[::-1] for row in rows]
    (event,) = watched.frames
    for y, row in enumerate(rows):
        for x, colour in enumerate(row):
            assert alike(colour_at(event, 0.05 + 0.9 * x, 0.05 + 0.9 * y), colour)
    upright = SIZE[::-1] if rotation % 180 else SIZE
    assert (watched.facts.width_pixels, watched.facts.height_pixels) == upright
    assert (event.frame.width, event.frame.height) == upright


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [
        ("libx264", "yuv444p"),
        ("libx264", "yuv422p"),
        ("libx265", "yuv420p10le"),
        ("prores", "yuv422p10le"),
        ("png", "rgb24"),
        ("png", "rgba"),
        ("png", "rgba64be"),
        ("mjpeg", "yuvj444p"),
    ],
)
async def test_every_form_of_pixel_becomes_srgb(codec: str, pixels: str):
    """Law: frames have three bytes a pixel and the colours that were drawn, however they lie."""
    container = "matroska" if codec == "libx265" else "mov"
    data = videos.video(
        container, codec, pixels=pixels, seconds=0.2, scenes=((0.0, quarters(*SIZE)),)
    )
    async with decoding() as decoder:
        (event,) = (await watch(decoder, data)).frames
    for number, colour in enumerate(CORNERS):
        assert alike(
            colour_at(event, 0.05 + 0.9 * (number % 2), 0.05 + 0.9 * (number // 2)), colour
        )


async def test_large_frames_are_made_smaller():
    """Law: frames keep their shape and have no more pixels than asked for; facts tell the size."""
    data = videos.video(seconds=0.2, size=(640, 360))
    async with decoding(max_frame_pixels=10_000) as decoder:
        watched = await watch(decoder, data)
    (event,) = watched.frames
    assert event.frame.width * event.frame.height <= 10_000
    assert event.frame.width / event.frame.height == pytest.approx(16 / 9, rel=0.02)
    assert (watched.facts.width_pixels, watched.facts.height_pixels) == (640, 360)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "mov_text"), ("matroska", "subrip"), ("matroska", "ass"), ("matroska", "webvtt")],
)
async def test_subtitles_are_read(container: str, codec: str):
    """Law: subtitles come as the plain text that is shown, with the times that it is shown at."""
    lines = ((0.5, 1.5, "first {\\i1}line{\\i0}"), (2.0, 3.25, "second\\Nline"))
    data = videos.video(container, subtitles=lines, subtitle_codec=codec)
    async with decoding() as decoder:
        first, second = (await watch(decoder, data)).subtitles
    assert (first.text, second.text) == ("first line", "second\nline")
    assert (first.start_seconds, first.end_seconds) == pytest.approx((0.5, 1.5), abs=0.01)
    assert (second.start_seconds, second.end_seconds) == pytest.approx((2.0, 3.25), abs=0.01)


@pytest.mark.parametrize("kind", ["moov first", "webm", "mkv", "avi", "ts"])
async def test_sound_is_heard_if_it_is_asked_for(kind: str):
    """Law: sound comes in stretches of 16 kHz mono that follow one another, or not at all."""
    data = videos.of_kind(kind, tone_seconds=SECONDS, tone_codec="mp2" if kind == "ts" else "")
    async with decoding() as decoder:
        assert not (await watch(decoder, data)).sounds
        sounds = (await watch(decoder, data, with_sound=True)).sounds
    assert sounds[0].start_seconds <= 0.1
    assert sounds[-1].end_seconds == pytest.approx(SECONDS, abs=0.15)
    samples = struct.unpack(f"<{len(sounds[0].pcm) // 2}h", sounds[0].pcm)
    rises = sum(one < 0 <= two for one, two in itertools.pairwise(samples))
    assert rises == pytest.approx(440 * len(samples) / 16_000, rel=0.05)
    assert max(samples) > 5_000


async def test_long_sound_comes_in_stretches():
    """Law: no stretch is longer than thirty seconds, and none is missing."""
    data = videos.video(seconds=65, rate=1, tone_seconds=65)
    async with decoding() as decoder:
        sounds = (await watch(decoder, data, with_sound=True)).sounds
    lengths = [sound.end_seconds - sound.start_seconds for sound in sounds]
    assert lengths[:2] == [30, 30]
    assert sum(lengths) == pytest.approx(65, abs=0.2)
    assert all(
        len(sound.pcm) == round(32_000 * length)
        for sound, length in zip(sounds, lengths, strict=True)
    )


async def test_frames_far_apart_are_all_seen():
    """Law: a video whose frames come when something happens is sampled when they come."""
    data = videos.video("matroska", times=(0, 1, 2, 45, 46, 300), scenes=((0.0, RED),))
    async with decoding() as decoder:
        watched = await watch(decoder, data)
    assert watched.times == [0, 4.5, 30]


async def test_frames_that_share_one_time_are_counted():
    """Law: a file can't hide its frames by giving all of them the same time."""
    stuck = [0, *range(1, 600)]
    data = videos.video("avi", "mpeg4", times=stuck, rate=1000, seconds=0.6)
    async with decoding() as decoder:
        assert len((await watch(decoder, data)).frames) >= 5


async def test_short_groups_are_looked_at_by_their_keyframes(monkeypatch):
    """Law: with a keyframe a second, the samples are the keyframes, and at least one a second."""
    data = videos.video(seconds=10, gop=9, scenes=((0.0, noise(*SIZE)),))
    async with decoding() as decoder:
        watched = await watch(decoder, data)
    assert all(round(at * 10) % 9 == 0 for at in watched.times)
    assert len(watched.times) >= 10


async def test_no_more_frames_than_the_cap():
    """Law: the cap holds, also for a video in which every frame is another scene."""
    scenes = [(number / 10, RED if number % 2 else BLUE) for number in range(200)]
    data = videos.video(seconds=20, scenes=scenes, gop=1)
    async with decoding(max_frames=12) as decoder:
        watched = await watch(decoder, data)
    assert len(watched.frames) <= 12
    assert watched.times[-1] > 10
    assert not watched.facts.is_partial


@pytest.mark.parametrize("kind", [kind for kind in CONTAINERS if kind not in LAST])
async def test_half_a_file_is_judged(kind: str):
    """Law: what there is of a file that was cut off is judged."""
    data = videos.of_kind(kind, scenes=((0.0, noise(*SIZE)),), gop=5)
    async with decoding() as decoder:
        watched = await watch(decoder, data[: len(data) * 6 // 10])
    assert watched.times[0] == 0
    assert 1 <= watched.times[-1] < SECONDS
    assert watched.facts.byte_count == len(data) * 6 // 10
    if kind not in {"live mkv", "ts", "ts of h264"}:  # which don't say where they end
        assert watched.facts.is_partial


@pytest.mark.parametrize("kind", LAST)
async def test_half_a_file_without_its_index_is_refused(kind: str):
    """Law: without an index there is nothing to judge, and that is said."""
    data = videos.ordinary(kind)
    async with decoding() as decoder:
        refused = await refusal(decoder, data[: len(data) // 2])
    assert refused.refusal is MediaRefusal.DAMAGED
