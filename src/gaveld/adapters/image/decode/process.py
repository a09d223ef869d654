"""The parent's handle on one worker process: starts it, asks it, and ends it when it misbehaves.

What a worker says is data to be checked, never code: a file may have taken it over.
"""

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Final

from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.adapters.image.decode.protocol import MAX_MESSAGE_BYTES, READY, TOO_BIG, memory_with
from gaveld.domain.media import (
    Frame,
    MediaFacts,
    MediaFile,
    MediaKind,
    MediaRefusal,
    MediaRefused,
    Picture,
)

START_SECONDS: Final = 60.0
"""A worker that takes longer to load its libraries never will."""

POLL_SECONDS: Final = 0.025
GRACE_SECONDS: Final = 0.05
"""So long a decoding that nobody waits for any more may still end by itself."""

DEATH_SECONDS: Final = 1.0
"""So long after its channel closed a process may take to be gone; one that isn't is killed."""

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_MODULE: Final = "gaveld.adapters.image.decode.worker"


class Abandoned(Exception):  # noqa: N818 - it is no error, it unwinds a thread
    """Nobody waits for the answer any more."""


class WorkerLost(Exception):  # noqa: N818 - the state, as the domain's errors are named
    """The worker died, or said what no worker says."""


class WorkerProcess:
    """One worker, started when it is first needed, and again after it was ended.

    Used by one thread at a time.
    """

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._is_ready = False

    @property
    def pid(self) -> int | None:
        """The process's id; None if none was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process if none runs. It loads its libraries while the caller goes on."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", _MODULE, json.dumps(asdict(self._limits))],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        self._channel = ours

    def wait_ready(self, is_abandoned: Callable[[], bool]) -> None:
        """Start the process if need be, and wait for it.

        Raises ``WorkerLost`` if it doesn't start, and ``Abandoned``, which leaves it starting.
        """
        self.start()
        if self._is_ready:
            return
        try:
            with self._received(START_SECONDS, is_abandoned) as (message, _):
                self._is_ready = message == READY
        except (WorkerLost, TimeoutError, OSError):
            self.stop()
        if not self._is_ready:
            raise WorkerLost("the decoding process does not start")

    def decode(self, file: MediaFile, is_abandoned: Callable[[], bool]) -> Picture:
        """Return what the file shows. Raises ``MediaRefused``, ``Abandoned`` or ``WorkerLost``.

        Whatever happened, the worker can be asked again.
        """
        self.wait_ready(is_abandoned)
        try:
            self._send(file)
            with self._received(self._limits.wall_seconds, is_abandoned) as (message, pixels):
                return self._picture(file, json.loads(message), pixels)
        except MediaRefused:
            raise
        except TimeoutError:
            self._restart()
            maximum = f"{self._limits.cpu_seconds:g}"
            raise MediaRefused(
                MediaRefusal.DECODING_TOO_LONG, limit="decode_cpu_seconds", maximum=maximum
            ) from None
        except Abandoned:
            self._restart()
            raise
        except Exception:  # noqa: BLE001 - a worker may be made to say anything
            self._restart()
            raise MediaRefused(MediaRefusal.DECODER_CRASHED, format=file.format.value) from None

    def stop(self) -> None:
        """End the process, whatever it does, and wait until it is gone. Idempotent."""
        self._is_ready = False
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _restart(self) -> None:
        self.stop()
        self.start()

    def _send(self, file: MediaFile) -> None:
        source = memory_with(file.data)
        try:
            socket.send_fds(self._open_channel, [file.format.value.encode()], [source])
        finally:
            os.close(source)

    @property
    def _open_channel(self) -> socket.socket:
        if self._channel is None:
            raise WorkerLost("the worker was never started")
        return self._channel

    @contextmanager
    def _received(
        self, seconds: float, is_abandoned: Callable[[], bool]
    ) -> Iterator[tuple[bytes, int | None]]:
        """Yield the next message and the descriptor that came with it, which is closed after."""
        channel = self._open_channel
        until = time.monotonic() + seconds
        while not select.select([channel], [], [], POLL_SECONDS)[0]:
            if time.monotonic() > until:
                raise TimeoutError
            if is_abandoned():
                if select.select([channel], [], [], GRACE_SECONDS)[0]:
                    break
                raise Abandoned
        message, descriptors, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 1)
        try:
            if not message:
                raise self._death()
            yield message, next(iter(descriptors), None)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _death(self) -> Exception:
        """Return what it means that the worker closed its channel: its own alarm, or a crash."""
        status = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(DEATH_SECONDS)
        return TimeoutError() if status == -signal.SIGPROF else WorkerLost("the worker died")

    def _picture(self, file: MediaFile, told: Mapping[str, Any], pixels: int | None) -> Picture:
        if told.get("failed") == TOO_BIG:
            self._restart()
            maximum = str(self._limits.memory_bytes)
            raise MediaRefused(
                MediaRefusal.DECODING_TOO_BIG, limit="decode_memory_bytes", maximum=maximum
            )
        if "refused" in told:
            detail = {str(name): str(value) for name, value in told["detail"].items()}
            raise MediaRefused(MediaRefusal(told["refused"]), **detail)
        if pixels is None:
            raise WorkerLost("the worker sent no frames")
        frames = tuple(_frames(told["frames"], _mapped(pixels)))
        return Picture(_facts(file, told, len(frames)), frames, str(told["unread"]))


def _mapped(pixels: int) -> memoryview:
    """Return the bytes behind a descriptor, which nobody can change or take away any more."""
    fcntl.fcntl(pixels, fcntl.F_ADD_SEALS, _SEALS)
    return memoryview(mmap.mmap(pixels, 0, mmap.MAP_PRIVATE, mmap.PROT_READ))


def _frames(told: list[list[Any]], pixels: memoryview) -> Iterator[Frame]:
    at = 0
    for index, start_seconds, width, height in told:
        size = int(width) * int(height) * 3
        rgb = pixels[at : at + size]
        yield Frame(int(index), float(start_seconds), int(width), int(height), rgb)
        at += size


def _facts(file: MediaFile, told: Mapping[str, Any], judged: int) -> MediaFacts:
    frame_count, duration = int(told["frame_count"]), told["duration_seconds"]
    is_still = frame_count == 1
    return MediaFacts(
        sha256=file.sha256,
        format=file.format,
        kind=MediaKind.IMAGE if is_still else MediaKind.ANIMATION,
        width_pixels=int(told["width"]),
        height_pixels=int(told["height"]),
        frame_count=frame_count,
        judged_frame_count=judged,
        byte_count=len(file.data),
        duration_seconds=None if is_still or duration is None else float(duration),
        is_partial=bool(told["unread"]),
    )


def _environment() -> dict[str, str]:
    """Return what a worker needs of the environment: where the code is, and no secret."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        # Large blocks go back to the system at once, so that one big picture leaves nothing behind.
        "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
    }
