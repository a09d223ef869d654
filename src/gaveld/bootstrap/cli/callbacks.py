"""``gavel callbacks``: list what is sent to receivers, send it again, and let receivers back in."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer
from rich.table import Column, Table

from gaveld.adapters.storage.api_keys import NAME
from gaveld.application.callback_secrets import callback_secret
from gaveld.application.ports import DeliveryStore
from gaveld.bootstrap.callbacks import open_deliveries
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    err,
    explained_failures,
    fail,
    out,
    settings_from,
)
from gaveld.bootstrap.policies import open_policies
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.settings import Settings
from gaveld.bootstrap.stores import open_engine
from gaveld.domain.deliveries import Delivery, DeliveryState, Receiver
from gaveld.domain.rules import RuleAction

T = TypeVar("T")
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
app = typer.Typer(no_args_is_help=True, help="List callbacks, send them again, enable receivers.")


@app.command("list")
def list_callbacks(
    project: Annotated[str | None, typer.Option(help="Those of this project alone.")] = None,
    state: Annotated[DeliveryState | None, typer.Option(help="Those in this state.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Those to the receiver of this id.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List callbacks, newest first; of their addresses only the host. Times are UTC."""
    found = _with_store(
        config,
        lambda store: store.list(project, state=state, receiver_id=receiver, limit=limit),
    )
    if as_json:
        sys.stdout.write(json.dumps([_facts(entry) for entry in found], indent=2) + "\n")
        return
    table = Table(
        Column("id", no_wrap=True),
        Column("to", overflow="fold"),
        Column("state", no_wrap=True),
        Column("tried", justify="right", no_wrap=True),
        Column("last", overflow="fold"),
        Column("next", no_wrap=True),
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for entry in found:
        table.add_row(
            entry.id,
            f"{entry.project}: {_host(entry)}",
            entry.state.value,
            str(entry.attempt_count),
            str(entry.last_status or entry.last_error),
            f"{entry.next_attempt_at:%m-%d %H:%M:%S}" if entry.next_attempt_at else "",
        )
    out.print(table)


@app.command()
def receivers(limit: Limit = 100, as_json: AsJson = False, config: Config = None) -> None:
    """List the receivers that are sent nothing any more, the latest first."""
    found = _with_store(config, lambda store: store.disabled_receivers(limit=limit))
    if as_json:
        sys.stdout.write(json.dumps([_receiver(entry) for entry in found], indent=2) + "\n")
        return
    table = Table(Column("id", no_wrap=True), Column("project"), Column("why"), Column("disabled"))
    for entry in found:
        table.add_row(
            entry.id, entry.project, entry.why.value, f"{entry.disabled_at:%Y-%m-%d %H:%M}"
        )
    out.print(table)


@app.command()
def resend(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of dead callbacks.")] = None,
    receiver: Annotated[
        str | None, typer.Option(help="All dead ones of the receiver of this id.")
    ] = None,
    config: Config = None,
) -> None:
    """Send dead callbacks again, each under its own id, with all its attempts before it."""
    if not ids and receiver is None:
        raise fail("name callbacks, or a receiver with --receiver")
    sent, unknown = _with_store(config, lambda store: _resent(store, ids or [], receiver))
    err.print(f"Sending {sent} again.")
    if unknown:
        raise fail(f"no dead callback with the id {', '.join(unknown)}")


@app.command()
def enable(
    receiver_id: Annotated[str, typer.Argument(help="Its id; see `gavel callbacks receivers`.")],
    config: Config = None,
) -> None:
    """Send to a receiver again what comes from now on; see `resend` for what it missed."""
    if not _with_store(config, lambda store: store.enable_receiver(receiver_id)):
        raise fail(f"no disabled receiver with the id {receiver_id!r}")
    err.print(f"Receiver {receiver_id} is enabled.")


@app.command()
def secret(
    project: str,
    action: Annotated[
        str | None, typer.Option(help="An action of its policy, by name or id, instead.")
    ] = None,
    config: Config = None,
) -> None:
    """Print the secret that signs what is sent to a call's own callback_url, or to an action's."""
    if not NAME.fullmatch(project):
        raise fail("PROJECT: 1 to 128 letters, digits, dots, underscores and hyphens")
    settings = settings_from(config)
    with explained_failures():
        found = callback_secret(open_secret_box(settings), project)
        if action is not None:
            named = asyncio.run(_action(settings, project, action))
            if named is None:
                raise fail(f"the policy of {project} has no action {action!r}")
            found = named.secret or found
    sys.stdout.write(f"{found}\n")


async def _action(settings: Settings, project: str, wanted: str) -> RuleAction | None:
    async with AsyncExitStack() as stack:
        engine = await open_engine(settings.storage.url, stack)
        policy = await open_policies(settings, engine).store.current(project)
    return next((entry for entry in policy.actions if wanted in (entry.name, entry.id)), None)


async def _resent(
    store: DeliveryStore, ids: Sequence[str], receiver: str | None
) -> tuple[int, Sequence[str]]:
    wanted = list(dict.fromkeys(ids))
    if receiver is not None:
        dead = await store.list(state=DeliveryState.DEAD, receiver_id=receiver, limit=10_000)
        wanted += [entry.id for entry in dead if entry.id not in wanted]
    unknown = [entry for entry in wanted if await store.resend(entry, datetime.now(UTC)) is None]
    return len(wanted) - len(unknown), unknown


def _host(delivery: Delivery) -> str:
    return urlsplit(delivery.url).hostname or "unreadable"


def _facts(delivery: Delivery) -> dict[str, object]:
    again = delivery.next_attempt_at
    return {
        "id": delivery.id,
        "project": delivery.project,
        "receiver": delivery.receiver_id,
        "host": _host(delivery),
        "event": delivery.event,
        "job_id": delivery.job_id,
        "action_id": delivery.action_id,
        "state": delivery.state.value,
        "attempt_count": delivery.attempt_count,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at.isoformat(),
        "next_attempt_at": again.isoformat() if again else None,
    }


def _receiver(receiver: Receiver) -> dict[str, object]:
    return {
        "id": receiver.id,
        "project": receiver.project,
        "why": receiver.why.value,
        "disabled_at": receiver.disabled_at.isoformat(),
    }


def _with_store(config: Path | None, work: Callable[[DeliveryStore], Awaitable[T]]) -> T:
    settings = settings_from(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(await open_deliveries(settings, stack))

    with explained_failures():
        return asyncio.run(run())
