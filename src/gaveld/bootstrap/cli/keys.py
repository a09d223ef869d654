"""``gavel keys``: make, list and revoke API keys in the store that the settings name."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Column, Table

from gaveld.adapters.storage.api_keys import NAME, entry_of
from gaveld.application.api_keys import SCOPES, new_api_key
from gaveld.application.ports import ApiKey, ApiKeyStore, Period, Quota, RateLimit
from gaveld.application.signed_uploads import upload_secret
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    err,
    explained_failures,
    fail,
    out,
    settings_from,
)
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.stores import open_api_keys

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")

_QUOTA: Final = re.compile(r"([1-9]\d{0,14})/(day|month)")


@app.command()
def create(
    project: Annotated[str, typer.Option(help="The project that calls with this key.")],
    client_id: Annotated[
        str | None, typer.Option(help="What x-client-id must be. Default: the project.")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(SCOPES)}; may be repeated.")
    ] = None,
    calls_per_minute: Annotated[int | None, typer.Option(min=1, help="Rate limit.")] = None,
    quota: Annotated[
        str | None, typer.Option(help="Most calls by the calendar: 100000/day or 1000000/month.")
    ] = None,
    print_entry: Annotated[
        bool, typer.Option(help="Store nothing; print an entry for auth.keys_file.")
    ] = False,
    config: Config = None,
) -> None:
    """Make a key and print it, this once, on standard output."""
    limit = RateLimit(calls_per_minute) if calls_per_minute else None
    scopes = frozenset(scope or ["moderate"])
    for option, name in (("--project", project), ("--client-id", client_id)):
        if name is not None and not NAME.fullmatch(name):
            raise fail(f"{option}: 1 to 128 letters, digits, dots, underscores and hyphens")
    try:
        key, secret = new_api_key(
            project=project,
            client_id=client_id,
            scopes=scopes,
            rate_limit=limit,
            quota=_quota(quota) if quota is not None else None,
        )
    except ValueError as error:
        raise fail(str(error)) from error
    if print_entry:
        sys.stdout.write(entry_of(key))
        err.print("The key, which is stored nowhere:")
        err.print(secret, style="bold", soft_wrap=True)
        return
    _with_store(config, lambda store: store.add(key))
    err.print(f"Key {key.id} for project {key.project}. It is shown this once:")
    sys.stdout.write(f"{secret}\n")


@app.command("list")
def list_keys(as_json: AsJson = False, config: Config = None) -> None:
    """List the keys, without their secrets; days are UTC, and --json has the times."""
    keys = _with_store(config, lambda store: store.list())
    if as_json:
        sys.stdout.write(json.dumps([_facts(key) for key in keys], indent=2) + "\n")
        return
    # Wide enough for 80 columns: what is copied stays whole, what is long goes on below.
    table = Table(
        Column("id", no_wrap=True),
        Column("project", overflow="fold"),
        Column("scopes", no_wrap=True),
        Column("calls", no_wrap=True),
        Column("created", no_wrap=True),
        Column("revoked", no_wrap=True),
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for key in keys:
        table.add_row(
            key.id,
            key.project if key.client_id == key.project else f"{key.project}\nas {key.client_id}",
            "\n".join(sorted(key.scopes)),
            "\n".join(_allowance(key)) or "any",
            f"{key.created_at:%Y-%m-%d}",
            f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
        )
    out.print(table)


def _quota(said: str) -> Quota:
    parts = _QUOTA.fullmatch(said)
    if parts is None:
        raise fail("--quota: a number of calls and a period, such as 100000/day or 1000000/month")
    return Quota(int(parts[1]), Period(parts[2]))


def _allowance(key: ApiKey) -> Iterable[str]:
    if limit := key.rate_limit:
        yield f"{limit.calls}/{limit.per_seconds} s"
    if key.quota:
        yield str(key.quota)


def _facts(key: ApiKey) -> dict[str, object]:
    limit = key.rate_limit
    return {
        "id": key.id,
        "project": key.project,
        "client_id": key.client_id,
        "scopes": sorted(key.scopes),
        "rate_limit": asdict(limit) if limit else None,
        "quota": asdict(key.quota) if key.quota else None,
        "created_at": key.created_at.isoformat(),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


@app.command()
def revoke(key_id: str, config: Config = None) -> None:
    """Revoke a key; running servers stop taking it within seconds."""
    if not _with_store(config, lambda store: store.revoke(key_id, datetime.now(UTC))):
        raise fail(f"no key with the id {key_id!r} in the store")
    err.print(f"Revoked {key_id}.")


@app.command("upload-secret")
def upload_secret_of(key_id: str, config: Config = None) -> None:
    """Print what a key's owner signs browsers' uploads with; KEY_ID is their publicKey."""
    settings = settings_from(config)
    if _with_store(config, lambda store: store.find(key_id)) is None:
        raise fail(f"no key with the id {key_id!r} in the store")
    with explained_failures():
        box = open_secret_box(settings)
    sys.stdout.write(f"{upload_secret(box, key_id)}\n")


def _with_store(config: Path | None, work: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    settings = settings_from(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(await open_api_keys(settings, stack))

    with explained_failures():
        return asyncio.run(run())
