"""``gavel eval`` and ``gavel thresholds``: the text path against labelled texts, here or remote."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, fail, out
from gaveld.bootstrap.cli.target import (
    Target,
    asked_server,
    channel_to,
    explained_rpc_failures,
    metadata_for,
    tls_files,
)
from gaveld.bootstrap.evaluation.assessment import assess, slice_names
from gaveld.bootstrap.evaluation.datasets import DatasetError, read_table
from gaveld.bootstrap.evaluation.examples import Example, read_examples
from gaveld.bootstrap.evaluation.judging import Judged, Judgement, Refusal, judge_texts
from gaveld.bootstrap.evaluation.labels import Label, Yardstick, parse_label
from gaveld.bootstrap.evaluation.report import Report, write_metrics, write_scores
from gaveld.bootstrap.evaluation.report_html import html_page
from gaveld.bootstrap.evaluation.report_terminal import print_report
from gaveld.bootstrap.evaluation.thresholds import (
    CategoryProposal,
    Scored,
    fold_of,
    policy_snippet,
    propose,
)
from gaveld.bootstrap.settings import Settings
from gaveld.domain.categories import CATALOGUE

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="CSV, TSV, JSONL, or Parquet if pyarrow is there.",
        exists=True,
        dir_okay=False,
    ),
]
TextColumnName = Annotated[str, typer.Option("--text", help="The column of texts.")]
Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        help="A column of labels, or COLUMN=MEANING: H2, H1+H3, attribute:toxicity or any. "
        "May be repeated.",
    ),
]


def evaluate(
    *,
    data: Data,
    text: TextColumnName,
    label: Labels,
    folder: Annotated[
        Path, typer.Option("--out", help="Folder for report.html and the CSV files.")
    ],
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Also measure by each value of this column. Repeatable."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, max=100_000, help="Bootstraps for the intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstraps.")] = 0,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Judge labelled texts as `moderate` would, and measure how right that is."""
    where = asked_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    labels, examples = _read(data, text, label, slices or [])
    judged = _judge(where, examples)
    with _progress() as progress:
        task = progress.add_task("Measuring", total=len(slice_names(examples)) * len(labels))
        figures = assess(
            examples,
            judged.results,
            labels,
            resamples=resamples,
            seed=seed,
            advance=lambda: progress.advance(task),
        )
    report = Report(
        data.name, judged.policy_revisions, judged.classifiers, resamples, seed, figures
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.html").write_text(html_page(report), "utf-8")
        write_metrics(folder / "metrics.csv", report)
        write_scores(folder / "scores.csv", examples, judged.results, labels)
    except OSError as error:
        raise fail(f"--out {folder}: {error.strerror}") from error
    print_report(out, report)
    err.print(Text(f"Wrote report.html, metrics.csv and scores.csv into {folder}."))


def thresholds(
    *,
    data: Data,
    text: TextColumnName,
    label: Labels,
    max_fpr: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Harmless texts that review may flag, 0–1.")
    ] = 0.01,
    max_block_fpr: Annotated[
        float | None,
        typer.Option(min=0.0001, max=0.5, help="The same for block. Default: a tenth of it."),
    ] = None,
    target: options.Target = None,
    key: options.Key = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Propose a policy's thresholds from labelled texts, as YAML on standard output."""
    where = asked_server(target, key, tls_files(ca_file, cert_file, key_file), config)
    block_budget = max_fpr / 10 if max_block_fpr is None else max_block_fpr
    if block_budget > max_fpr:
        raise fail(f"--max-block-fpr {block_budget} is above --max-fpr {max_fpr}")
    labels, examples = _read(data, text, label, [])
    for entry in labels:
        if entry.yardstick is not Yardstick.CATEGORIES or len(entry.names) != 1:
            raise fail(
                f"--label {entry.column}={entry.scored_as}: a policy has thresholds on single "
                "categories only"
            )
    judged = _judge(where, examples)
    proposals = [
        _proposal(entry, place, examples, judged, (max_fpr, block_budget))
        for place, entry in enumerate(labels)
    ]
    sys.stdout.write(policy_snippet(proposals, data.name))


def _read(
    data: Path, text: str, options_given: Sequence[str], slices: Sequence[str]
) -> tuple[list[Label], list[Example]]:
    try:
        labels = [parse_label(option) for option in options_given]
        examples = read_examples(read_table(data), text, labels, slices)
    except (DatasetError, ValueError) as error:
        raise fail(str(error)) from error
    return labels, examples


def _judge(where: Target | Settings, examples: Sequence[Example]) -> Judged:
    texts = [example.text for example in examples]

    async def run() -> Judged:
        async with channel_to(where) as channel:
            with _progress() as progress:
                task = progress.add_task("Judging", total=len(texts))
                return await judge_texts(
                    channel,
                    metadata_for(where),
                    texts,
                    lambda count: progress.advance(task, count),
                )

    with explained_failures(), explained_rpc_failures():
        judged = asyncio.run(run())
    refused = [
        (example.line, result.message)
        for example, result in zip(examples, judged.results, strict=True)
        if isinstance(result, Refusal)
    ]
    if refused:
        line, message = refused[0]
        err.print(
            Text(f"not judged: {len(refused)}, such as line {line}: {message}", style="yellow")
        )
    return judged


def _proposal(
    label: Label,
    place: int,
    examples: Sequence[Example],
    judged: Judged,
    budgets: tuple[float, float],
) -> CategoryProposal:
    scored: list[Scored] = []
    unchecked = 0
    for example, result in zip(examples, judged.results, strict=True):
        is_harmful = example.truth[place]
        if is_harmful is None or not isinstance(result, Judgement):
            continue
        score = result.score(label)
        if score is None:
            unchecked += 1
        else:
            scored.append(Scored(fold_of(example.text), score, is_harmful))
    category = CATALOGUE[label.names[0]]
    return CategoryProposal(
        category_id=category.id,
        name=category.name,
        texts=len(scored),
        harmful=sum(entry.is_harmful for entry in scored),
        unchecked=unchecked,
        review=propose(scored, budgets[0]),
        block=propose(scored, budgets[1]),
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=err, disable=not err.is_terminal
    ) as progress:
        yield progress
