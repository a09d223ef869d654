"""``gavel users``: what a project's user did, and forgetting one, in the store of the settings."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Column, Table
from rich.text import Text

from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.users import ForgetUser, GetUser
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    err,
    explained_failures,
    fail,
    out,
    settings_from,
)
from gaveld.bootstrap.cli.rendering import tamed
from gaveld.bootstrap.decisions import user_store
from gaveld.bootstrap.stores import open_engine
from gaveld.domain.errors import GavelError
from gaveld.domain.rules import UserHistory

T = TypeVar("T")
Actor = Annotated[str, typer.Argument(metavar="ACTOR_ID", help="The id that calls carry.")]
Project = Annotated[str, typer.Option("--project", "-p", help="Whose user it is.")]

app = typer.Typer(no_args_is_help=True, help="Show what users did, and forget them.")


@app.command()
def show(
    actor_id: Actor, project: Project = "default", as_json: AsJson = False, config: Config = None
) -> None:
    """Print a user's history: counts over 24 hours, 7 and 30 days, and strikes after decay."""
    history = _with_store(config, lambda store: GetUser(store)(project, actor_id))
    if as_json:
        sys.stdout.write(json.dumps(_shown(history), indent=2) + "\n")
        return
    windows = history.windows
    table = Table("", *(Column(_said(window.hours), justify="right") for window in windows))
    table.add_row("contents", *(str(window.contents) for window in windows))
    table.add_row("not allowed", *(str(window.flags) for window in windows))
    for category_id in sorted({name for window in windows for name in window.categories}):
        table.add_row(category_id, *(str(w.categories.get(category_id, 0)) for w in windows))
    seen = (history.first_seen_at, history.last_seen_at)
    first, last = (time.isoformat(sep=" ", timespec="seconds") if time else "" for time in seen)
    out.print(Text(f"{tamed(actor_id)}: {history.strikes:.2f} strikes; seen {first} to {last}"))
    out.print(table)


@app.command()
def forget(
    actor_id: Actor,
    project: Project = "default",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Erase a user's history, name and content for good. What waits of the user is cancelled."""
    if not yes and not typer.confirm(f"Forget {tamed(actor_id)} of {project}?", err=True):
        raise typer.Exit(1)
    forgotten = _with_store(config, lambda store: ForgetUser(store)(project, actor_id))
    err.print(
        f"{forgotten.decisions} decisions no longer name the user; "
        f"{forgotten.contents} pieces of content erased."
    )


def _shown(history: UserHistory) -> dict[str, Any]:
    return {
        "actor_id": history.actor_id,
        "first_seen_at": history.first_seen_at and history.first_seen_at.isoformat(),
        "last_seen_at": history.last_seen_at and history.last_seen_at.isoformat(),
        "strikes": history.strikes,
        "windows": [
            {
                "hours": window.hours,
                "contents": window.contents,
                "flags": window.flags,
                "categories": dict(window.categories),
            }
            for window in history.windows
        ],
    }


def _said(hours: int) -> str:
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004 (two days)


def _with_store(config: Path | None, work: Callable[[SqlUserStore], Awaitable[T]]) -> T:
    settings = settings_from(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(user_store(await open_engine(settings.storage.url, stack)))

    with explained_failures():
        try:
            return asyncio.run(run())
        except GavelError as error:
            raise fail(error.message) from error
