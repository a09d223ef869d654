"""The worker process: takes one file at a time from its parent, and answers with frames.

It confines itself: memory, open files, no core dumps, and alarms that end it when a file takes too
long, whatever code it is in. It is started as ``python -m gaveld.adapters.image.decode.worker
LIMITS`` with a socket for its standard input, and ends when the parent closes that.
"""

import json
import os
import resource
import signal
import socket
import sys
from typing import Final

from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.adapters.image.decode.pictures import DecodedFile, decode_file
from gaveld.adapters.image.decode.protocol import MAX_MESSAGE_BYTES, READY, TOO_BIG, memory_with
from gaveld.domain.media import MediaRefused
from gaveld.domain.media_formats import MediaFormat

OPEN_FILES: Final = 32
ALARM_SECONDS: Final = 1.0
"""So long after its wall time a worker ends itself; its parent does so in time, if it lives."""


def serve(channel: socket.socket, limits: DecodeLimits) -> None:
    """Answer one file after another until the parent closes the channel, or memory runs out."""
    channel.send(READY)
    while True:
        message, files, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 1)
        if not message:
            return
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)  # SIGPROF, which nobody handles
        signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds + ALARM_SECONDS)
        try:
            answer(channel, files[0], MediaFormat(message.decode()), limits)
        except MemoryError:
            _say(channel, {"failed": TOO_BIG})
            return  # what is left of the memory is in pieces
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def answer(channel: socket.socket, source: int, of: MediaFormat, limits: DecodeLimits) -> None:
    """Decode the file behind a descriptor and send what it shows, or why it is refused."""
    with open(source, "rb") as file:
        file.seek(0)
        data = file.read()
    try:
        decoded = decode_file(data, of, limits)
    except MediaRefused as refused:
        _say(channel, {"refused": refused.refusal.value, "detail": refused.detail})
        return
    pixels = memory_with(*(frame.rgb for frame in decoded.frames))
    try:
        socket.send_fds(channel, [json.dumps(_told(decoded)).encode()], [pixels])
    finally:
        os.close(pixels)


def confine(limits: DecodeLimits) -> None:
    """Give up for good what decoding doesn't need."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to children too
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(kind, (most, most))


def _told(decoded: DecodedFile) -> dict[str, object]:
    return {
        "width": decoded.width,
        "height": decoded.height,
        "frame_count": decoded.frame_count,
        "duration_seconds": decoded.duration_seconds,
        "unread": decoded.unread,
        "frames": [
            (frame.index, frame.start_seconds, frame.width, frame.height)
            for frame in decoded.frames
        ],
    }


def _say(channel: socket.socket, message: dict[str, object]) -> None:
    channel.send(json.dumps(message).encode())


if __name__ == "__main__":
    _LIMITS = DecodeLimits(**json.loads(sys.argv[1]))
    confine(_LIMITS)
    with socket.socket(fileno=0) as _CHANNEL:
        serve(_CHANNEL, _LIMITS)
