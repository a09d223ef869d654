"""``gavel policy backtest``: what another policy would have decided, asked of a running server."""

import asyncio
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import grpc.aio
import typer
from gavel.v1 import policy_pb2, policy_service_pb2
from gavel.v1.policy_service_pb2_grpc import PolicyServiceStub
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.json_format import MessageToJson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gaveld.adapters.storage.policies import policy_in
from gaveld.bootstrap.backtest_report.figures import Figures, figures_of
from gaveld.bootstrap.backtest_report.page import backtest_page
from gaveld.bootstrap.backtest_report.picture import backtest_png
from gaveld.bootstrap.backtest_report.terminal import print_backtest
from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, fail, out, time_from
from gaveld.bootstrap.cli.policy_rendering import explained_policy_failures
from gaveld.bootstrap.cli.target import Target, channel_to, running_server, tls_files
from gaveld.transport.grpc.converters.policies import policy_from_proto, policy_to_proto

OWN: Final = "projects/-/policy"
WAIT_SECONDS: Final = 2

Told = Callable[[int, int], None]
Response = policy_service_pb2.BacktestPolicyResponse


@dataclass(frozen=True, slots=True)
class Backtested:
    """What was found, the policies that were compared, and the stretch of time."""

    response: Response
    tried: policy_pb2.Policy
    in_force: policy_pb2.Policy
    since: datetime
    until: datetime

    @property
    def figures(self) -> Figures:
        """The figures to show, with rules by their names."""
        stretch = f"{self.since:%d %B %Y %H:%M} to {self.until:%d %B %Y %H:%M} UTC"
        return figures_of(self.response, (self.tried, self.in_force), stretch)


def backtest(
    *,
    file: Annotated[
        Path, typer.Option("--file", "-f", help="The policy to try, as YAML; - is standard input.")
    ],
    since: Annotated[
        str, typer.Option(help="From when: 90m, 12h, 7d, 2w, or a time (UTC).")
    ] = "7d",
    until: Annotated[str, typer.Option(help="Until when, likewise. Default: now.")] = "",
    decisions: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Of more, an even sample is tried.")
    ] = 100_000,
    samples: Annotated[
        int, typer.Option(min=1, max=100, help="How many content ids to name for each change.")
    ] = 10,
    png: Annotated[Path | None, typer.Option(help="Write a picture there.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page there.")] = None,
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Judge stored decisions again under another policy. It changes nothing."""
    where = running_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    now = datetime.now(UTC)
    request = policy_service_pb2.BacktestPolicyRequest(
        max_decisions=decisions, max_samples=samples, request_id=uuid.uuid4().hex
    )
    request.since.FromDatetime(time_from(since, now))
    request.until.FromDatetime(time_from(until, now) if until else now)
    text = _text(file)
    with explained_failures(), explained_policy_failures():
        found = asyncio.run(_backtested(where, request, text, str(file)))
    for path, made in ((png, backtest_png), (html, _page)):
        if path is not None:
            _write(path, made(found.figures))
    if as_json:
        sys.stdout.write(MessageToJson(found.response, preserving_proto_field_name=True) + "\n")
    else:
        print_backtest(out, found.figures)


async def _backtested(
    where: Target, request: policy_service_pb2.BacktestPolicyRequest, text: str, name: str
) -> Backtested:
    async with channel_to(where) as channel:
        stub, metadata = PolicyServiceStub(channel), where.metadata
        asked = policy_service_pb2.GetPolicyRequest(name=OWN)
        in_force = (await stub.GetPolicy(asked, metadata=metadata)).policy
        tried = policy_in(text, name, like=policy_from_proto(in_force)[0])
        request.policy.CopyFrom(policy_to_proto(tried, "-"))
        operation = await stub.BacktestPolicy(request, metadata=metadata)
        columns = (TextColumn("Trying"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("", total=None)
            operation = await _done(
                channel,
                where,
                operation,
                lambda tried, total: bar.update(task, completed=tried, total=total or None),
            )
    response = Response()
    if not operation.response.Unpack(response):
        raise fail(f"{operation.name}: {operation.error.message}")
    since, until = request.since.ToDatetime(UTC), request.until.ToDatetime(UTC)
    return Backtested(response, request.policy, in_force, since, until)


async def _done(
    channel: grpc.aio.Channel, where: Target, operation: operations_pb2.Operation, told: Told
) -> operations_pb2.Operation:
    """Wait until an operation is done, telling how far it is."""
    stub = OperationsStub(channel)  # type: ignore[no-untyped-call] # generated without types
    metadata = policy_service_pb2.BacktestPolicyMetadata()
    while not operation.done:
        wait = operations_pb2.WaitOperationRequest(name=operation.name)
        wait.timeout.FromSeconds(WAIT_SECONDS)
        operation = await stub.WaitOperation(wait, metadata=where.metadata)
        operation.metadata.Unpack(metadata)
        told(metadata.tried_count, metadata.total_count)
    return operation


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: {error}") from error


def _page(figures: Figures) -> bytes:
    return backtest_page(figures).encode()


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise fail(f"{path}: {error}") from error
    err.print(f"Wrote {path}.", markup=False)
