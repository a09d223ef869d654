"""Makes a served model of a finished run: calibrates, measures, exports, and writes the card.

``python -m training.transformer.finish --data DIR --run DIR --out DIR`` works on a run that still
goes on, too, with the weights of its last checkpoint.
"""

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer

from gaveld.adapters.text.normalise.normaliser import read as read_through
from gaveld.adapters.text.toxicity_model import LinearCompanion, blend
from training.transformer import card, measuring
from training.transformer.corpus import Example, read_corpus
from training.transformer.encoding import pretrained_folder, read_tokenizer
from training.transformer.export import export, latency, onnx_logits
from training.transformer.learn import averaged_model
from training.transformer.model import TextModel
from training.transformer.scoring import Calibration, Numbers, Scores, calibrate, score
from training.transformer.settings import CONFIG, Settings, read_settings
from training.transformer.topics.saved import SavedHead

_CALIBRATED_ROWS_A_SOURCE = 700
_PARITY_ROWS = 1_000
_PUBLIC_WEIGHT = 3.0
_TOKEN_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)


def main() -> None:
    """Read the arguments and write everything that serving needs."""
    parser = argparse.ArgumentParser(prog="training.transformer.finish", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--run", type=Path, required=True, help="folder of the last round")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--topics", type=Path, help="folder of the head for topics and mood")
    parser.add_argument("--rows", type=int, help="report on so many rows of each part only")
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    torch.set_num_threads(settings.training.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, step = averaged_model(arguments.run, settings)
    subject = SavedHead.read(arguments.topics, model) if arguments.topics else None
    tokenizer = read_tokenizer(settings.data.max_tokens)
    examples = read_corpus(arguments.data, settings)
    chosen = spread([one for one in examples if one.part == "calibrate"], settings.seed)
    reported = [one for one in examples if one.part == "report"]
    if arguments.rows:
        chooser = np.random.default_rng(settings.seed)
        chosen = [chosen[n] for n in chooser.permutation(len(chosen))[: arguments.rows]]
        reported = [reported[n] for n in chooser.permutation(len(reported))[: arguments.rows]]
    found = score_all(model, [chosen, reported], tokenizer)
    companion = LinearCompanion()
    said = [companion_logits(companion, part, settings) for part in (chosen, reported)]
    share = settings.companion_share
    found = [
        replace(scores, labels=blend(scores.labels, other, share))
        for scores, other in zip(found, said, strict=True)
    ]
    calibration = fit(chosen, found[0])
    panel = fit_panel(chosen, found[0], settings)
    result = measure(
        (chosen, calibration.probabilities(found[0].labels)),
        (reported, calibration.probabilities(found[1].labels)),
        settings,
    )
    result["step"] = step
    at = token_threshold(chosen, found[0], tokenizer)
    result["spans"] = measuring.span_measures(reported, found[1], tokenizer, at)
    result["panel_auroc"] = panel_measures(reported, panel, found[1], settings)
    full, small = export(model, arguments.out, subject.head if subject else None)
    if subject:
        result["subject"] = subject.measures(small, tokenizer)
    sample = [one.text for one in reported[:_PARITY_ROWS]]
    served = blend(onnx_logits(small, sample, tokenizer), said[1][: len(sample)], share)
    result["int8"] = parity(found[1].labels[: len(sample)], served, small, calibration)
    result["companion"] = {"share": share, "digest": companion.digest}
    result["latency"] = {
        path.stem: [latency(path, rows, 32) for rows in (1, 32)] for path in (full, small)
    }
    write(arguments.out, settings, calibration, panel, result, subject.served if subject else {})


def token_threshold(examples: list[Example], found: Scores, tokenizer: Tokenizer) -> float:
    """Return the probability from which a token is pointed at, best on the calibration rows."""
    return max(
        _TOKEN_THRESHOLDS,
        key=lambda at: measuring.span_measures(examples, found, tokenizer, at)["mean_character_f1"],
    )


def spread(examples: list[Example], seed: int) -> list[Example]:
    """Return at most so many rows of each source that no register drowns the others."""
    chooser = np.random.default_rng(seed)
    counts: dict[str, int] = {}
    kept = []
    for number in chooser.permutation(len(examples)):
        source = examples[number].source
        counts[source] = counts.get(source, 0) + 1
        if counts[source] <= _CALIBRATED_ROWS_A_SOURCE:
            kept.append(examples[number])
    return kept


def score_all(model: TextModel, parts: list[list[Example]], tokenizer: Tokenizer) -> list[Scores]:
    """Return the logits of every part, under a progress bar."""
    columns = (TextColumn("score"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("score", total=sum(map(len, parts)))
        return [
            score(model, [one.text for one in part], tokenizer, lambda n: progress.advance(task, n))
            for part in parts
        ]


def fit(examples: list[Example], found: Scores) -> Calibration:
    """Return the calibration of what is served for the labels."""
    answers, known = measuring.known_answers(examples)
    return calibrate(found.labels, answers, known, row_weights(examples))


def row_weights(examples: list[Example]) -> Numbers:
    """Return how much each row counts in calibrating: large public sources were cut down."""
    return np.array(
        [_PUBLIC_WEIGHT if measuring.kind_of(one.source) == "public" else 1.0 for one in examples]
    )


def companion_logits(
    companion: LinearCompanion, examples: list[Example], settings: Settings
) -> Numbers:
    """Return what the linear model says of each text as the server reads it; NaN for nothing."""
    return np.stack(
        [
            companion.logits(read_through(one.text, _go_on), settings.labels, _go_on)
            for one in examples
        ]
    )


def _go_on() -> None:
    """Do nothing between two stretches of a text: nobody waits."""


def fit_panel(examples: list[Example], found: Scores, settings: Settings) -> list[Calibration]:
    """Return the calibration of each panel head."""
    answers, known = measuring.known_answers(examples)
    weights = row_weights(examples)
    return [
        calibrate(found.panel[:, head], answers, known, weights)
        for head in range(settings.panel_heads)
    ]


def measure(
    chosen: tuple[list[Example], Numbers],
    reported: tuple[list[Example], Numbers],
    settings: Settings,
) -> dict[str, Any]:
    """Return measures by label and source, thresholds, and over-flagging by register."""
    limits = measuring.thresholds(chosen, reported, settings)
    return {
        "rows": {"calibrated": len(chosen[0]), "reported": len(reported[0])},
        "labels": measuring.by_label(*reported, settings),
        "thresholds": limits,
        "over_flagging": measuring.over_flagging(*reported, limits, settings),
        "contrast": measuring.contrast(*reported, limits, settings),
    }


def panel_measures(
    examples: list[Example], panel: list[Calibration], found: Scores, settings: Settings
) -> dict[str, list[float]]:
    """Return the AUROC of each panel head by label."""
    answers, known = measuring.known_answers(examples)
    return {
        label: [
            measuring.measures(
                head.probabilities(found.panel[:, number])[known[:, place], place],
                answers[known[:, place], place] == 1,
            ).get("auroc", float("nan"))
            for number, head in enumerate(panel)
        ]
        for place, label in enumerate(settings.labels)
    }


def parity(
    logits: Numbers, served: Numbers, path: Path, calibration: Calibration
) -> dict[str, Any]:
    """Return how far the int8 file's probabilities are from the trained network's."""
    gap = np.abs(calibration.probabilities(served) - calibration.probabilities(logits))
    return {
        "texts": len(logits),
        "bytes": path.stat().st_size,
        "mean_gap": round(float(gap.mean()), 5),
        "gap_at_99_percent": round(float(np.quantile(gap, 0.99)), 5),
        "largest_gap": round(float(gap.max()), 4),
    }


def write(
    out: Path,
    settings: Settings,
    calibration: Calibration,
    panel: list[Calibration],
    result: dict[str, Any],
    subject: dict[str, Any],
) -> None:
    """Write calibration and thresholds, metrics as JSON and CSV, tokenizer and model card.

    ``subject`` is what serving has to know of topics and moods; empty without them.
    """
    served = {
        "labels": list(settings.labels),
        "token_kinds": list(settings.token_kinds),
        "max_tokens": settings.data.max_tokens,
        "slopes": calibration.slopes.round(5).tolist(),
        "intercepts": calibration.intercepts.round(5).tolist(),
        "panel_slopes": [head.slopes.round(5).tolist() for head in panel],
        "panel_intercepts": [head.intercepts.round(5).tolist() for head in panel],
        "companion": result["companion"],
        "token_threshold": result["spans"]["threshold"],
        "thresholds": result["thresholds"],
        **subject,
    }
    (out / "model.json").write_text(json.dumps(served, indent=1) + "\n", encoding="utf-8")
    (out / "metrics.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    tokenizer = (pretrained_folder() / "tokenizer.json").read_text(encoding="utf-8")
    (out / "tokenizer.json").write_text(tokenizer.rstrip() + "\n", encoding="utf-8")
    with (out / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = ("rows", "positives", "auroc", "auprc", "ece", "recall_at_1_percent")
        writer.writerow(["label", "slice", *names])
        for label, entry in result["labels"].items():
            slices = {name: entry[name] for name in ("all", "public", "own", "grammar")}
            for name, values in {**slices, **entry["sources"]}.items():
                writer.writerow([label, name, *(values.get(key, "") for key in names)])
    card.write(out)


if __name__ == "__main__":
    main()
