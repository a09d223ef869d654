"""Servers to measure, each in its own process: Gavel's, and a bare grpc.aio echo as its peer."""

import asyncio
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import grpc
import grpc.aio

ECHO_PATH: Final = "/bench.Echo/Echo"
STOP_SECONDS: Final = 20


class Session(NamedTuple):
    """The processes of one server."""

    id: int

    def cpu_seconds(self) -> float:
        """Return the CPU time so far of those that run, not a number without ``/proc``."""
        if not Path("/proc/self/stat").is_file():
            return math.nan
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.id:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """Where a server listens, which may not answer yet, and its processes."""

    address: str
    session: Session


@contextmanager
def gavel_server(environment: Mapping[str, str]) -> Iterator[Server]:
    """Run ``gavel serve``."""
    port, ops_port = free_port(), free_port()
    settings = {
        "GAVEL_GRPC__PORT": str(port),
        "GAVEL_OPS__PORT": str(ops_port),
        "GAVEL_LOG__LEVEL": "warning",
        **environment,
    }
    command = [str(Path(sys.executable).with_name("gavel")), "serve"]
    with process(command, {**settings, "PYTHONPATH": str(Path.cwd())}) as session:
        yield Server(f"127.0.0.1:{port}", session)


@contextmanager
def echo_server() -> Iterator[Server]:
    """Run a server that answers each message with itself."""
    port = free_port()
    command = [sys.executable, "-m", "bench.servers", str(port)]
    with process(command, {"PYTHONPATH": str(Path.cwd())}) as session:
        yield Server(f"127.0.0.1:{port}", session)


@contextmanager
def process(
    command: Sequence[str],
    settings: Mapping[str, str],
    files: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[Session]:
    """Run a command and whatever it starts, in a folder with these files only; then end them all.

    ``settings`` are added to the environment, out of which the caller's own ``GAVEL_`` are taken.
    What the command prints goes to ``log`` if there is one.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAVEL_")}
    with tempfile.TemporaryDirectory() as folder, Path(log or os.devnull).open("w") as output:
        for name, text in (files or {}).items():
            Path(folder, name).write_text(text, "utf-8")
        running = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **settings},
            stdout=output if log else None,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
        )
        try:
            yield Session(running.pid)
        finally:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):  # its workers may outlive it
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
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
