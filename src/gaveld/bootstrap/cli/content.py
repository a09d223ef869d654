"""``gavel moderate`` and ``gavel categories``: here without a server, or against one."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from gavel.v1 import (
    category_service_pb2,
    category_service_pb2_grpc,
    moderation_service_pb2,
    moderation_service_pb2_grpc,
)
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.progress import track
from rich.text import Text

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, fail, out
from gaveld.bootstrap.cli.rendering import action_name, print_categories, print_judgement, tamed
from gaveld.bootstrap.cli.target import (
    Target,
    asked_server,
    channel_to,
    explained_rpc_failures,
    metadata_for,
    tls_files,
)
from gaveld.bootstrap.settings import Settings

BATCH_SIZE = 64

ModerateTextRequest = moderation_service_pb2.ModerateTextRequest


def moderate(
    text: Annotated[
        str | None, typer.Argument(help="The text; - reads it from standard input.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the text from a file.", exists=True)
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Each line is a text.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also findings below the thresholds, and timings.")
    ] = False,
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Judge a text here, or ask a server. Exit status 0, whatever the verdict."""
    content = _content(text, file)
    texts = [line for line in content.splitlines() if line] if lines else [content]
    requests = [ModerateTextRequest(text=entry, explain=explain) for entry in texts]
    where = asked_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    if isinstance(where, Settings):  # nothing here looks at pictures
        unseeing = where.images.model_copy(update={"classifiers": ()})
        where = where.model_copy(update={"images": unseeing})
    with explained_failures(), explained_rpc_failures():
        if lines:
            asyncio.run(_moderate_lines(where, requests, as_json=as_json))
        else:
            asyncio.run(_moderate_one(where, requests[0], as_json=as_json))


def categories(
    as_json: options.AsJson = False,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """List the categories, and which installed classifiers cover each."""
    where = asked_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    with explained_failures(), explained_rpc_failures():
        asyncio.run(_list_categories(where, as_json=as_json))


async def _moderate_one(
    where: Target | Settings, request: ModerateTextRequest, *, as_json: bool
) -> None:
    async with channel_to(where) as channel:
        stub = moderation_service_pb2_grpc.ModerationServiceStub(channel)
        response = await stub.ModerateText(request, metadata=metadata_for(where))
    if as_json:
        _print_json(response)
    else:
        print_judgement(out, request.text, response)


async def _moderate_lines(
    where: Target | Settings, requests: Sequence[ModerateTextRequest], *, as_json: bool
) -> None:
    batches = list(_batches(requests))
    async with channel_to(where) as channel:
        stub = moderation_service_pb2_grpc.ModerationServiceStub(channel)
        for batch in track(batches, "Judging", console=err, disable=not err.is_terminal):
            request = moderation_service_pb2.BatchModerateTextRequest(requests=batch)
            answer = await stub.BatchModerateText(request, metadata=metadata_for(where))
            for asked, result in zip(batch, answer.results, strict=True):
                if as_json:
                    _print_json(result, indent=None)
                else:
                    out.print(_line(asked.text, result))


async def _list_categories(where: Target | Settings, *, as_json: bool) -> None:
    request = category_service_pb2.ListCategoriesRequest(page_size=1000)
    async with channel_to(where) as channel:
        stub = category_service_pb2_grpc.CategoryServiceStub(channel)
        response = await stub.ListCategories(request, metadata=metadata_for(where))
    if as_json:
        _print_json(response)
    else:
        print_categories(out, response.categories)


def _content(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise fail("give a text, or --file, or - for standard input")
    raw = file.read_bytes() if file else sys.stdin.buffer.read() if text == "-" else None
    if raw is None:
        return text or ""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise fail(f"not UTF-8: byte {error.start} can't be read") from error


def _batches(requests: Sequence[ModerateTextRequest]) -> Iterator[Sequence[ModerateTextRequest]]:
    for start in range(0, len(requests), BATCH_SIZE):
        yield requests[start : start + BATCH_SIZE]


def _line(text: str, result: moderation_service_pb2.BatchModerateTextResult) -> Text:
    if result.HasField("error"):
        return Text.assemble(("error   ", "red"), result.error.message)
    verdict = result.response.verdict
    causes = ",".join(cause.category_id for cause in verdict.reasons if cause.category_id)
    return Text(f"{action_name(verdict.action):<8}{causes:<12}{tamed(text)}", overflow="ellipsis")


def _print_json(message: Message, indent: int | None = 2) -> None:
    sys.stdout.write(MessageToJson(message, indent=indent, ensure_ascii=False) + "\n")
