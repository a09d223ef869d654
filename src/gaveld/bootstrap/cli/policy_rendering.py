"""Policies' changes and revisions for a person, and how a refused policy is told."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc.aio
from gavel.v1 import policy_service_pb2
from google.rpc import error_details_pb2, status_pb2
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gaveld.bootstrap.cli.options import fail
from gaveld.bootstrap.cli.rendering import tamed

_LONGEST: Final = 400
_DETAILS: Final = "grpc-status-details-bin"


def print_changes(console: Console, changes: Iterable[policy_service_pb2.PolicyChange]) -> None:
    """Print each place that changes: what comes green, what goes red."""
    changes = list(changes)
    for change in changes:
        if not change.before:
            line = Text(f"+ {_short(change.path)}: {_short(change.after)}", "green")
        elif not change.after:
            line = Text(f"- {_short(change.path)}: {_short(change.before)}", "red")
        else:
            line = Text.assemble(
                f"~ {_short(change.path)}: ",
                (_short(change.before), "red"),
                " → ",
                (_short(change.after), "green"),
            )
        console.print(line, soft_wrap=True)
    if not changes:
        console.print("Nothing changes.")


def print_warnings(console: Console, warnings: Iterable[str]) -> None:
    """Print what holds together and looks wrong."""
    for line in warnings:
        console.print(Text(f"warning: {tamed(line)}", "yellow"), soft_wrap=True)


def print_revisions(
    console: Console, revisions: Iterable[policy_service_pb2.PolicyRevision]
) -> None:
    """Print what was put in force, times in UTC."""
    table = Table(
        "",
        Column("revision", no_wrap=True),
        Column("applied", no_wrap=True),
        "by",
        "why",
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for entry in revisions:
        table.add_row(
            Text("●" if entry.in_force else "", "green"),
            entry.revision,
            f"{entry.create_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
            Text(tamed(entry.author)),
            Text(tamed(entry.message)),
        )
    console.print(table)


@contextmanager
def explained_policy_failures() -> Iterator[None]:
    """Turn a failed call into lines on standard error, one a fault, and exit status 2."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        faults = [f"{entry.field}: {entry.description}" for entry in _violations(error)]
        lines = faults or [f"{error.code().name}: {error.details()}"]
        raise fail("\n".join(map(tamed, lines))) from error


def _violations(
    error: grpc.aio.AioRpcError,
) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    metadata: Any = error.trailing_metadata() or ()
    details = [value for key, value in metadata if key == _DETAILS]
    status = status_pb2.Status.FromString(details[0] if details else b"")
    bad_request = error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.Unpack(bad_request):
            yield from bad_request.field_violations


def _short(text: str) -> str:
    text = tamed(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
