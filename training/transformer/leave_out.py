"""Trains a smaller model without each group of public sources, and measures it on those.

``python -m training.transformer.leave_out --data DIR --out DIR`` writes ``leave_out.json`` and
``leave_out.csv`` after each fold of ``leave_out.yaml``. With ``--resume`` a fold that is done is
not repeated, and one that was stopped goes on from its checkpoint. With ``--beside`` a finished
model of everything is measured on the same rows of ``valid.parquet``, and its card gets the tables.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console

from training.transformer import card
from training.transformer.corpus import Example, read_corpus
from training.transformer.encoding import read_tokenizer
from training.transformer.export import onnx_logits
from training.transformer.finish import score_all
from training.transformer.folds import (
    PLAN,
    Fold,
    Plan,
    at_most,
    check_names,
    read_plan,
    scored,
    staying,
)
from training.transformer.learn import averaged_model
from training.transformer.leave_out_report import (
    CSV_FILE,
    JSON_FILE,
    Judged,
    Mask,
    Numbers,
    measure_fold,
    write,
)
from training.transformer.measuring import known_answers
from training.transformer.mixture import mix
from training.transformer.rounds import SUMMARY, round_folder, train_round
from training.transformer.settings import CONFIG, Settings, read_settings

SCORES: Final = "scores.npz"
_CONSOLE: Final = Console(stderr=True)


def main() -> None:
    """Read the arguments, go over the folds and write the tables."""
    parser = argparse.ArgumentParser(prog="training.transformer.leave_out", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--out", type=Path, required=True, help="folder of the folds")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--folds", type=Path, default=PLAN, help="what is left out, and the budget")
    parser.add_argument("--resume", action="store_true", help="keep what is done, and go on")
    parser.add_argument("--beside", type=Path, help="folder of a finished model of everything")
    arguments = parser.parse_args()
    plan = read_plan(arguments.folds)
    settings = plan.smaller(read_settings(arguments.config))
    torch.set_num_threads(settings.training.threads)
    examples = read_corpus(arguments.data, settings)
    check_names(plan, examples, settings.labels)
    folds: dict[str, dict[str, Any]] = {}
    entries: list[dict[str, Any]] = []
    for fold in plan.folds:
        _CONSOLE.print(f"{fold.name}: without {', '.join(fold.without)}")
        folder = arguments.out / fold.name
        if not (arguments.resume and (folder / SCORES).exists()):
            train_without(fold, examples, folder, plan, settings, resume=arguments.resume)
        folds[fold.name] = _described(fold, folder)
        parts = judged(fold, examples, folder, plan, settings, arguments.beside)
        entries += measure_fold(fold, parts, settings.labels, plan, settings.seed)
        write(arguments.out, folds, entries, settings.labels, plan)
    if arguments.beside is not None:
        for name in (JSON_FILE, CSV_FILE):
            shutil.copyfile(arguments.out / name, arguments.beside / name)
        card.write(arguments.beside)


def train_without(
    fold: Fold,
    examples: list[Example],
    folder: Path,
    plan: Plan,
    settings: Settings,
    *,
    resume: bool,
) -> None:
    """Train a fold and keep its logits. Raises SystemExit when it is stopped.

    Raises ValueError where the mixture that a stopped run left holds a left-out source.
    """
    (folder / SCORES).unlink(missing_ok=True)
    shown = partial(show_without, fold, examples, plan, settings)
    if not train_round(folder, settings, 0, shown, resume=resume):
        raise SystemExit("stopped; go on with --resume")
    learnt_from = _summary(folder)["sources"]
    if not learnt_from.keys().isdisjoint(fold.without):
        raise ValueError(f"{fold.name} was learnt from what it is to leave out; delete its folder")
    model, _ = averaged_model(round_folder(folder, 0), settings)
    rows = scored_rows(fold, examples, plan, settings)
    (found,) = score_all(model, [rows], read_tokenizer(settings.data.max_tokens))
    unfinished = folder / f"new-{SCORES}"
    np.savez(unfinished, logits=found.labels, texts=_digest(rows))
    unfinished.replace(folder / SCORES)


def show_without(
    fold: Fold, examples: list[Example], plan: Plan, settings: Settings
) -> list[Example]:
    """Return what a fold shows: the mixture of the sources that stay, cut to the plan's length."""
    shown = mix(staying(examples, fold.without), settings, 0)
    return at_most(shown, plan.most_rows, settings.seed)


def scored_rows(
    fold: Fold, examples: list[Example], plan: Plan, settings: Settings
) -> list[Example]:
    """Return the rows that a fold is measured on, source after source."""
    return [
        one
        for source in fold.without
        for one in scored(examples, source, plan.most_scored, settings.seed)
    ]


def judged(
    fold: Fold,
    examples: list[Example],
    folder: Path,
    plan: Plan,
    settings: Settings,
    beside: Path | None,
) -> list[Judged]:
    """Return by source what the fold's model, and the one beside it, say of the scored rows.

    Raises ValueError where the logits that were kept are of other rows.
    """
    rows = scored_rows(fold, examples, plan, settings)
    with np.load(folder / SCORES) as kept:
        if str(kept["texts"]) != _digest(rows):
            raise ValueError(f"{fold.name} was scored on other rows; delete its folder")
        scores = _probabilities(kept["logits"])
    answers, known = known_answers(rows)
    valid = np.array([one.part == "report" for one in rows])
    with_it = None if beside is None else scores_beside(beside, rows, valid, settings)
    sources = np.array([one.source for one in rows])
    return [
        Judged(
            source,
            answers[here],
            known[here],
            valid[here],
            scores[here],
            None if with_it is None else with_it[here],
        )
        for source in fold.without
        if (here := sources == source).any()
    ]


def scores_beside(beside: Path, rows: list[Example], valid: Mask, settings: Settings) -> Numbers:
    """Return a finished model's scores, ``[rows, labels]``; NaN for rows that it may have learnt.

    Raises ValueError where its labels are others.
    """
    manifest = json.loads((beside / "model.json").read_text(encoding="utf-8"))
    if manifest["labels"] != list(settings.labels):
        raise ValueError(f"{beside.name} has other labels")
    result = np.full((len(rows), len(settings.labels)), np.nan)
    if valid.any():
        texts = [one.text for one, held_out in zip(rows, valid, strict=True) if held_out]
        tokenizer = read_tokenizer(settings.data.max_tokens)
        result[valid] = _probabilities(onnx_logits(beside / "model.int8.onnx", texts, tokenizer))
    return result


def _probabilities(logits: Numbers) -> Numbers:
    """Return uncalibrated probabilities; calibration would change no ranking."""
    found: Numbers = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return found


def _digest(rows: Sequence[Example]) -> str:
    texts = "\0".join(one.text for one in rows)
    return hashlib.sha256(texts.encode("utf-8", "replace")).hexdigest()


def _summary(folder: Path) -> dict[str, Any]:
    text = (round_folder(folder, 0) / SUMMARY).read_text(encoding="utf-8")
    summary: dict[str, Any] = json.loads(text)
    return summary


def _described(fold: Fold, folder: Path) -> dict[str, Any]:
    return {"without": list(fold.without), "rows": _summary(folder)["rows"]}


if __name__ == "__main__":
    main()
