"""Policies' changes and revisions for a person, and how a refused policy is told."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc.aio
from gavel.v1 import policy_pb2, policy_service_pb2
from google.rpc import error_details_pb2, status_pb2
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gaveld.adapters.storage.policies import path_of, tree_of, way_of
from gaveld.bootstrap.cli.options import fail
from gaveld.bootstrap.cli.policy_diff import ADDED, CHANGED, REMOVED, Difference, differences
from gaveld.bootstrap.cli.rendering import tamed
from gaveld.transport.grpc.converters.policies import policy_from_proto

_LONGEST: Final = 400
_DETAILS: Final = "grpc-status-details-bin"


def print_differences(
    console: Console,
    before: policy_pb2.Policy,
    response: policy_service_pb2.ApplyPolicyResponse,
) -> None:
    """Print what a change comes to: what comes green, what goes red, in the document's words."""
    found = differences(_tree(before), _tree(response.policy))
    secrets = [change for change in response.changes if change.path.endswith(".secret")]
    found += [
        Difference(CHANGED, f"{path_of(way_of(change.path))}: another one") for change in secrets
    ]
    for difference in found:
        line = f"{difference.sign} {_short(difference.name)}"
        console.print(Text(line, _COLOURS[difference.sign]), soft_wrap=True)
        for detail in difference.details:
            colour = _COLOURS.get(detail[:1], _COLOURS[difference.sign])
            console.print(Text(f"    {_short(detail)}", colour), soft_wrap=True)
    if not response.changes:
        console.print("Nothing changes.")


def _tree(policy: policy_pb2.Policy) -> dict[str, Any]:
    return tree_of(policy_from_proto(policy)[0], by_name=True)


_COLOURS: Final = {ADDED: "green", REMOVED: "red", CHANGED: "yellow"}


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
def explained_policy_failures(tell: Callable[[str, str], str] | None = None) -> Iterator[None]:
    """Turn a failed call into lines on standard error, one a fault, and exit status 2.

    ``tell`` makes a line of the path of a fault, as the contract calls it, and what is said of it.
    """
    tell = tell or (lambda path, said: f"{path_of(way_of(path))}: {said}")
    try:
        yield
    except grpc.aio.AioRpcError as error:
        faults = [tell(entry.field, entry.description) for entry in _violations(error)]
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
