"""What hostile videos do to workers, and nothing to anybody else."""

import asyncio
import os
import random
import signal
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gaveld.adapters.video import process
from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.adapters.video.limits import VideoLimits
from gaveld.adapters.video.process import WorkerProcess
from gaveld.adapters.video.spool import Spool
from gaveld.domain.media import MediaRefusal, MediaRefused
from tests import videos
from tests.pictures import encoded, noise, quarters
from tests.unit.adapters.video.lying_worker import LIES
from tests.unit.adapters.video.watching import children, decoding, refusal, watch
from tests.videos import SIZE

ORDINARY_TIMES = [0, 1, 2, 2.6, 3.6]
FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
MATROSKA = b"\x1aE\xdf\xa3"
ENDLESS = b"\x01" + b"\xff" * 7
"""The size of a Matroska element that goes on to the end of the file."""

SILENT = random.Random(7).randbytes(200_000)


@pytest.fixture(autouse=True)
def no_child_is_left():
    """Law of every test here: whatever happened, no process is left, dead or alive."""
    before = children()
    yield
    assert children() <= before


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessVideoDecoder]:
    async with decoding() as ready:
        yield ready


def bomb(side: int) -> bytes:
    """A video whose JPEGs say that they are so wide and high."""
    data, at = bytearray(videos.ordinary("avi of jpegs")), 0
    while (at := data.find(b"\xff\xc0\x00\x11\x08", at)) >= 0:
        struct.pack_into(">HH", data, at + 5, side, side)
        at += 4
    return bytes(data)


def tiny_packets(count: int, after: bytes = b"") -> bytes:
    """A Matroska file of packets that have one byte each; or these packets after another file."""
    head = bytearray(videos.ordinary("mkv"))
    del head[head.index(b"\x1f\x43\xb6\x75") :]
    at = head.index(b"\x18\x53\x80\x67") + 4
    head[at : at + 8] = ENDLESS
    cluster = b"\x1f\x43\xb6\x75" + ENDLESS + b"\xe7\x81\x00"
    return (after or bytes(head)) + cluster + b"\xa3\x85\x81\0\0\0\0" * count


def pointing_to(path: str) -> bytes:
    """A QuickTime file whose frames lie in another one."""
    data = bytearray(videos.ordinary("mov first"))
    name = path.encode()
    alias = bytes(150) + struct.pack(">hH", 2, len(name)) + name + b"\0" * (len(name) % 2)
    entry = struct.pack(">I4sI", 12 + len(alias) + 4, b"alis", 0) + alias + b"\xff\xff\0\0"
    at = data.index(b"dref") + 12
    old = int.from_bytes(data[at : at + 4], "big")
    data[at : at + old] = entry
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dref", b"dinf"):
        place = data.rindex(box, 0, at) - 4
        size = int.from_bytes(data[place : place + 4], "big")
        data[place : place + 4] = (size + len(entry) - old).to_bytes(4, "big")
    return bytes(data)


def long() -> bytes:
    """A video of which half is far more than its first frame."""
    return videos.of_kind("mkv", scenes=((0.0, noise(*SIZE)),), gop=5, seconds=16.0)


