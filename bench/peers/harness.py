"""Installs the peers, runs them one after another, and calls each as its own users call it.

Each batches adaptively, as its documentation recommends, with settings that did best here on two
cores: two workers of one thread each, as Gavel's engine has, did better for all of them than one of
two threads, and batches of 8 better than larger ones, which pad more. They answer label scores and
nothing else.
"""

import asyncio
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from bench.load import Client, over_grpc, over_http, until_answered
from bench.servers import Processes, free_port, process

PYTHONS: Final = Path("build/bench").absolute()
LOCKS: Final = Path("requirements").absolute()
ROOT: Final = str(Path.cwd())
MLSERVER_PATH: Final = "/inference.GRPCInferenceService/ModelInfer"


class PeerFailed(Exception):  # noqa: N818 - the state
    """A peer can't be installed or does not run; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports; a peer may not need all of them."""

    http: int
    grpc: int
    metrics: int


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer and how it is run.

    ``how`` says the settings in a few words. ``command`` and ``files`` make what starts it, in its
    environment's ``bin``; ``requests`` turns texts into what ``client`` sends.
    """

    name: str
    how: str
    settings: Mapping[str, str]
    command: Callable[[Path, Ports], list[str]]
    client: Callable[[Ports], Client]
    requests: Callable[[Path, Sequence[str]], list[bytes]]
    files: Callable[[Ports], Mapping[str, str]] = field(default=lambda _: {})


def installed(peer: str) -> Path:
    """Return the ``bin`` of a peer's environment, installing it if need be.

    Raises ``PeerFailed`` with what the installer said last.
    """
    lock = LOCKS / f"bench-{peer}.lock"
    folder = PYTHONS / peer
    stamp, wanted = folder / ".lock", lock.read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return folder / "bin"
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([*pip, "--quiet", "--require-hashes", "-r", str(lock)])
    stamp.write_text(wanted, "utf-8")
    return folder / "bin"


class Running(NamedTuple):
    """A peer that runs, its client, and the texts as it takes them."""

    client: Client
    requests: list[bytes]
    processes: Processes


@contextmanager
def running(peer: Peer, folder: Path, texts: Sequence[str]) -> Iterator[Running]:
    """Run a peer on a transformer's folder, from its first answer on.

    Raises ``PeerFailed`` when it can't be installed, or gives no answer for a minute.
    """
    commands = installed(peer.name)
    requests = peer.requests(commands, texts)
    ports = Ports(free_port(), free_port(), free_port())
    settings = {
        "PYTHONPATH": ROOT,
        "BENCH_MODEL": str(folder),
        "TOKENIZERS_PARALLELISM": "false",  # batches are small, and the cores are taken
        **peer.settings,
    }
    with tempfile.NamedTemporaryFile("r") as log:
        command, files = peer.command(commands, ports), peer.files(ports)
        with process(command, settings, files, Path(log.name)) as processes:
            client = peer.client(ports)
            try:
                asyncio.run(until_answered(client, requests[0]))
            except TimeoutError:
                raise PeerFailed(_last_line(log.read()) or "no answer for a minute") from None
            yield Running(client, requests, processes)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerFailed(_last_line(done.stderr) or f"exit status {done.returncode}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return next(reversed(errors or lines), "")


def _json_requests(body: Callable[[str], object]) -> Callable[[Path, Sequence[str]], list[bytes]]:
    return lambda _, texts: [json.dumps(body(text)).encode() for text in texts]


def _mlserver_requests(commands: Path, texts: Sequence[str]) -> list[bytes]:
    done = subprocess.run(
        [commands / "python", "-m", "bench.peers.mlserver_runtime"],
        input="\n".join(map(json.dumps, texts)).encode(),
        env={"PYTHONPATH": ROOT},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise PeerFailed(_last_line(done.stderr.decode()))
    requests, place = [], 0
    while place < len(done.stdout):
        (length,) = struct.unpack_from(">I", done.stdout, place)
        requests.append(done.stdout[place + 4 : place + 4 + length])
        place += 4 + length
    return requests


def _mlserver_files(ports: Ports) -> dict[str, str]:
    server = {
        "host": "127.0.0.1",
        "http_port": ports.http,
        "grpc_port": ports.grpc,
        "metrics_port": ports.metrics,
        "debug": False,
        "parallel_workers": 2,
    }
    model = {
        "name": "transformer",
        "implementation": "bench.peers.mlserver_runtime.TextClassifier",
        "max_batch_size": 8,
        "max_batch_time": 0.003,
    }
    return {"settings.json": json.dumps(server), "model-settings.json": json.dumps(model)}


def _over_http(path: str) -> Callable[[Ports], Client]:
    return lambda ports: over_http(f"127.0.0.1:{ports.http}", path)


PEERS: Final = (
    Peer(
        name="litserve",
        how="HTTP; 2 workers, max_batch_size 8, batch_timeout 3 ms, fast_queue",
        settings={"BENCH_WORKERS": "2", "BENCH_BATCH": "8", "BENCH_WAIT_SECONDS": "0.003"},
        command=lambda commands, ports: [
            *(str(commands / "python"), "-m", "bench.peers.litserve_app", str(ports.http))
        ],
        client=_over_http("/predict"),
        requests=_json_requests(lambda text: {"text": text}),
    ),
    Peer(
        name="mlserver",
        how="gRPC; 2 parallel workers, max_batch_size 8, max_batch_time 3 ms",
        settings={},
        command=lambda commands, _: [str(commands / "mlserver"), "start", "."],
        client=lambda ports: over_grpc(f"127.0.0.1:{ports.grpc}", MLSERVER_PATH),
        requests=_mlserver_requests,
        files=_mlserver_files,
    ),
    Peer(
        name="bentoml",
        how="HTTP; 2 workers, max_batch_size 8, max_latency_ms 10,000",
        settings={
            "BENCH_WORKERS": "2",
            "BENCH_BATCH": "8",
            "BENCH_WAIT_SECONDS": "10",
            "BENTOML_DO_NOT_TRACK": "True",
        },
        command=lambda commands, ports: [
            *(str(commands / "bentoml"), "serve", "bench.peers.bentoml_service:TextClassifier"),
            *("--host", "127.0.0.1", "--port", str(ports.http)),
        ],
        client=_over_http("/classify"),
        requests=_json_requests(lambda text: {"texts": [text]}),
    ),
)
