"""What overload does to the calls that are taken on: their p99 against that of an unloaded server.

Capacity is what as many callers get as the server serves at once. Then three times as many call.
The promise: the accepted p99 is at most twice the unloaded one, and the rest is shed.
"""

import asyncio

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Seen, load
from bench.overhead import PATH
from bench.samples import LONG
from bench.servers import gavel_server

SECONDS = 6.0


def main(console: Console) -> None:
    """Run the benchmark and print how the accepted calls fared, and how many were shed."""
    request = ModerateTextRequest(text=LONG[0]).SerializeToString()
    limits = {
        "GAVEL_GRPC__MAX_CONCURRENT_CALLS": "8",
        "GAVEL_GRPC__MAX_WAITING_CALLS": "2",
        "GAVEL_CACHE__MAX_BYTES": "0",
    }
    table = Table("load", "accepted/s", "p50 ms", "p99 ms", "shed/s", "p99 against unloaded")
    with gavel_server(limits) as address:
        full = asyncio.run(load(address, PATH, [request], 8, SECONDS))
        over = asyncio.run(load(address, PATH, [request], 24, SECONDS))
    for name, seen in (("at capacity: 8 callers", full), ("three times: 24 callers", over)):
        _row(table, name, seen, full)
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
