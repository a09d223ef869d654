"""Processes that are killed and come back, as under a supervisor, and what kills them."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

RESTART_SECONDS = 0.1


class Victim(Protocol):
    """Something to kill."""

    @property
    def name(self) -> str: ...

    async def kill(self) -> None:
        """Kill it at once, by a signal that it can't see."""
        ...

    async def revive(self) -> None:
        """Have it running again, though it may not be ready yet."""
        ...


@dataclass
class Kept:
    """A `gavel` process that is started again whenever it ends, in the same folder.

    ``ended`` counts the times that it ended unasked, as where its database was away.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    ended: int = 0
    _process: asyncio.subprocess.Process | None = None
    _keeper: asyncio.Task[None] | None = None
    _killed: bool = field(default=False)

    async def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it for good."""
        assert self._keeper is not None
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._killed = True
            self._process.kill()

    async def revive(self) -> None:
        """The keeper does."""

    async def _keep(self) -> None:
        command = Path(sys.executable).with_name("gavel")
        inherited = {name: value for name, value in os.environ.items() if "GAVEL_" not in name}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            while True:
                self._killed = False
                self._process = await asyncio.create_subprocess_exec(
                    command,
                    *self.arguments,
                    cwd=self.folder,
                    env={**inherited, **self.environment},
                    stdout=log,
                    stderr=log,
                )
                await self._process.wait()
                self.ended += not self._killed
                await asyncio.sleep(RESTART_SECONDS)


@dataclass
class Stopped:
    """A store that somebody else knows how to kill and start."""

    name: str
    kill: Callable[[], Awaitable[None]]
    revive: Callable[[], Awaitable[None]]
