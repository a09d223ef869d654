"""Writes ``panel.json`` and ``panel_metrics.json`` beside a text model's weights.

``python -m training.panel --data DIR`` fits the points of the shipped model and measures the panel;
``--tables`` prints what was measured last as Markdown instead.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gaveld.adapters.reviewers.embedded import POINTS_FILE
from gaveld.adapters.text.transformer_model import SHIPPED_FOLDER
from training.panel import tables
from training.panel.fitting import fit, truth
from training.panel.measuring import measure
from training.panel.seeing import Seen, opened, see
from training.transformer.corpus import Example, read_corpus
from training.transformer.settings import read_settings

METRICS_FILE: Final = "panel_metrics.json"
ROWS_A_SOURCE: Final = 700


def main() -> None:
    """Read the arguments and fit, or print tables."""
    parser = argparse.ArgumentParser(prog="training.panel", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the parquet tables")
    parser.add_argument("--model", type=Path, default=SHIPPED_FOLDER, help="folder of the model")
    parser.add_argument("--rows", type=int, help="use so many rows of each part only")
    parser.add_argument("--tables", action="store_true", help="print what was measured last")
    arguments = parser.parse_args()
    if arguments.data is not None:
        write(arguments.data, arguments.model, arguments.rows)
    if arguments.tables:
        result = json.loads((arguments.model / METRICS_FILE).read_text(encoding="utf-8"))
        for part in (tables.members, tables.agreement, tables.amounts, tables.confidence):
            print(part(result), end="\n\n")


def write(data: Path, folder: Path, most_rows: int | None) -> None:
    """Fit on the calibration rows, measure on the report rows, and write both files."""
    settings = read_settings()
    examples = read_corpus(data, settings)
    chosen = spread([one for one in examples if one.part == "calibrate"], settings.seed)
    reported = [one for one in examples if one.part == "report"]
    chosen, reported = (some(part, most_rows, settings.seed) for part in (chosen, reported))
    seen = see_all(folder, [chosen, reported])
    document = fit(seen[0], truth(chosen, settings.labels, seen[0].categories))
    result = measure(seen[1], truth(reported, settings.labels, seen[1].categories), document)
    result["rows"]["fitted_on"] = len(chosen)
    _write(folder / POINTS_FILE, document)
    _write(folder / METRICS_FILE, result)


def see_all(folder: Path, parts: Sequence[Sequence[Example]]) -> list[Seen]:
    """Have a model read every part, under a progress bar."""
    columns = (TextColumn("read"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        opened(folder) as (model, lexicon),
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("read", total=sum(map(len, parts)))
        return [see(part, model, lexicon, lambda: bar.advance(task)) for part in parts]


def spread(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return at most so many rows of each source that no register drowns the others."""
    counts: dict[str, int] = {}
    kept = []
    for number in np.random.default_rng(seed).permutation(len(examples)):
        source = examples[number].source
        counts[source] = counts.get(source, 0) + 1
        if counts[source] <= ROWS_A_SOURCE:
            kept.append(examples[number])
    return kept


def some(examples: Sequence[Example], most: int | None, seed: int) -> list[Example]:
    """Return all of the examples, or so many by lot."""
    if most is None or len(examples) <= most:
        return list(examples)
    chosen = np.random.default_rng(seed).permutation(len(examples))[:most]
    return [examples[number] for number in chosen]


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
