"""What a job costs: through SQLite, PostgreSQL, and PostgreSQL with NATS, and how soon it is told.

Classifiers are off, so that what is measured is accepting, storing, handing out, deciding, and
calling back. Beside it stands what the same database does when it is only asked to insert a row and
commit, one by one, in the same run. Callers and receiver share the machine with what is measured,
so each one's processor time is told apart: unlike jobs a second, it hardly depends on that.
"""

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import grpc.aio
from gavel.v1 import content_pb2, content_service_pb2_grpc
from gavel.v1.content_service_pb2 import SubmitContentRequest
from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table
from tests.callback_receiver import Arrival, Receiver, receiving, says
from tests.databases import Postgres, running_postgres
from tests.nats_server import nats_binary

from bench.load import over_grpc, until_answered
from bench.overhead import PATH as TEXT_PATH
from bench.servers import Processes, free_port, gavel_server, process
from gaveld.adapters.secrets import new_key

GAVEL: Final = str(Path(sys.executable).with_name("gavel"))
JOBS: Final = 1_000
CALLERS: Final = 16
HALF_LOAD_SECONDS: Final = 15.0
INSERT_SECONDS: Final = 4.0
ROW: Final = b"x" * 300
"""About what a job's payload takes."""
LOOK_SECONDS: Final = 0.05
DONE: Final = "SELECT count(*) FROM jobs WHERE state = 'done'"
TEXT: Final = "good morning everyone, did the parcel arrive?"
POLICY: Final = json.dumps({"name": "bench", "on_incomplete": "allow", "categories": {}})
SETTINGS: Final = {
    "GAVEL_TEXT__CLASSIFIERS": "[]",
    "GAVEL_IMAGES__CLASSIFIERS": "[]",
    "GAVEL_PANEL__EMBEDDED": "false",
    "GAVEL_CALLBACKS__INTERNAL_HOSTS": '["127.0.0.1"]',
}


@dataclass(frozen=True)
class Setup:
    """A server that takes content, and the database under it: a file's path or a server's URL."""

    name: str
    address: str
    database: str
    processes: tuple[Processes, ...]
    stores: tuple[Processes, ...] = ()

    @asynccontextmanager
    async def counting(self) -> AsyncIterator["Done"]:
        """Open what counts the jobs that are done."""
        if self.database.startswith("/"):
            file = f"file:{self.database}?mode=ro"
            with contextlib.closing(sqlite3.connect(file, uri=True)) as connection:

                async def done() -> int:
                    return int(connection.execute(DONE).fetchone()[0])

                yield done
            return
        looking = await asyncpg.connect(self.database)
        try:
            yield lambda: looking.fetchval(DONE)
        finally:
            await looking.close()

    async def inserts_per_second(self) -> float:
        """Insert rows and commit each, as many callers at once as calls have; SQLite takes one."""
        if self.database.startswith("/"):
            return await asyncio.to_thread(
                _sqlite_inserts, Path(self.database).with_name("bare.db")
            )
        return await _postgres_inserts(self.database)


Done = Callable[[], Awaitable[int]]
"""Counts the jobs that are done so far."""


class Cpu(NamedTuple):
    """Seconds of the CPU: of servers and workers, of database and NATS, and of callers."""

    gavel: float
    stores: float
    callers: float

    @classmethod
    def of(cls, setup: Setup) -> "Cpu":
        """Return what was used so far; what SQLite uses is in the first."""
        return cls(
            sum(entry.cpu_seconds() for entry in setup.processes),
            sum(entry.cpu_seconds() for entry in setup.stores),
            time.process_time(),
        )

    def ms_a_job(self, before: "Cpu") -> str:
        """Return what each of so many jobs took since then."""
        used = (f"{(now - then) / JOBS * 1e3:.1f}" for now, then in zip(self, before, strict=True))
        return " / ".join(used)


