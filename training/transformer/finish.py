"""Makes a served model of a finished run: calibrates, measures, exports, and writes the card.

``python -m training.transformer.finish --data DIR --run DIR --out DIR`` works on a run that still
goes on, too, with the weights of its last checkpoint.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer

from training.transformer import card, measuring
from training.transformer.corpus import Example, read_corpus
from training.transformer.encoding import pretrained_folder, read_tokenizer
from training.transformer.export import export, latency, onnx_logits
from training.transformer.learn import averaged_model
from training.transformer.model import TextModel
from training.transformer.scoring import Calibration, Numbers, Scores, calibrate, score
from training.transformer.settings import CONFIG, Settings, read_settings

_CALIBRATED_ROWS_A_SOURCE = 700
_PARITY_ROWS = 1_000
_TOKEN_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)


def main() -> None:
    """Read the arguments and write everything that serving needs."""
    parser = argparse.ArgumentParser(prog="training.transformer.finish", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--run", type=Path, required=True, help="folder of the last round")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--rows", type=int, help="report on so many rows of each part only")
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    torch.set_num_threads(settings.training.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    model, step = averaged_model(arguments.run, settings)
    tokenizer = read_tokenizer(settings.data.max_tokens)
    examples = read_corpus(arguments.data, settings)
    chosen = spread([one for one in examples if one.part == "calibrate"], settings.seed)
    reported = [one for one in examples if one.part == "report"]
    if arguments.rows:
        chooser = np.random.default_rng(settings.seed)
        chosen = [chosen[n] for n in chooser.permutation(len(chosen))[: arguments.rows]]
        reported = [reported[n] for n in chooser.permutation(len(reported))[: arguments.rows]]
    found = score_all(model, [chosen, reported], tokenizer)
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
    full, small = export(model, arguments.out)
    sample = [one.text for one in reported[:_PARITY_ROWS]]
    result["int8"] = parity(found[1].labels[: len(sample)], small, sample, tokenizer, calibration)
    result["latency"] = {
        path.stem: [latency(path, rows, 32) for rows in (1, 32)] for path in (full, small)
    }
    write(arguments.out, settings, calibration, panel, result)


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
    """Return the calibration of the label heads."""
    answers, known = measuring.known_answers(examples)
    return calibrate(found.labels, answers, known, np.ones(len(examples)))


def fit_panel(examples: list[Example], found: Scores, settings: Settings) -> list[Calibration]:
    """Return the calibration of each panel head."""
    answers, known = measuring.known_answers(examples)
    ones = np.ones(len(examples))
    return [
        calibrate(found.panel[:, head], answers, known, ones)
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
    logits: Numbers, path: Path, texts: list[str], tokenizer: Tokenizer, calibration: Calibration
) -> dict[str, Any]:
    """Return how far the int8 file's probabilities are from the trained network's."""
    gap = np.abs(
        calibration.probabilities(onnx_logits(path, texts, tokenizer))
        - calibration.probabilities(logits)
    )
    return {
        "texts": len(texts),
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
) -> None:
    """Write calibration and thresholds, metrics as JSON and CSV, tokenizer and model card."""
    served = {
        "labels": list(settings.labels),
        "token_kinds": list(settings.token_kinds),
        "max_tokens": settings.data.max_tokens,
        "slopes": calibration.slopes.round(5).tolist(),
        "intercepts": calibration.intercepts.round(5).tolist(),
        "panel_slopes": [head.slopes.round(5).tolist() for head in panel],
        "panel_intercepts": [head.intercepts.round(5).tolist() for head in panel],
        "token_threshold": result["spans"]["threshold"],
        "thresholds": result["thresholds"],
    }
    (out / "model.json").write_text(json.dumps(served, indent=1) + "\n", encoding="utf-8")
    (out / "metrics.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    tokenizer = (pretrained_folder() / "tokenizer.json").read_bytes()
    (out / "tokenizer.json").write_bytes(tokenizer)
    with (out / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ("rows", "positives", "auroc", "auprc", "ece", "recall_at_1_percent")
        writer.writerow(["label", "slice", *names])
        for label, entry in result["labels"].items():
            slices = {name: entry[name] for name in ("all", "public", "own", "grammar")}
            for name, values in {**slices, **entry["sources"]}.items():
                writer.writerow([label, name, *(values.get(key, "") for key in names)])
    card.write(out)


if __name__ == "__main__":
    main()
