"""Servers to measure, each in its own process: Gavel's, and a bare grpc.aio echo as its peer."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
import grpc.aio

ECHO_PATH = "/bench.Echo/Echo"


@contextmanager
def gavel_server(environment: Mapping[str, str]) -> Iterator[str]:
    """Run ``gavel serve`` and give its address."""
    port, ops_port = _free_port(), _free_port()
    settings = {
        "GAVEL_GRPC__PORT": str(port),
        "GAVEL_OPS__PORT": str(ops_port),
        "GAVEL_LOG__LEVEL": "warning",
        **environment,
    }
    command = [str(Path(sys.executable).with_name("gavel")), "serve"]
    with _process(command, settings, port) as address:
        yield address


@contextmanager
def echo_server() -> Iterator[str]:
    """Run a server that answers each message with itself, and give its address."""
    port = _free_port()
    command = [sys.executable, "-m", "bench.servers", str(port)]
    with _process(command, {}, port) as address:
        yield address


@contextmanager
def _process(command: list[str], settings: Mapping[str, str], port: int) -> Iterator[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAVEL_")}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**inherited, **settings, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, cwd=folder, env=environment)
        try:
            address = f"127.0.0.1:{port}"
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(timeout=60)
            yield address
        finally:
            process.terminate()
            process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _serve_echo(port: int) -> None:
    async def echo(request: bytes, _: object) -> bytes:
        return request

    handler = grpc.unary_unary_rpc_method_handler(echo)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler})]
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve_echo(int(sys.argv[1])))
