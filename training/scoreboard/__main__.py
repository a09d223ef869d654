"""``python -m training.scoreboard --sets DIR``: our figures on each set beside published ones."""

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import grpc.aio
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from gaveld.adapters.storage.policies import PolicyError
from gaveld.bootstrap.cli.target import channel_to
from gaveld.bootstrap.evaluation.assessment import SliceFigures, assess
from gaveld.bootstrap.evaluation.datasets import DatasetError
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.intervals import Estimate
from gaveld.bootstrap.evaluation.judging import Judgement, Refusal, judge_texts
from gaveld.bootstrap.evaluation.metrics import METRICS
from gaveld.bootstrap.evaluation.report import interval, number
from gaveld.bootstrap.settings import SettingsError, load_settings
from training.scoreboard.decisions import MEASURES, Kind, decide
from training.scoreboard.published import PUBLISHED
from training.scoreboard.sets import PUBLIC_SETS, PublicSet

SHOWN = ("auprc", "auroc", "recall_at_1_percent", "recall_at_5_percent", "f1", "ece")


def main() -> int:
    """Measure what is there, and list what is not. Exit status 2 for a set that can't be read."""
    parser = argparse.ArgumentParser(prog="scoreboard", description=__doc__)
    parser.add_argument("--sets", type=Path, required=True, help="folder of the sets' folders")
    parser.add_argument("--limit", type=int, help="draw this many texts of each set, from a seed")
    parser.add_argument("--resamples", type=int, default=1000, help="for the intervals; 0: none")
    arguments = parser.parse_args()
    console = Console()
    missing: list[PublicSet] = []
    found: list[tuple[PublicSet, list[Example]]] = []
    try:
        for about in PUBLIC_SETS:
            examples = about.read(arguments.sets)
            if examples is None:
                missing.append(about)
            else:
                found.append((about, drawn(examples, arguments.limit)))
        if found:
            asyncio.run(_measure(console, found, arguments.resamples))
    except (DatasetError, PolicyError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    for about in missing:
        wanted = ", ".join(" or ".join(names) for names in about.files)
        said = f"{about.title}: not found. {wanted} in {arguments.sets / about.folder}; "
        console.print(Text(f"{said}from {about.origin}", style="yellow"))
    return 0


def drawn(examples: Sequence[Example], limit: int | None) -> list[Example]:
    """Return at most ``limit`` of the examples, the same ones each time, in their order."""
    if limit is None or limit >= len(examples):
        return list(examples)
    places = sorted(random.Random(0).sample(range(len(examples)), limit))
    return [examples[place] for place in places]


async def _measure(
    console: Console, found: Sequence[tuple[PublicSet, list[Example]]], resamples: int
) -> None:
    async with channel_to(load_settings()) as channel:
        for about, examples in found:
            results = await _judged(channel, about, examples)
            (figures,) = assess(
                [replace(example, slices=()) for example in examples],
                zeros_for_unchecked(results),
                about.labels,
                resamples=resamples,
                seed=0,
                advance=lambda: None,
            )
            console.print()
            refused = f", {figures.refused} not judged" * bool(figures.refused)
            console.print(Text.assemble((about.title, "bold"), f": {figures.texts} texts{refused}"))
            if about.caveat:
                console.print(Text(about.caveat, style="yellow"))
            console.print(_ranking(figures))
            ours = [("AUPRC", "by score", figures.labels[0].estimates.get("auprc"))]
            if about.rules:
                kinds = decide(examples, results, about.rules)
                console.print(_decisions(kinds, about.rules))
                ours = [
                    (measure, f"by {rule}", kind.right[rule])
                    for kind in kinds
                    for name, measure in MEASURES.items()
                    if kind.name == name
                    for rule in about.rules
                ]
            console.print(_comparison(about, ours))


async def _judged(
    channel: grpc.aio.Channel, about: PublicSet, examples: Sequence[Example]
) -> tuple[Judgement | Refusal, ...]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(about.title, total=len(examples))
        judged = await judge_texts(
            channel,
            (),
            [example.text for example in examples],
            lambda count: progress.advance(task, count),
        )
    return judged.results


def zeros_for_unchecked(
    results: Sequence[Judgement | Refusal],
) -> list[Judgement | Refusal]:
    """Score texts that were not checked as 0, as published figures count every text.

    That is done for scores that some text has; one that none has stays unchecked for all.
    """
    judgements = [result for result in results if isinstance(result, Judgement)]
    categories: set[str] = set()
    attributes: set[str] = set()
    for judgement in judgements:
        categories |= set(judgement.category_scores)
        attributes |= set(judgement.attributes)
    return [
        replace(
            result,
            category_scores={**dict.fromkeys(categories, 0.0), **result.category_scores},
            attributes={**dict.fromkeys(attributes, 0.0), **result.attributes},
        )
        if isinstance(result, Judgement)
        else result
        for result in results
    ]


def _ranking(figures: SliceFigures) -> Table:
    table = Table("label", "scored as", "texts", "harmful", *(METRICS[key].title for key in SHOWN))
    for entry in figures.labels:
        cells = [
            f"{number(entry.estimates[key].value)}\n{interval(entry.estimates[key])}"
            for key in SHOWN
            if key in entry.estimates
        ]
        counts = (str(entry.texts), str(entry.tally.positive_count))
        table.add_row(entry.label.column, entry.label.scored_as, *counts, *(cells or [entry.note]))
    return table


def _decisions(kinds: Sequence[Kind], rules: Sequence[str]) -> Table:
    table = Table("share right", "texts", *(f"by {rule}" for rule in rules))
    for kind in kinds:
        cells = (f"{number(entry.value)} ({interval(entry)})" for entry in kind.right.values())
        table.add_row(kind.name, str(kind.texts), *cells)
    return table


def _comparison(about: PublicSet, ours: Sequence[tuple[str, str, Estimate | None]]) -> Table:
    table = Table("system", "measure", "value", "source")
    for measure, how, estimate in ours:
        if estimate is not None:
            value = f"{number(estimate.value)} ({interval(estimate)})"
            table.add_row(Text("Gavel", style="bold"), measure, value, f"this run, {how}")
    for entry in PUBLISHED:
        if entry.folder == about.folder:
            table.add_row(entry.system, entry.measure, number(entry.value), entry.source)
    return table


if __name__ == "__main__":
    sys.exit(main())
