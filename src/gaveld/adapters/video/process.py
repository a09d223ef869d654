"""The parent's handle on one worker process: starts it, hears what it says, and ends it.

What a worker says is data to be checked, never code: a file may have taken it over.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from gaveld.adapters.video.limits import VideoLimits
from gaveld.adapters.video.protocol import LENGTHS, MAX_HEAD_BYTES, SOUND_BYTES, Order
from gaveld.adapters.video.spool import Spool

START_SECONDS: Final = 60.0
"""A worker that takes longer to load its libraries never will."""

DEATH_SECONDS: Final = 1.0
"""So long after its pipe closed a process may take to be gone."""

_MODULE: Final = "gaveld.adapters.video.worker"
_ALARMS: Final = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
_BELL: Final = b"."
_WAITING_BYTES: Final = 1 << 16


class WorkerLost(Exception):  # noqa: N818 - the state, as the domain's errors are named
    """The worker died, or said what no worker says."""


class TooLong(Exception):  # noqa: N818 - likewise
    """The worker took too much processor time, or hangs."""


class WorkerProcess:
    """One worker, which reads one file in its life, and the file."""

    def __init__(self, limits: VideoLimits, spool: Spool) -> None:
        """Start the process. It loads its libraries while the caller goes on."""
        self.spool = spool
        self._max_body_bytes = max(3 * limits.max_frame_pixels, SOUND_BYTES)
        self._messages: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None
        file = spool.open_to_read()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", _MODULE, json.dumps(asdict(limits)), str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(file,),
                env=_environment(),
            )
        finally:
            os.close(file)
        os.set_blocking(self._bell, False)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def order(self, order: Order) -> None:
        """Say what to read."""
        with suppress(OSError):  # a worker that is gone is found out by who waits for its word
            os.write(self._bell, json.dumps(asdict(order)).encode() + b"\n")

    def ring(self) -> None:
        """Say that the file has grown. A bell that was not heard yet need not be rung again."""
        with suppress(OSError, ValueError):
            os.write(self._bell, _BELL)

    def close_bell(self) -> None:
        """Say that the file is whole."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def heard(self) -> tuple[dict[str, Any], bytes]:
        """Return the next message, its head and its bytes.

        Raises ``WorkerLost`` and ``TooLong``. After a cancelled call there is no next message.
        """
        messages = await self._opened()
        try:
            head_size, body_size = LENGTHS.unpack(await messages.readexactly(LENGTHS.size))
            if head_size > MAX_HEAD_BYTES or body_size > self._max_body_bytes:
                raise WorkerLost("a message that is too long")
            head = json.loads(await messages.readexactly(head_size))
            return head, await messages.readexactly(body_size)
        except asyncio.IncompleteReadError:
            raise await asyncio.to_thread(self._death) from None
        except (ValueError, RecursionError):
            raise WorkerLost("a message that is none") from None

    def stop(self) -> None:
        """End the process, whatever it does, wait until it is gone, and drop the file. Idempotent.

        Blocks for some milliseconds.
        """
        self.close_bell()
        self._process.kill()
        self._process.wait()
        self.spool.close()

    def close_pipe(self) -> None:
        """Stop listening; to be called on the event loop that heard something. Idempotent."""
        if self._transport is not None:
            self._transport.close()
        elif self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def _bell(self) -> int:
        if self._process.stdin is None:
            raise WorkerLost("the worker has no bell")
        return self._process.stdin.fileno()

    async def _opened(self) -> asyncio.StreamReader:
        if self._messages is None:
            reader = asyncio.StreamReader(_WAITING_BYTES)
            self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
            )
            self._messages = reader
        return self._messages

    def _death(self) -> Exception:
        """Return what it means that the worker closed its pipe: its own alarm, or a crash."""
        status = None
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(DEATH_SECONDS)
        return TooLong() if status in _ALARMS else WorkerLost("the worker died")


def _environment() -> dict[str, str]:
    """Return what a worker needs of the environment: where the code is, and no secret."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        # Large blocks go back to the system at once, so that memory does not depend on length.
        "MALLOC_MMAP_THRESHOLD_": str(1 << 17),
        "MALLOC_ARENA_MAX": "1",
    }