HOSTILE = {
    "nothing": (b"", MediaRefusal.FORMAT_NOT_SUPPORTED),
    "a picture": (encoded(quarters(), "PNG"), MediaRefusal.FORMAT_NOT_SUPPORTED),
    "a page": (b"<html><video src='file:///etc/passwd'>" * 50, MediaRefusal.FORMAT_NOT_SUPPORTED),
    "a playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", MediaRefusal.FORMAT_NOT_SUPPORTED),
    "a list of files": (
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        MediaRefusal.FORMAT_NOT_SUPPORTED,
    ),
    "noise as mp4": (FTYP + SILENT, MediaRefusal.DAMAGED),
    "noise as matroska": (MATROSKA + SILENT, MediaRefusal.DAMAGED),
    "noise as avi": (b"RIFF\xff\xff\xff\xffAVI " + SILENT, MediaRefusal.DAMAGED),
    "noise as ts": (
        b"".join(b"G" + SILENT[at : at + 187] for at in range(0, 187 * 500, 187)),
        MediaRefusal.DAMAGED,
    ),
    "a gif after ftyp": (FTYP + encoded(quarters(), "GIF"), MediaRefusal.DAMAGED),
    "jpegs of 65,000 by 65,000": (bomb(65_000), MediaRefusal.DAMAGED),
    "a million empty boxes": (FTYP + b"\0\0\0\x08free" * 1_000_000, MediaRefusal.DAMAGED),
    "a hundred empty tracks": (
        FTYP + struct.pack(">I", 808) + b"moov" + b"\0\0\0\x08trak" * 100,
        MediaRefusal.DECODING_TOO_BIG,
    ),
    "sound alone": (videos.sound_alone(), MediaRefusal.FORMAT_NOT_SUPPORTED),
    "another codec": (videos.video("matroska", "ffv1"), MediaRefusal.FORMAT_NOT_SUPPORTED),
}
JUDGED = {
    "a page at its end": videos.ordinary() + b"<html><script>alert(1)</script>" * 50,
    "an archive at its end": videos.ordinary("mkv") + b"PK\x03\x04" * 500,
    "ten hours in a header": videos.lasting(videos.ordinary(), 36_000),
    "no keyframe": videos.with_keyframes(videos.ordinary(), "mp4", everywhere=False),
    "keyframes that are none": videos.with_keyframes(
        videos.ordinary("mkv"), "matroska", everywhere=True
    ),
    "vp9 keyframes that are none": videos.with_keyframes(
        videos.ordinary("webm"), "matroska", everywhere=True
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files_harm_nobody(name: str, decoder: ProcessVideoDecoder):
    """Law: each is refused for its own reason; then the next is decoded, and nothing is open."""
    data, reason = HOSTILE[name]
    before = open_files()
    assert (await refusal(decoder, data)).refusal is reason
    assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES
    decoder.close()
    assert open_files() == before


@pytest.mark.parametrize("name", JUDGED)
async def test_odd_files_are_the_videos_that_they_show(name: str, decoder: ProcessVideoDecoder):
    """Law: what a file is or says besides changes nothing of what is seen."""
    watched = await watch(decoder, JUDGED[name])
    assert watched.times == pytest.approx(ORDINARY_TIMES, abs=0.11)
    assert watched.facts.duration_seconds == pytest.approx(videos.SECONDS, abs=0.2)


async def test_ten_hours_of_one_frame(decoder: ProcessVideoDecoder):
    """Law: a frame that is shown for ten hours is one frame's work, and the file is ten hours."""
    watched = await watch(decoder, videos.still_of(10))
    assert watched.times == [0]
    assert (watched.facts.frame_count, watched.facts.judged_frame_count) == (1, 1)
    assert watched.facts.duration_seconds == 36_000
    assert not watched.facts.is_partial


async def test_endless_packets_are_cut_short():
    """Law: a file that only costs time is judged as far as its time goes, and is partial."""
    data = tiny_packets(2_000_000, after=videos.ordinary("mkv"))
    async with decoding(free_cpu_seconds=0.5) as decoder:
        watched = await watch(decoder, data)
        assert watched.times[:5] == ORDINARY_TIMES
        assert watched.facts.is_partial
        refused = await refusal(decoder, tiny_packets(2_000_000))
        assert refused.refusal is MediaRefusal.DECODING_TOO_LONG
        assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_a_step_that_takes_too_long_ends_its_worker():
    """Law: a worker is killed by the system in whatever code it is, once its time is up."""
    async with decoding(free_cpu_seconds=0.1) as decoder:
        boxes = FTYP + b"\0\0\0\x08free" * 20_000_000
        refused = await refusal(decoder, boxes)
        assert refused.refusal is MediaRefusal.DECODING_TOO_LONG
        assert refused.detail == {"limit": "decode_cpu_seconds", "maximum": "0.1"}
        assert len(decoder.pids) == 1


async def test_too_many_pixels_are_refused():
    """Law: a video with larger frames than may be is refused before one is decoded."""
    async with decoding(max_pixels=SIZE[0] * SIZE[1] - 1) as decoder:
        refused = await refusal(decoder, videos.ordinary())
    assert refused.refusal is MediaRefusal.TOO_MANY_PIXELS
    assert refused.detail == {"limit": "pixels", "maximum": str(SIZE[0] * SIZE[1] - 1)}


async def test_too_much_memory_is_refused():
    """Law: a worker that outgrows its memory ends, and its file is refused for that."""
    data = videos.video("matroska", "mjpeg", size=(3_000, 3_000), seconds=0.2)
    async with decoding(memory_bytes=130 << 20) as decoder:
        refused = await refusal(decoder, data)
        assert refused.refusal is MediaRefusal.DECODING_TOO_BIG
        assert refused.detail == {"limit": "decode_memory_bytes", "maximum": str(130 << 20)}
        assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_too_many_bytes_are_refused():
    """Law: a file ends where it may have no more bytes, for who feeds it and who watches it."""
    async with decoding(max_bytes=1_000) as decoder, decoder.open() as reading:
        await reading.feed(videos.ordinary()[:1_000])
        with pytest.raises(MediaRefused) as refused:
            await reading.feed(b"1")
        assert refused.value.refusal is MediaRefusal.TOO_MANY_BYTES
        assert refused.value.detail == {"limit": "bytes", "maximum": "1000"}
        with pytest.raises(MediaRefused) as refused:
            await anext(reading.events())
        assert refused.value.refusal is MediaRefusal.TOO_MANY_BYTES


async def test_other_files_are_never_opened(decoder: ProcessVideoDecoder, tmp_path: Path):
    """Law: a track whose frames lie in another file shows nothing of that file."""
    other = tmp_path / "other"
    other.write_bytes(videos.ordinary())
    data = pointing_to(str(other))
    assert str(other).encode() in data
    assert (await refusal(decoder, data)).refusal is MediaRefusal.DAMAGED


async def test_a_worker_that_hangs_is_ended():
    """Law: a worker that has all it needs and says nothing is killed; its file is refused."""
    data = long()
    async with decoding(silent_seconds=0.2) as decoder, decoder.open() as reading:
        await reading.feed(data[: len(data) // 2])
        events = reading.events()
        await anext(events)
        os.kill(decoder.pids[0], signal.SIGSTOP)
        await reading.feed(data[len(data) // 2 :])
        with pytest.raises(MediaRefused) as refused:
            async for _ in events:
                pass
    assert refused.value.refusal is MediaRefusal.DECODING_TOO_LONG


async def test_who_feeds_slowly_is_waited_for():
    """Law: a worker that waits for bytes does not hang, however long they take."""
    data = long()
    async with decoding(silent_seconds=2) as decoder, decoder.open() as reading:
        await reading.feed(data[: len(data) // 2])
        shown: asyncio.Queue[float] = asyncio.Queue()

        async def look() -> None:
            async for event in reading.events():
                shown.put_nowait(event.frame.start_seconds)

        looking = asyncio.create_task(look())
        await shown.get()
        done, _ = await asyncio.wait({looking}, timeout=2.5)  # longer than a worker may be silent
        assert not done
        await reading.feed(data[len(data) // 2 :])
        await reading.finish()
        await looking
    assert shown.qsize() >= 3


async def test_a_worker_that_dies_at_work_is_replaced(decoder: ProcessVideoDecoder):
    """Law: a crash refuses the file that was being decoded, and no other."""
    async with decoder.open() as reading:
        await reading.feed(videos.ordinary()[:600])
        os.kill(decoder.pids[0], signal.SIGSEGV)
        with pytest.raises(MediaRefused) as refused:
            await anext(reading.events())
    assert refused.value.refusal is MediaRefusal.DECODER_CRASHED
    assert refused.value.detail == {"format": "mp4"}
    assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_a_worker_that_dies_idle_is_replaced(decoder: ProcessVideoDecoder):
    """Law: a worker that is gone when a file comes is no fault of the file."""
    await decoder.warm_up()
    (pid,) = decoder.pids
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_leaving_ends_the_work(decoder: ProcessVideoDecoder):
    """Law: who leaves in the middle leaves no process at work and no file open."""
    async with decoder.open() as reading:
        (pid,) = decoder.pids
        await reading.feed(long())
        await anext(reading.events())
        os.kill(pid, signal.SIGSTOP)  # it would never end by itself
    assert pid not in children()
    assert pid not in decoder.pids
    assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_a_cancelled_call_ends_the_work(decoder: ProcessVideoDecoder):
    """Law: a cancelled call frees its worker for the next in line."""

    async def wait_for_ever() -> None:
        async with decoder.open() as reading:
            await reading.feed(b"\0" * 10)
            entered.set()
            await anext(reading.events())

    entered = asyncio.Event()
    waiting = asyncio.create_task(wait_for_ever())
    await entered.wait()
    (pid,) = decoder.pids
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert pid not in children()
    assert (await watch(decoder, videos.ordinary())).times == ORDINARY_TIMES


async def test_videos_wait_in_line():
    """Law: no more videos are open than there are workers, and each gets its turn."""
    entered: asyncio.Queue[int] = asyncio.Queue()
    gates = [asyncio.Event() for _ in range(4)]

    async def hold(number: int) -> None:
        async with decoder.open():
            entered.put_nowait(number)
            await gates[number].wait()

    async with decoding(workers=2) as decoder:
        await decoder.warm_up()
        calls = [asyncio.create_task(hold(number)) for number in range(4)]
        assert [await entered.get(), await entered.get()] == [0, 1]
        calls[2].cancel()  # gives up while it waits
        await asyncio.wait({calls[2]})
        assert entered.empty()
        assert len(decoder.pids) == 2
        gates[0].set()
        await calls[0]
        assert await entered.get() == 3
        for gate in gates:
            gate.set()
        await asyncio.gather(calls[1], calls[3])


async def test_a_closed_decoder_opens_nothing(decoder: ProcessVideoDecoder):
    """Law: after a shutdown nothing is begun, and what ran is gone."""
    await decoder.warm_up()
    decoder.close()
    decoder.close()
    assert not decoder.pids
    with pytest.raises(RuntimeError):
        await decoder.open().__aenter__()


def test_a_worker_ends_with_its_parent():
    """Law: when the parent is gone, so that its pipes are closed, the worker ends by itself."""
    worker = WorkerProcess(VideoLimits(), Spool(None))
    worker.close_bell()
    worker.close_pipe()
    assert worker._process.wait() is not None
    worker.stop()


async def test_a_worker_is_confined(monkeypatch, decoder: ProcessVideoDecoder):
    """Law: a worker knows no secret, reads one nameless file, and can't open or write any."""
    monkeypatch.setenv("GAVEL_STORAGE__URL", "postgresql://user:secret@host/base")
    await decoder.warm_up()
    (worker,) = decoder._idle
    assert (await worker.heard())[0] == {"ready": True}
    process_files = Path(f"/proc/{worker.pid}")
    assert b"secret" not in (process_files / "environ").read_bytes()
    told = (process_files / "limits").read_text()
    for name, value in (
        ("Max address space", 1 << 30),
        ("Max open files", 0),
        ("Max file size", 0),
        ("Max core file size", 0),
        ("Max processes", 0),
        ("Max cpu time", 150),
    ):
        (line,) = (line for line in told.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[0] == str(value), line
    links = {entry.name: str(entry.readlink()) for entry in (process_files / "fd").iterdir()}
    assert links.pop("2") == "/dev/null"
    assert links.pop("0").startswith("pipe:")
    assert links.pop("1").startswith("pipe:")
    ((number, file),) = links.items()
    assert file.endswith("(deleted)")
    assert "0100000" in (process_files / "fdinfo" / number).read_text()  # read only


@pytest.mark.parametrize("lie", range(len(LIES)))
async def test_what_a_worker_says_is_not_believed(monkeypatch, lie: int):
    """Law: a worker that was taken over can make its own file fail, and nothing else."""
    monkeypatch.setattr(process, "_MODULE", "tests.unit.adapters.video.lying_worker")
    monkeypatch.setattr(process, "DEATH_SECONDS", 0.1)
    async with decoding(max_frames=lie) as decoder:
        refused = await refusal(decoder, videos.ordinary())
        assert refused.refusal is MediaRefusal.DECODER_CRASHED
        assert refused.detail == {"format": "mp4"}


def open_files() -> list[str]:
    """What this process has open, without the event loop's own."""
    links = (entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())
    return sorted(str(link) for link in links if "/proc/" not in str(link))
