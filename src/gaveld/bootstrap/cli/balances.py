"""``gavel credits``: what projects may spend on reviews, in the store that the settings name."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Column, Table

from gaveld.adapters.storage.api_keys import NAME
from gaveld.application.ports import Credits
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    err,
    explained_failures,
    fail,
    out,
    settings_from,
)
from gaveld.bootstrap.stores import open_credits

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Set, list and clear projects' balances of credits.")


@app.command("set")
def set_balance(
    project: str,
    balance: Annotated[int, typer.Argument(min=0, help="A review costs 1 for each reviewer.")],
    config: Config = None,
) -> None:
    """Give a project this balance, whatever it had; running servers count within seconds."""
    if not NAME.fullmatch(project):
        raise fail("PROJECT: 1 to 128 letters, digits, dots, underscores and hyphens")
    _with_store(config, lambda store: store.put(project, balance))
    err.print(f"Project {project} has {balance} credits.")


@app.command("list")
def list_balances(as_json: AsJson = False, config: Config = None) -> None:
    """List the projects that have a balance; all others spend freely."""
    balances = _with_store(config, lambda store: store.list())
    if as_json:
        sys.stdout.write(json.dumps(dict(balances), indent=2) + "\n")
        return
    table = Table(Column("project"), Column("credits", justify="right"))
    for project, balance in balances:
        table.add_row(project, str(balance))
    out.print(table)


@app.command()
def clear(project: str, config: Config = None) -> None:
    """Take a project's balance away, so that it spends freely."""
    _with_store(config, lambda store: store.put(project, None))
    err.print(f"Project {project} spends freely.")


def _with_store(config: Path | None, work: Callable[[Credits], Awaitable[T]]) -> T:
    settings = settings_from(config)
    if not settings.auth.enabled:
        err.print("auth.enabled is false: nobody is known, so nobody pays.")

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(await open_credits(settings, stack))

    with explained_failures():
        return asyncio.run(run())
