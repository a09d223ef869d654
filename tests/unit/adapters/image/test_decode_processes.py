"""What hostile files do to workers, and nothing to anybody else."""

import asyncio
import contextlib
import functools
import os
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gaveld.adapters.image.decode import process
from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.adapters.image.decode.process import Abandoned, WorkerProcess
from gaveld.domain.media import MediaFile, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFormat
from tests.pictures import (
    STILL_FORMATS,
    encoded,
    gif,
    gif_frame,
    media_file,
    noise,
    plain,
    png_of_size,
    png_with,
    quarters,
    text_bomb,
)
from tests.unit.adapters.image.lying_worker import LIES

ORDINARY = media_file(encoded(quarters(), "PNG"))


@functools.cache
def long() -> MediaFile:
    """A file that takes some hundred milliseconds and 100 MB to decode."""
    return media_file(encoded(plain("white", (5_000, 5_000)), "PNG", compress_level=1))


def children() -> set[int]:
    """The ids of this process's children, the dead that nobody buried included."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found |= set(map(int, (task / "children").read_text().split()))
    return found


def open_files(pid: int) -> list[str]:
    """What a process has open, without the sockets that it talks through."""
    links = (entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    return sorted(str(link) for link in links if not str(link).startswith("socket:"))


def told_by(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text("latin-1")


def resident_bytes(pid: int) -> int:
    return int(told_by(pid, "statm").split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture(autouse=True)
def no_child_is_left():
    """Law of every test here: whatever happened, no process is left, dead or alive."""
    before = children()
    yield
    assert children() <= before


@contextlib.asynccontextmanager
async def decoding(**limits: float) -> AsyncIterator[ProcessImageDecoder]:
    decoder = ProcessImageDecoder(DecodeLimits(**limits), workers=1)
    try:
        yield decoder
    finally:
        decoder.close()


async def refusal(decoder: ProcessImageDecoder, file: MediaFile) -> MediaRefused:
    with pytest.raises(MediaRefused) as refused:
        await decoder.decode(file)
    return refused.value


@pytest.fixture
def begun(monkeypatch) -> threading.Event:
    """Set as soon as a worker has been given a file."""
    event, send = threading.Event(), WorkerProcess._send

    def send_and_tell(worker: WorkerProcess, file: MediaFile) -> None:
        send(worker, file)
        event.set()

    monkeypatch.setattr(WorkerProcess, "_send", send_and_tell)
    return event


HOSTILE = {
    "GIF of 65,535 by 65,535": (gif([gif_frame()], 65_535, 65_535), MediaRefusal.TOO_MANY_PIXELS),
    "GIF of 100,000 frames": (gif([gif_frame()] * 100_000), MediaRefusal.TOO_MANY_FRAMES),
    "GIF whose second frame is huge": (
        gif([gif_frame(), gif_frame(65_535, 65_535)]),
        MediaRefusal.TOO_MANY_PIXELS,
    ),
    "PNG of 65,535 by 65,535": (png_of_size(65_535, 65_535), MediaRefusal.TOO_MANY_PIXELS),
    "PNG of nothing": (png_of_size(7_000, 7_000), MediaRefusal.DAMAGED),
    "JPEG of which most is missing": (encoded(noise(), "JPEG")[:1_500], MediaRefusal.DAMAGED),
    "JPEG within a PDF": (b"%PDF-1.7\n" + encoded(quarters(), "JPEG"), MediaRefusal.DAMAGED),
    "TIFF that goes round": (
        b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(64),
        MediaRefusal.DAMAGED,
    ),
    "WEBP of nothing": (b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(64), MediaRefusal.DAMAGED),
    "AVIF of nothing": (b"\0\0\0\x18ftypavif" + bytes(64), MediaRefusal.DAMAGED),
    "BMP of nothing": (b"BM" + b"\xff" * 64, MediaRefusal.DAMAGED),
    "PNG without a byte": (b"", MediaRefusal.DAMAGED),
}
JUDGED = {
    "a text bomb": text_bomb(),
    "half a jpeg and a bit": encoded(noise(), "JPEG")[:-1_500],
    "png and zip": png_with(quarters(), after=b"PK\x03\x04" * 100),
    "gif and script": encoded(quarters(), "GIF") + b"*/=alert(1);",
}


async def test_hostile_files_harm_nobody(decoder: ProcessImageDecoder):
    """Law: each is refused for its own reason; then the next is decoded, and nothing is open."""
    await decoder.decode(ORDINARY)
    before = open_files(os.getpid())
    for name, (data, reason) in HOSTILE.items():
        refused = await refusal(decoder, media_file(data, MediaFormat(name.split()[0])))
        assert refused.refusal is reason, name
        assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96, name
        assert open_files(os.getpid()) == before, name
    assert len(decoder.pids) == 1


@pytest.mark.parametrize("name", JUDGED)
async def test_odd_files_are_the_pictures_that_they_show(name: str, decoder: ProcessImageDecoder):
    """Law: what a file is besides a picture changes nothing, neither for it nor for the next."""
    assert (await decoder.decode(media_file(JUDGED[name]))).facts.width_pixels == 96
    assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


@pytest.mark.parametrize("name", STILL_FORMATS)
async def test_svg_and_html_under_a_pictures_name(name: str, decoder: ProcessImageDecoder):
    """Law: no decoder takes markup for a picture, whatever it is said to be."""
    for body in (b"<svg/>" * 100, b"<html>" * 100):
        file = media_file(body, MediaFormat(name))
        assert (await refusal(decoder, file)).refusal is MediaRefusal.DAMAGED
    assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessImageDecoder]:
    async with decoding() as ready:
        yield ready


async def test_a_file_that_takes_too_long_ends_its_worker_alone():
    """Law: a file has so much processor time, in whatever code, and the next has it anew."""
    async with decoding(cpu_seconds=0.1) as decoder:
        await decoder.decode(ORDINARY)
        (before,) = decoder.pids
        refused = await refusal(decoder, long())
        assert refused.refusal is MediaRefusal.DECODING_TOO_LONG
        assert refused.detail == {"limit": "decode_cpu_seconds", "maximum": "0.1"}
        assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96
        assert decoder.pids != [before]


async def test_a_worker_that_hangs_is_ended():
    """Law: a worker that uses no processor time, and does not answer either, is killed as well."""
    async with decoding(cpu_seconds=0.1) as decoder:
        await decoder.warm_up()
        (pid,) = decoder.pids
        os.kill(pid, signal.SIGSTOP)
        assert (await refusal(decoder, ORDINARY)).refusal is MediaRefusal.DECODING_TOO_LONG
        assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


async def test_a_file_that_takes_too_much_memory_ends_its_worker_alone():
    """Law: a file has so much memory, and the next has it anew."""
    async with decoding(memory_bytes=128 << 20) as decoder:
        refused = await refusal(decoder, long())
        assert refused.refusal is MediaRefusal.DECODING_TOO_BIG
        assert refused.detail == {"limit": "decode_memory_bytes", "maximum": str(128 << 20)}
        assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


async def test_memory_returns(decoder: ProcessImageDecoder):
    """Law: after a large picture a worker is as small as before, and so is this process."""
    await decoder.decode(ORDINARY)
    (pid,) = decoder.pids
    before, ours = resident_bytes(pid), resident_bytes(os.getpid())
    picture = await decoder.decode(long())
    assert len(picture.frames[0].rgb) <= 12_000_000
    del picture
    assert decoder.pids == [pid]
    assert resident_bytes(pid) < before + (16 << 20)
    assert resident_bytes(os.getpid()) < ours + (16 << 20)


async def test_a_worker_that_dies_at_work_is_replaced(
    decoder: ProcessImageDecoder, begun: threading.Event
):
    """Law: a crash refuses the file that was being decoded, and no other."""
    decoding_long = asyncio.create_task(decoder.decode(long()))
    await asyncio.to_thread(begun.wait)
    os.kill(decoder.pids[0], signal.SIGSEGV)
    with pytest.raises(MediaRefused) as refused:
        await decoding_long
    assert refused.value.refusal is MediaRefusal.DECODER_CRASHED
    assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


async def test_a_worker_that_dies_idle_is_replaced(decoder: ProcessImageDecoder):
    """Law: a worker that is gone when a file comes is no fault of the file."""
    await decoder.warm_up()
    (pid,) = decoder.pids
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96


async def test_a_cancelled_decoding_is_stopped(
    decoder: ProcessImageDecoder, begun: threading.Event
):
    """Law: nobody's work holds up the next file, even in the middle of a decoder's own code."""
    decoding_long = asyncio.create_task(decoder.decode(long()))
    await asyncio.to_thread(begun.wait)
    (before,) = decoder.pids
    os.kill(before, signal.SIGSTOP)  # it would never end by itself
    decoding_long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding_long
    assert (await decoder.decode(ORDINARY)).facts.width_pixels == 96
    assert decoder.pids != [before]


async def test_closing_ends_what_runs(begun: threading.Event):
    """Law: a shutdown waits for no decoding, and callers are not left waiting."""
    async with decoding() as decoder:
        decoding_long = asyncio.create_task(decoder.decode(long()))
        await asyncio.to_thread(begun.wait)
        os.kill(decoder.pids[0], signal.SIGSTOP)
        await asyncio.to_thread(decoder.close)
        with pytest.raises(Abandoned):
            await decoding_long
        with pytest.raises(RuntimeError):
            await decoder.decode(ORDINARY)


def test_a_worker_ends_with_its_parent():
    """Law: when the parent is gone, so that the channel is closed, the worker ends by itself."""
    worker = WorkerProcess(DecodeLimits())
    worker.wait_ready(lambda: False)
    worker._channel.close()
    assert worker._process.wait() == 0
    worker.stop()


async def test_a_worker_knows_no_secret(monkeypatch, decoder: ProcessImageDecoder):
    """Law: of the environment a worker gets what it needs, and it has no other open file."""
    monkeypatch.setenv("GAVEL_STORAGE__URL", "postgresql://user:secret@host/base")
    await decoder.warm_up()
    (pid,) = decoder.pids
    assert "secret" not in told_by(pid, "environ")
    assert f"Max address space         {1 << 30}" in told_by(pid, "limits")
    assert set(open_files(pid)) == {"/dev/null"}


@pytest.mark.parametrize("lie", range(len(LIES)))
async def test_what_a_worker_says_is_not_believed(monkeypatch, lie: int):
    """Law: a worker that was taken over can make its own file fail, and nothing else."""
    module = process._MODULE
    monkeypatch.setattr(process, "_MODULE", "tests.unit.adapters.image.lying_worker")
    monkeypatch.setattr(process, "DEATH_SECONDS", 0.1)
    async with decoding(max_frames=lie) as decoder:
        await decoder.warm_up()
        monkeypatch.setattr(process, "_MODULE", module)
        refused = await refusal(decoder, ORDINARY)
        assert refused.refusal is MediaRefusal.DECODER_CRASHED
        assert refused.detail == {"format": "PNG"}
