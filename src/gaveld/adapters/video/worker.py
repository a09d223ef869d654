"""The worker process: reads one video while its parent writes it, and tells what it shows.

It confines itself before it looks at the first byte: memory, processor time, no core dumps, no
files to open or to write, no children. It is started as ``python -m gaveld.adapters.video.worker
LIMITS DESCRIPTOR``, with the file behind the descriptor and pipes for standard input and output;
it reads one file in its life.
"""

import gc
import json
import math
import os
import resource
import signal
import sys
from typing import Any, Final

import av.audio.stream
import av.logging
import av.subtitles.stream
import av.video.stream
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

from gaveld.adapters.video.arriving import Arrivals
from gaveld.adapters.video.extraction import extract
from gaveld.adapters.video.limits import VideoLimits
from gaveld.adapters.video.pictures import Developer
from gaveld.adapters.video.protocol import MAX_HEAD_BYTES, Order, packed
from gaveld.adapters.video.telling import Telling
from gaveld.domain.media import MediaRefused

STARTING_CPU_SECONDS: Final = 30
"""So much more processor time than a video may take a worker has in its life."""

_FROM_PARENT: Final = 0
_TO_PARENT: Final = 1


def main() -> None:
    """Read the file that the parent orders."""
    limits = VideoLimits(**json.loads(sys.argv[1]))
    load()
    confine(limits)
    say({"ready": True})
    order = _order()
    if order is None:
        return
    arrivals = Arrivals(int(sys.argv[2]), _FROM_PARENT, lambda size: say({"starved": size}))
    try:
        extract(
            arrivals,
            order,
            limits,
            Telling(say, limits.max_frame_pixels),
            tell_alive=lambda: say({"alive": True}),
            tell_waiting=lambda: say({"waiting": True}),
        )
    except MediaRefused as refused:
        say({"refused": refused.refusal.value, "detail": refused.detail})
    except MemoryError:
        say({"too_big": True})


def load() -> None:
    """Have libraries load what they only load when it is needed; later no file can be opened."""
    Developer(1).pixels(VideoFrame(2, 2))
    AudioResampler(format="s16")
    gc.freeze()  # what is loaded stays, and collecting what does not is quick


def confine(limits: VideoLimits) -> None:
    """Give up for good what decoding doesn't need."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to children too
    av.logging.set_level(None)
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, math.ceil(limits.cpu_seconds) + STARTING_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (most, most))


def say(head: dict[str, Any], body: bytes = b"") -> None:
    """Say something, and wait until the parent has taken most of it."""
    rest = memoryview(packed(head, body))
    while rest:
        rest = rest[os.write(_TO_PARENT, rest) :]


def _order() -> Order | None:
    """Return what to do; None if the parent is gone. What follows the line is only a bell."""
    line = b""
    while b"\n" not in line:
        data = os.read(_FROM_PARENT, MAX_HEAD_BYTES)
        if not data:
            return None
        line += data
    return Order(**json.loads(line.split(b"\n")[0]))


if __name__ == "__main__":
    main()
