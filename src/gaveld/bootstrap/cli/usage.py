"""``gavel usage``: what projects used, out of the store that the settings name."""

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.table import Column, Table

from gaveld.adapters.storage.usage import SUMS
from gaveld.bootstrap.cli.options import (
    AsJson,
    Config,
    explained_failures,
    out,
    settings_from,
    time_from,
)
from gaveld.bootstrap.settings import Settings
from gaveld.bootstrap.stores import open_usage
from gaveld.domain.usage import Usage

ROWS_AT_ONCE: Final = 5_000


class By(StrEnum):
    """What sums are told by, beside projects."""

    DAY = "day"
    METHOD = "method"


def usage(
    project: Annotated[str | None, typer.Option(help="This project's alone.")] = None,
    since: Annotated[
        str, typer.Option(help="From which day: 12h, 30d, 2w ago, or a day (UTC).")
    ] = "30d",
    by: Annotated[
        list[By] | None, typer.Option(help="Tell sums by these too; may be repeated.")
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Tell what each project used: calls answered, calls refused, and what they carried.

    Days are UTC, and the first counts whole. Servers write their counts every few seconds.
    """
    settings = settings_from(config)
    first_day = time_from(since, datetime.now(UTC)).astimezone(UTC).date()
    names = ("project", *(entry.value for entry in By if entry in (by or ())))
    with explained_failures():
        rows = asyncio.run(_sums(settings, project, first_day, names))
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    table = Table(
        *(Column(name, overflow="fold") for name in names),
        *(Column(name, justify="right") for name in SUMS),
    )
    for row in rows:
        table.add_row(*(str(row[name]) for name in (*names, *SUMS)))
    out.print(table)


async def _sums(
    settings: Settings, project: str | None, since: date, names: Sequence[str]
) -> list[dict[str, str | int]]:
    """Sum up page by page, so that however much is kept, only the sums are held."""
    sums: dict[tuple[str, ...], list[int]] = {}
    async with AsyncExitStack() as stack:
        store = await open_usage(settings, stack)
        last: Usage | None = None
        while page := await store.read(
            project=project, since=since, after=last, limit=ROWS_AT_ONCE
        ):
            _add(sums, page, names)
            last = page[-1]
    return [
        {**dict(zip(names, key, strict=True)), **dict(zip(SUMS, totals, strict=True))}
        for key, totals in sorted(sums.items())
    ]


def _add(
    sums: dict[tuple[str, ...], list[int]], used: Iterable[Usage], names: Sequence[str]
) -> None:
    for entry in used:
        totals = sums.setdefault(tuple(str(getattr(entry, name)) for name in names), [0, 0, 0])
        for place, name in enumerate(SUMS):
            totals[place] += getattr(entry, name)
