"""What overload does to the calls that are taken on: their p99 against that of an unloaded server.

Capacity is what as many callers get as the server serves at once by default. Then three times as
many call. The promise: the accepted p99 is at most twice the unloaded one, and the rest is shed.
"""

import asyncio

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Seen, load, over_grpc
from bench.overhead import PATH
from bench.samples import comments
from bench.servers import gavel_server
from gaveld.bootstrap.settings import GrpcSettings

SECONDS = 8.0
CONNECTIONS = 8
"""So that no connection has more calls than a server takes over one."""


def main(console: Console) -> None:
    """Run the benchmark and print how the accepted calls fared, and how many were shed."""
    requests = [ModerateTextRequest(text=text).SerializeToString() for text in comments(400)]
    callers = GrpcSettings().max_concurrent_calls
    table = Table("load", "accepted/s", "p50 ms", "p99 ms", "shed/s", "p99 against unloaded")
    with gavel_server({"GAVEL_CACHE__MAX_BYTES": "0"}) as server:
        client = over_grpc(server.address, PATH, CONNECTIONS)
        asyncio.run(load(client, requests, callers, 2))
        full = asyncio.run(load(client, requests, callers, SECONDS))
        over = asyncio.run(load(client, requests, 3 * callers, SECONDS))
    _row(table, f"at capacity: {callers} callers", full, full)
    _row(table, f"three times: {3 * callers} callers", over, full)
    console.print(table)


def _row(table: Table, name: str, seen: Seen, unloaded: Seen) -> None:
    table.add_row(
        name,
        f"{seen.per_second:,.0f}",
        f"{seen.quantile(0.5) * 1e3:.1f}",
        f"{seen.quantile(0.99) * 1e3:.1f}",
        f"{sum(seen.failures.values()) / seen.seconds:,.0f} {dict(seen.failures)}",
        f"{seen.quantile(0.99) / unloaded.quantile(0.99):.2f}",
    )