def main(console: Console) -> None:
    """Run the benchmark and print one row for each set-up."""
    table = Table(
        "through",
        "bare inserts/s",
        "jobs/s",
        "ratio",
        "CPU ms a job: Gavel / stores / callers",
        "jobs/s, each with a callback",
        "CPU ms a job",
        "half load, jobs/s",
        "accepted to callback, p50 ms",
        "p99 ms",
    )
    with sqlite_setup() as setup:
        table.add_row(*asyncio.run(measured(setup)))
    with running_postgres(fsync="on") as postgres:
        with postgres_setup(postgres) as setup:
            table.add_row(*asyncio.run(measured(setup)))
        with nats_setup(postgres) as setup:
            table.add_row(*asyncio.run(measured(setup)))
    console.print(table)


async def measured(setup: Setup) -> tuple[str, ...]:
    """Measure one set-up and return its row."""
    question = ModerateTextRequest(text=TEXT).SerializeToString()
    await until_answered(over_grpc(setup.address, TEXT_PATH), question)
    bare = await setup.inserts_per_second()
    async with (
        setup.counting() as done,
        callers(setup) as submit,
        receiving(says(204)) as receiver,
    ):
        url = f"http://127.0.0.1:{receiver.port}/"
        await through(done, submit, JOBS // 10, "")
        begun = Cpu.of(setup)
        silent = await through(done, submit, JOBS, "")
        between = Cpu.of(setup)
        told = await through(done, submit, JOBS, url)
        await receiver.wait_for(JOBS)
        ended = Cpu.of(setup)
        delays = await half_load(submit, receiver, told / 2, url)
    return (
        setup.name,
        f"{bare:,.0f}",
        f"{silent:,.0f}",
        f"{bare / silent:.1f}",
        between.ms_a_job(begun),
        f"{told:,.0f}",
        ended.ms_a_job(between),
        f"{told / 2:,.0f}",
        f"{quantile(delays, 0.5) * 1e3:,.0f}",
        f"{quantile(delays, 0.99) * 1e3:,.0f}",
    )


Submit = Callable[[str, str], Awaitable[None]]
"""Submits content under an id, with an address to call back or none, until it is accepted."""


@asynccontextmanager
async def callers(setup: Setup) -> AsyncIterator[Submit]:
    """Open what content is submitted over."""
    async with grpc.aio.insecure_channel(setup.address) as channel:
        stub = content_service_pb2_grpc.ContentServiceStub(channel)

        async def submit(content_id: str, callback_url: str) -> None:
            await stub.SubmitContent(
                SubmitContentRequest(
                    content_id=content_id,
                    fields={"text": content_pb2.FieldValue(string_value=TEXT)},
                    callback_url=callback_url,
                ),
                timeout=60,
            )

        yield submit


async def through(done: Done, submit: Submit, jobs: int, callback_url: str) -> float:
    """Submit so many, several at once, and return how many a second were accepted and done."""
    before, started = await done(), time.perf_counter()
    left = iter(range(jobs))

    async def call_again_and_again() -> None:
        for _ in left:
            await submit(uuid.uuid4().hex, callback_url)

    await asyncio.gather(*(call_again_and_again() for _ in range(CALLERS)))
    while True:
        if await done() >= before + jobs:
            return jobs / (time.perf_counter() - started)
        await asyncio.sleep(LOOK_SECONDS)


async def half_load(
    submit: Submit, receiver: Receiver, per_second: float, callback_url: str
) -> list[float]:
    """Submit at random moments, so many a second, and return how long each callback took.

    From the moment that the caller knew that it was accepted, in seconds.
    """
    accepted: dict[str, float] = {}
    arrived: dict[str, float] = {}
    taken = says(204)

    async def answer(arrival: Arrival, writer: asyncio.StreamWriter) -> None:
        arrived.setdefault(json.loads(arrival.body)["contentId"], time.perf_counter())
        async with receiver.arrived:
            receiver.arrived.notify_all()
        await taken(arrival, writer)

    async def submit_one(content_id: str) -> None:
        await submit(content_id, callback_url)
        accepted[content_id] = time.perf_counter()

    receiver.answer = answer
    rng, until = random.Random(1), time.perf_counter() + HALF_LOAD_SECONDS
    async with asyncio.TaskGroup() as group:
        while time.perf_counter() < until:
            group.create_task(submit_one(uuid.uuid4().hex))
            await asyncio.sleep(rng.expovariate(per_second))
    async with asyncio.timeout(60), receiver.arrived:
        await receiver.arrived.wait_for(lambda: accepted.keys() <= arrived.keys())
    return [max(arrived[content_id] - at, 0.0) for content_id, at in accepted.items()]


def quantile(delays: list[float], share: float) -> float:
    """Return the delay that ``share`` of all stayed under."""
    return sorted(delays)[min(len(delays) - 1, int(share * len(delays)))]


def _sqlite_inserts(file: Path) -> float:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, payload BLOB)")
        count, started = 0, time.perf_counter()
        while (seconds := time.perf_counter() - started) < INSERT_SECONDS:
            connection.execute("INSERT INTO bare VALUES (?, ?)", (uuid.uuid4().hex, ROW))
            count += 1
        return count / seconds


