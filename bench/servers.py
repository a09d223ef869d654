"""Servers to measure, each in its own process: Gavel's, and a bare grpc.aio echo as its peer."""

import asyncio
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


class Processes(NamedTuple):
    """A server's process and whatever it has started; seen through ``/proc``, so on Linux alone."""

    first: int

    def found(self) -> dict[int, int]:
        """Return those that run, and the ticks of CPU time of each and of those it has outlived."""
        parents, ticks = {}, {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                own, (_, _, fields) = int(path.parent.name), path.read_text().rpartition(")")
                state = fields.split()
                parents[own], ticks[own] = int(state[1]), sum(map(int, state[11:15]))
        family = {self.first}
        while more := {own for own, parent in parents.items() if parent in family} - family:
            family |= more
        return {own: ticks[own] for own in family & ticks.keys()}

    def cpu_seconds(self) -> float:
        """Return what they have used of the CPU so far."""
        return sum(self.found().values()) / os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """Where a server listens, which may not answer yet, and its processes."""

    address: str
    processes: Processes


@contextmanager
def gavel_server(environment: Mapping[str, str]) -> Iterator[Server]:
    """Run ``gavel serve``."""
    port, ops_port = free_port(), free_port()
    settings = {
        "GAVEL_GRPC__PORT": str(port),
        "GAVEL_OPS__PORT": str(ops_port),
        "GAVEL_REST__ENABLED": "false",
        "GAVEL_LOG__LEVEL": "warning",
        "GAVEL_SHUTDOWN__NOTICE_SECONDS": "0",  # nobody has to be told
        **environment,
    }
    command = [str(Path(sys.executable).with_name("gavel")), "serve"]
    with process(command, {**settings, "PYTHONPATH": str(Path.cwd())}) as processes:
        yield Server(f"127.0.0.1:{port}", processes)


@contextmanager
def echo_server() -> Iterator[Server]:
    """Run a server that answers each message with itself."""
    port = free_port()
    command = [sys.executable, "-m", "bench.servers", str(port)]
    with process(command, {"PYTHONPATH": str(Path.cwd())}) as processes:
        yield Server(f"127.0.0.1:{port}", processes)


@contextmanager
def process(
    command: Sequence[str],
    settings: Mapping[str, str],
    files: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[Processes]:
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
        )
        processes = Processes(running.pid)
        try:
            yield processes
        finally:
            started = [*processes.found(), running.pid]
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(STOP_SECONDS)
            for left in started:  # its workers may outlive it
                with suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)
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
