"""The two set-ups that are killed: one server on SQLite, and many processes on shared stores."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.secrets import new_key
from tests.databases import engine_for, running_postgres
from tests.e2e.command import gavel
from tests.kill.callbacks import SECRET
from tests.kill.processes import Kept, Stopped, Victim
from tests.nats_server import free_port, running_nats

LEASE_SECONDS = 5
FOLDER = Path("build", "kill").resolve()


@dataclass(frozen=True)
class Setup:
    """Where content is submitted, what may be killed, and the database under it."""

    address: str
    victims: Sequence[Victim]
    processes: Sequence[Kept]
    engine: AsyncEngine
    folder: Path


def policy(callback_port: int) -> str:
    """A policy whose one rule sends one callback for whatever is submitted. JSON is YAML."""
    return json.dumps(
        {
            "name": "kill",
            "on_incomplete": "allow",
            "categories": {},
            "actions": [
                {
                    "name": "tell",
                    "callback_url": f"http://127.0.0.1:{callback_port}/callback",
                    "secret": SECRET,
                }
            ],
            "rules": [{"name": "always", "condition": "true", "actions": ["tell"]}],
        }
    )


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Settings that judge at once, give up leases soon, and may call back to loopback."""
    return {
        "GAVEL_POLICY__FILE": str(folder / "policy.yaml"),
        "GAVEL_TEXT__CLASSIFIERS": '["terms"]',
        "GAVEL_IMAGES__CLASSIFIERS": "[]",
        "GAVEL_PANEL__EMBEDDED": "false",
        "GAVEL_REST__ENABLED": "false",
        "GAVEL_OPS__PORT": "0",
        "GAVEL_WORK__LEASE_SECONDS": str(LEASE_SECONDS),
        "GAVEL_WORK__ATTEMPTS": "100",
        "GAVEL_WORK__SWEEP_SECONDS": "1",
        "GAVEL_CALLBACKS__TIMEOUT_SECONDS": "2",
        "GAVEL_CALLBACKS__POLL_SECONDS": "0.2",
        "GAVEL_CALLBACKS__INTERNAL_HOSTS": '["127.0.0.1"]',
        "GAVEL_SHUTDOWN__NOTICE_SECONDS": "0",
        **settings,
    }


def scratch(name: str, callback_port: int) -> Path:
    """Make an empty folder with the policy in it. It stays, with the logs, until the next run."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text(policy(callback_port), "utf-8")
    return folder


@asynccontextmanager
async def sqlite(callback_port: int) -> AsyncIterator[Setup]:
    """One `gavel serve` that does everything, on a file of SQLite."""
    async with AsyncExitStack() as stack:
        folder, port = scratch("sqlite", callback_port), free_port()
        url = f"sqlite+aiosqlite:///{folder}/gavel.db"
        settings = environment(folder, GAVEL_GRPC__PORT=str(port), GAVEL_STORAGE__URL=url)
        server = await started(stack, folder, "server", ("serve",), settings)
        engine = await opened(stack, url)
        yield Setup(f"127.0.0.1:{port}", [server], [server], engine, folder)


@asynccontextmanager
async def scaled(callback_port: int) -> AsyncIterator[Setup]:
    """A server that only answers and two workers, on PostgreSQL and NATS."""
    async with AsyncExitStack() as stack:
        folder, port = scratch("scaled", callback_port), free_port()
        nats = await stack.enter_async_context(running_nats())
        postgres = stack.enter_context(running_postgres())
        url = await postgres.new_url()
        key = folder / "secrets.key"
        key.write_text(f"{new_key()}\n", "utf-8")
        shared = {
            "GAVEL_STORAGE__URL": url,
            "GAVEL_NATS__URL": nats.url,
            "GAVEL_SECRETS__KEY_FILE": str(key),
        }
        await migrated(folder, shared)
        only_answers = {"GAVEL_WORK__WORKERS": "0", "GAVEL_CALLBACKS__MAX_AT_ONCE": "0"}
        api = environment(folder, GAVEL_GRPC__PORT=str(port), **shared, **only_answers)
        server = await started(stack, folder, "server", ("serve",), api)
        workers = [
            await started(stack, folder, name, ("worker",), environment(folder, **shared))
            for name in ("worker 1", "worker 2")
        ]

        async def kill_postgres() -> None:
            postgres.kill()

        stores = [
            Stopped("nats", nats.kill, nats.start),
            Stopped("postgres", kill_postgres, lambda: asyncio.to_thread(postgres.revive)),
        ]
        engine = await opened(stack, url)
        processes = [server, *workers]
        yield Setup(f"127.0.0.1:{port}", [*processes, *stores], processes, engine, folder)


async def migrated(folder: Path, environment: Mapping[str, str]) -> None:
    done = await gavel("migrate", folder=folder, environment=environment)
    assert done.status == 0, done.errors


async def started(
    stack: AsyncExitStack,
    folder: Path,
    name: str,
    arguments: tuple[str, ...],
    settings: Mapping[str, str],
) -> Kept:
    process = Kept(name, arguments, settings, folder)
    await process.start()
    stack.push_async_callback(process.stop)
    return process


async def opened(stack: AsyncExitStack, url: str) -> AsyncEngine:
    engine = engine_for(url)
    stack.push_async_callback(engine.dispose)
    return engine


SETUPS = {"sqlite": sqlite, "scaled": scaled}
