"""A real server in a process of its own, on loopback, and a real client."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import grpc.aio
import httpx2
import pytest
from gavel.v1 import moderation_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_SECONDS = 180
"""Limits here end what hangs. They measure nothing: the machine may be busy with all else."""
END_SECONDS = 120
ANSWER_SECONDS = 60
TEST_SECONDS = 480


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Let tests of whole processes take longer than others before they are taken to hang."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def opened(path: Path) -> BinaryIO:
    """Open a log to write to."""
    return path.open("wb")


@dataclass
class Server:
    """One running ``gavel serve``."""

    process: asyncio.subprocess.Process
    port: int
    ops_port: int
    rest_port: int
    log: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def exit_status(self) -> int:
        return await asyncio.wait_for(self.process.wait(), END_SECONDS)


@asynccontextmanager
async def running(
    folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Start a server, wait until it serves, and make sure that it is gone afterwards."""
    port, ops_port, rest_port = free_port(), free_port(), free_port()
    log = folder / "server.log"
    with opened(log) as output:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("gavel"),
            "serve",
            cwd=folder,
            env={
                **{
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith("GAVEL_")
                },
                "GAVEL_GRPC__PORT": str(port),
                "GAVEL_OPS__PORT": str(ops_port),
                "GAVEL_REST__PORT": str(rest_port),
                # Engines round differently, and which one is faster is a matter of the moment.
                "GAVEL_TEXT__ENGINE": "onnxruntime",
                **(environment or {}),
            },
            stdout=output,
            stderr=output,
        )
    server = Server(process, port, ops_port, rest_port, log)
    try:
        await _until_serving(server)
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_serving(server: Server) -> None:
    serving = asyncio.create_task(_watch_until_serving(server.address))
    ended = asyncio.create_task(server.process.wait())
    await asyncio.wait({serving, ended}, timeout=START_SECONDS, return_when="FIRST_COMPLETED")
    ended.cancel()
    serving_now = serving.done()
    serving.cancel()
    assert serving_now, server.log.read_text()
    await serving


async def _watch_until_serving(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
        async for answer in watch:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break
        watch.cancel()


async def until_metric(server: Server, name: str, at_least: float, **labels: str) -> None:
    """Read the server's metrics until one of this name and labels has reached a value."""
    pairs = [f'{label}="{value}"' for label, value in labels.items()]
    url = f"http://127.0.0.1:{server.ops_port}/metrics"
    patient = httpx2.AsyncClient(timeout=ANSWER_SECONDS)
    async with patient as client, asyncio.timeout(START_SECONDS):
        while True:
            for line in (await client.get(url)).text.splitlines():
                sample, _, value = line.rpartition(" ")
                head, _, rest = sample.partition("{")
                is_it = head == name and all(pair in rest for pair in pairs)
                if is_it and float(value) >= at_least:
                    return


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Callable]:
    """Start servers that end with the test."""
    async with AsyncExitStack() as stack:
        count = 0

        async def start(**environment: str) -> Server:
            nonlocal count
            count += 1
            folder = tmp_path / str(count)
            folder.mkdir()
            return await stack.enter_async_context(running(folder, environment))

        yield start


@pytest.fixture
async def server(serve) -> Server:
    return await serve()


@pytest.fixture
async def moderation(
    server: Server,
) -> AsyncIterator[moderation_service_pb2_grpc.ModerationServiceStub]:
    """A client of the default server."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield moderation_service_pb2_grpc.ModerationServiceStub(channel)
