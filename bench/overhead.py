"""What a call costs before anything is judged: ModerateText with no classifier, against an echo.

The peer is a bare grpc.aio server that sends each message back, in the same run, under the same
client, with a message of the same size.
"""

import asyncio

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Seen, load, over_grpc
from bench.servers import ECHO_PATH, echo_server, gavel_server

PATH = "/gavel.v1.ModerationService/ModerateText"
REQUEST = ModerateTextRequest(text="good morning everyone, did the parcel arrive?")
SECONDS = 4.0
SETTINGS = {"GAVEL_TEXT__CLASSIFIERS": "[]", "GAVEL_CACHE__MAX_BYTES": "0"}


def main(console: Console) -> None:
    """Run the benchmark and print one row for each number of callers."""
    request = REQUEST.SerializeToString()
    table = Table("callers", "", "calls/s", "p50 ms", "p99 ms", "µs a call", "ratio to the echo")
    with echo_server() as echo, gavel_server(SETTINGS) as gavel:
        for callers in (1, 16):
            bare = asyncio.run(
                load(over_grpc(echo.address, ECHO_PATH), [request], callers, SECONDS)
            )
            ours = asyncio.run(load(over_grpc(gavel.address, PATH), [request], callers, SECONDS))
            _row(table, callers, "bare echo", bare, bare)
            _row(table, callers, "ModerateText, classifiers off", ours, bare)
    console.print(table)


def _row(table: Table, callers: int, name: str, seen: Seen, peer: Seen) -> None:
    table.add_row(
        str(callers),
        name,
        f"{seen.per_second:,.0f}",
        f"{seen.quantile(0.5) * 1e3:.2f}",
        f"{seen.quantile(0.99) * 1e3:.2f}",
        f"{1e6 / seen.per_second:,.0f}",
        f"{peer.per_second / seen.per_second:.2f}",
    )
