"""How a process that serves begins and ends: ports that open or say why, signals that end it."""

import asyncio
import contextlib
import signal
import ssl
from collections.abc import Awaitable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from gaveld.bootstrap.settings import SettingsError

T = TypeVar("T")

Ended = asyncio.Queue[signal.Signals]
"""The signals that asked for the end, as they come."""


async def opened(key: str, port: int, opening: Awaitable[T]) -> T:
    """Await the opening of a port. Raises ``SettingsError`` that names the setting."""
    try:
        return await opening
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"{key}: can't listen on port {port}: {error}") from error


def unusable(key: str, files: Sequence[Path], error: OSError) -> SettingsError:
    """Return what to say of a setting whose TLS files can't be used."""
    cause = str(error)
    if isinstance(error, ssl.SSLError) and error.reason:
        cause = error.reason.replace("_", " ").lower()
    return SettingsError(f"{key}: {', '.join(map(str, files))} can't be used: {cause}")


def end_signals() -> Ended:
    """Have SIGTERM and SIGINT put into a queue instead of ending the process."""
    received: Ended = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.put_nowait, number)
    return received


async def patiently(draining: Coroutine[Any, Any, None], ended: Ended) -> None:
    """Wait until what is in progress is done, or until somebody asks for the end once more."""
    done = asyncio.create_task(draining)
    impatience = asyncio.create_task(ended.get())
    await asyncio.wait({done, impatience}, return_when=asyncio.FIRST_COMPLETED)
    for task in (done, impatience):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
