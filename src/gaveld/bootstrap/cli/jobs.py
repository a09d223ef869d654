"""``gavel jobs``: what waits, what is dead and why, and how it is tried anew."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.table import Column, Table

from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.application.ports import JobStore
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    err,
    explained_failures,
    fail,
    out,
    settings_from,
)
from gaveld.bootstrap.stores import open_engine
from gaveld.domain.errors import GavelError
from gaveld.domain.jobs import Job, JobState

OPERATION: Final = "operations/"
PAGE_SIZE: Final = 1_000

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="List jobs, show one, and try dead ones anew.")

Project = Annotated[str | None, typer.Option("--project", "-p", help="Default: all projects.")]


@app.command("list")
def list_jobs(
    state: Annotated[
        JobState, typer.Option("--state", "-s", help="Which to list.")
    ] = JobState.DEAD,
    project: Project = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List jobs of one state, the newest first; dead ones unless you say otherwise. In UTC."""
    page = _with_store(config, lambda store: store.list(project, state=state, limit=limit))
    if as_json:
        sys.stdout.write(json.dumps([_shown(job) for job in page.jobs], indent=2) + "\n")
        return
    table = Table(
        Column("id", no_wrap=True),
        Column("project", overflow="fold"),
        Column("kind", no_wrap=True),
        Column("created", no_wrap=True),
        Column("tried", justify="right", no_wrap=True),
        Column("reason", overflow="fold"),
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for job in page.jobs:
        created = f"{job.created_at:%m-%d %H:%M:%S}"
        tried = str(job.attempt_count)
        table.add_row(job.id, job.project, job.kind, created, tried, job.error_reason)
    out.print(table)
    if page.next_token:
        err.print(f"There are more than {limit}.")


@app.command()
def show(job_id: str, config: Config = None) -> None:
    """Print all that is known of one job, without what was submitted and answered."""
    job = _with_store(config, lambda store: store.find(None, job_id.removeprefix(OPERATION)))
    if job is None:
        raise fail(f"{job_id}: there is no such job")
    sys.stdout.write(json.dumps(_shown(job), indent=2) + "\n")


@app.command()
def retry(
    job_ids: Annotated[list[str] | None, typer.Argument(help="Dead jobs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are dead.")] = False,
    project: Project = None,
    config: Config = None,
) -> None:
    """Let dead jobs be tried anew; exit status 1 if one of them can't be."""
    if bool(job_ids) == every:
        raise fail("say which jobs, or --all")

    async def requeue(store: JobStore) -> list[str]:
        meant = job_ids or await _dead(store, project)
        ids = [job_id.removeprefix(OPERATION) for job_id in meant]
        return [job_id for job_id in ids if await store.requeue(job_id) is None]

    refused = _with_store(config, requeue)
    for job_id in refused:
        err.print(f"{job_id}: is no dead job, or its content was submitted again since")
    if refused:
        raise typer.Exit(1)
    err.print("They are tried anew.")


async def _dead(store: JobStore, project: str | None) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        page = await store.list(project, state=JobState.DEAD, limit=PAGE_SIZE, token=token)
        found += [job.id for job in page.jobs]
        token = page.next_token
        if not token:
            return found


def _shown(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "project": job.project,
        "kind": job.kind.value,
        "state": job.state.value,
        "request_id": job.request_id,
        "content_id": job.content_id,
        "priority": job.priority,
        "create_time": job.created_at.isoformat(),
        "update_time": job.updated_at.isoformat(),
        "attempt_count": job.attempt_count,
        "error_reason": job.error_reason,
        "error_message": job.error_message,
    }


def _with_store(config: Path | None, work: Callable[[JobStore], Awaitable[T]]) -> T:
    settings = settings_from(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(SqlJobStore(await open_engine(settings.storage.url, stack)))

    with explained_failures():
        try:
            return asyncio.run(run())
        except GavelError as error:
            raise fail(error.message) from error
