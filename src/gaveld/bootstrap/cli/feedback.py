"""``gavel feedback``: people's opinions as rows to learn from, out of the store of the settings."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gaveld.application.ports import FeedbackStore
from gaveld.bootstrap.cli.options import Config, err, explained_failures, fail, settings_from
from gaveld.bootstrap.stores import open_feedback
from gaveld.domain.feedback import Feedback

T = TypeVar("T")
Project = Annotated[str | None, typer.Option("--project", help="This project's alone.")]
Time = datetime | None

app = typer.Typer(no_args_is_help=True, help="Export and erase what people said of verdicts.")


@app.command()
def export(
    project: Project = None,
    since: Annotated[Time, typer.Option(help="Only what was given since then (UTC).")] = None,
    config: Config = None,
) -> None:
    """Print every opinion as a line of JSON, oldest first. The lines hold the texts."""

    async def work(store: FeedbackStore) -> int:
        count = 0
        async for feedback in store.read(project=project, since=_utc(since)):
            sys.stdout.write(json.dumps(_row(feedback), ensure_ascii=False) + "\n")
            count += 1
        return count

    count = _with_store(config, work)
    err.print(f"{count} opinions.")


@app.command()
def erase(
    project: Project = None,
    before: Annotated[Time, typer.Option(help="Only what was given before then (UTC).")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Of all projects.")] = False,
    config: Config = None,
) -> None:
    """Erase opinions for good; name a project, a time or --everything."""
    if project is None and before is None and not everything:
        raise fail("Name --project, --before or --everything.")
    count = _with_store(config, lambda store: store.erase(project=project, before=_utc(before)))
    err.print(f"{count} opinions erased.")


def _row(feedback: Feedback) -> dict[str, Any]:
    row = {
        "text": feedback.text,
        "attribute_scores": {name.value: score for name, score in feedback.attributes.items()},
        "category_ids": feedback.category_ids,
        "action": feedback.action.name.lower() if feedback.action else None,
        "languages": feedback.languages,
        "description": feedback.description,
        "parent_text": feedback.parent_text,
        "turns": [{"role": turn.role, "text": turn.text} for turn in feedback.turns],
        "community_id": feedback.community_id,
        "project": feedback.project,
        "id": feedback.id,
        "given_at": feedback.given_at.isoformat(),
    }
    return {name: value for name, value in row.items() if value}


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)


def _with_store(config: Path | None, work: Callable[[FeedbackStore], Awaitable[T]]) -> T:
    settings = settings_from(config)

    async def run() -> T:
        async with AsyncExitStack() as stack:
            return await work(await open_feedback(settings, stack))

    with explained_failures():
        return asyncio.run(run())