async def _postgres_inserts(url: str) -> float:
    async with asyncpg.create_pool(url, min_size=CALLERS, max_size=CALLERS) as pool:
        await pool.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, payload BYTEA)")
        started = time.perf_counter()

        async def insert_again_and_again() -> int:
            count = 0
            async with pool.acquire() as connection:
                while time.perf_counter() - started < INSERT_SECONDS:
                    row = (uuid.uuid4().hex, ROW)
                    await connection.execute("INSERT INTO bare VALUES ($1, $2)", *row)
                    count += 1
            return count

        counts = await asyncio.gather(*(insert_again_and_again() for _ in range(CALLERS)))
        return sum(counts) / (time.perf_counter() - started)


@contextmanager
def sqlite_setup() -> Iterator[Setup]:
    """One server with its workers, on a file."""
    with policy_file() as policy:
        database = str(policy.with_name("gavel.db"))
        storage = {"GAVEL_STORAGE__URL": f"sqlite+aiosqlite:///{database}"}
        with gavel_server({**SETTINGS, **storage, "GAVEL_POLICY__FILE": str(policy)}) as server:
            yield Setup("SQLite", server.address, database, (server.processes,))


@contextmanager
def postgres_setup(postgres: Postgres) -> Iterator[Setup]:
    """One server with its workers, on PostgreSQL."""
    with policy_file() as policy:
        url, settings = migrated(postgres, policy)
        with gavel_server(settings) as server:
            yield Setup(
                "PostgreSQL", server.address, url, (server.processes,), (Processes(postgres.pid),)
            )


@contextmanager
def nats_setup(postgres: Postgres) -> Iterator[Setup]:
    """A server that only answers, and a process of workers, on PostgreSQL and NATS."""
    with policy_file() as policy, nats_server() as (nats_url, nats):
        url, settings = migrated(postgres, policy)
        settings["GAVEL_NATS__URL"] = nats_url
        none = {"GAVEL_WORK__WORKERS": "0", "GAVEL_CALLBACKS__MAX_AT_ONCE": "0"}
        worker = {"GAVEL_OPS__PORT": "0", "GAVEL_LOG__LEVEL": "warning"}
        with (
            gavel_server({**settings, **none}) as server,
            process([GAVEL, "worker"], {**settings, **worker}) as working,
        ):
            processes = (server.processes, working)
            stores = (Processes(postgres.pid), nats)
            yield Setup("PostgreSQL and NATS", server.address, url, processes, stores)


@contextmanager
def policy_file() -> Iterator[Path]:
    """A policy under which nothing goes to people, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(POLICY, "utf-8")
        yield path


def migrated(postgres: Postgres, policy: Path) -> tuple[str, dict[str, str]]:
    """Make a database with the schema, and return its URL and the settings that name it."""
    url = asyncio.run(postgres.new_url())
    key = policy.with_name("secrets.key")
    key.write_text(f"{new_key()}\n", "utf-8")
    settings = {
        **SETTINGS,
        "GAVEL_STORAGE__URL": url,
        "GAVEL_POLICY__FILE": str(policy),
        "GAVEL_SECRETS__KEY_FILE": str(key),
    }
    subprocess.run(
        [GAVEL, "migrate"], env={**os.environ, **settings}, check=True, capture_output=True
    )
    return url, settings


@contextmanager
def nats_server() -> Iterator[tuple[str, Processes]]:
    """Run a NATS with JetStream on disk, and give its address and process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as store:
        command = [nats_binary(), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", store]
        with process(command, {}, log=Path(store, "nats.log")) as running:
            yield f"nats://127.0.0.1:{port}", running
