"""Videos: how fast they are sampled, against decoding all of them, and what memory an hour takes.

The videos are made here, of moving waves; an hour is a minute of packets sixty times over. Speed is
by processor time, in which the worker's start and all its messages count.
"""

import asyncio
import io
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.video.stream import VideoStream
from rich.console import Console
from rich.table import Table

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.domain.videos import SampledFrame

RATE: Final = 30
MINUTE: Final = 60
HOUR_MINUTES: Final = 60
SCENE_SECONDS: Final = 7
CHUNK_BYTES: Final = 1 << 20
SPEED_SIZE: Final = (1280, 720)
SPEED_SECONDS: Final = 20
MEMORY_SIZE: Final = (640, 360)
FAR: Final = {"preset": "veryfast", "crf": "26"}
NEAR: Final = {**FAR, "g": "30"}
SMALL: Final = {"preset": "ultrafast", "crf": "40"}
KINDS: Final = {
    "H.264, keyframes 8 s apart": ("libx264", FAR),
    "H.264, keyframes 1 s apart": ("libx264", NEAR),
    "JPEGs": ("mjpeg", {"qmin": "8", "qmax": "8"}),
}


@dataclass(frozen=True)
class Sampled:
    """What sampling a video took."""

    frames: int
    seconds: float
    cpu_seconds: float
    first_seconds: float
    worker_bytes: int
    own_bytes: int


def pictures(size: tuple[int, int], seconds: int) -> Iterator[av.VideoFrame]:
    """Yield waves and grain that move, and change their colours with each scene."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(0).normal(0, 6, (height, width))
    wave = 110 + 50 * np.sin(x / 40) + 50 * np.sin(y / 30 + x / 90) + grain
    still = wave.clip(0, 255).astype(np.uint8)
    for number in range(seconds * RATE):
        moved = np.roll(still, 3 * number, axis=1)
        colours = np.stack((moved, moved // 2, 255 - moved), axis=2)
        scene = number // RATE // SCENE_SECONDS % 3
        pixels = np.ascontiguousarray(np.roll(colours, scene, axis=2))
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        yield frame


def made(codec: str, options: dict[str, str], size: tuple[int, int], seconds: int) -> bytes:
    """Return a video."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream = cast(VideoStream, output.add_stream(codec, rate=RATE, options=options))
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame in pictures(size, seconds):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def repeated(minute: bytes, times: int) -> bytes:
    """Return a minute of video so many times in a row."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as output:
        stream: VideoStream | None = None
        for turn in range(times):
            with av.open(io.BytesIO(minute), "r") as given:
                video = given.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                later = round(turn * MINUTE / (video.time_base or 1))
                for packet in given.demux(video):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts, packet.dts = packet.pts + later, packet.dts + later
                        packet.stream = stream
                        output.mux(packet)
    return buffer.getvalue()


def decoded(data: bytes) -> float:
    """Return how many frames are decoded in a second of processor time, if all are."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        started = time.process_time()
        count = len([None for _ in container.decode(stream)])
        return count / (time.process_time() - started)


async def sampled(decoder: ProcessVideoDecoder, data: bytes) -> Sampled:
    """Sample a video as a caller does, and drop each frame."""
    forget_peak()
    started, cpu_started = time.perf_counter(), children_cpu_seconds()
    first, frames, worker_bytes = 0.0, 0, 0
    async with decoder.open() as reading:
        pid = max(decoder.pids)
        for start in range(0, len(data), CHUNK_BYTES):
            await reading.feed(data[start : start + CHUNK_BYTES])
        await reading.finish()
        async for event in reading.events():
            if isinstance(event, SampledFrame):
                frames += 1
                first = first or time.perf_counter() - started
                worker_bytes = max(worker_bytes, peak_bytes(str(pid)))
    took = time.perf_counter() - started
    cpu_seconds = children_cpu_seconds() - cpu_started
    return Sampled(frames, took, cpu_seconds, first, worker_bytes, peak_bytes("self"))


def children_cpu_seconds() -> float:
    """Return the processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def forget_peak() -> None:
    """Have this process's peak of memory count from now."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(pid: str) -> int:
    """Return the most memory that a process has had."""
    lines = Path("/proc", pid, "status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


async def speed(console: Console) -> None:
    """Print how fast videos are sampled."""
    table = Table(
        "20 s of 720p30", "decoded, frames/s", "sampled, frames/s", "of decoding", "looked at"
    )
    decoder = ProcessVideoDecoder(workers=1)
    await decoder.warm_up()
    for name, (codec, options) in KINDS.items():
        data = made(codec, options, SPEED_SIZE, SPEED_SECONDS)
        raw, took = decoded(data), await sampled(decoder, data)
        rate = SPEED_SECONDS * RATE / took.cpu_seconds
        looked = str(took.frames)
        table.add_row(name, f"{raw:,.0f}", f"{rate:,.0f}", f"{rate / raw:.1f} ×", looked)
    decoder.close()
    console.print(table)


async def memory(console: Console) -> None:
    """Print what a minute and an hour take."""
    table = Table(
        "length", "MB", "looked at", "CPU s", "first frame", "peak of worker", "of this process"
    )
    decoder = ProcessVideoDecoder(workers=1)
    minute = made("libx264", SMALL, MEMORY_SIZE, MINUTE)
    hour = repeated(minute, HOUR_MINUTES)
    for name, data in (("1 minute", minute), ("1 hour", hour), ("1 minute", minute)):
        await decoder.warm_up()
        took = await sampled(decoder, data)
        table.add_row(
            name,
            f"{len(data) / 1e6:,.1f}",
            str(took.frames),
            f"{took.cpu_seconds:,.1f}",
            f"{1e3 * took.first_seconds:,.0f} ms",
            f"{took.worker_bytes / 1e6:,.0f} MB",
            f"{took.own_bytes / 1e6:,.0f} MB",
        )
    decoder.close()
    console.print(table)
    console.print("This process holds all the files itself.")


async def measured(console: Console) -> None:
    """Run both."""
    await speed(console)
    await memory(console)


def main(console: Console) -> None:
    """Run them."""
    asyncio.run(measured(console))
