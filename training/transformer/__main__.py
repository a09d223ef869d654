"""Trains the text transformer from a data folder, round by round, and resumes where it stopped."""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.transformer.corpus import read_corpus
from training.transformer.encoding import Encoded, encode, read_tokenizer
from training.transformer.learn import CHECKPOINT, Learning, learn
from training.transformer.mixture import mix, positive_weights
from training.transformer.settings import CONFIG, Settings, read_settings

MIXTURE: Final = "mixture.npz"
SUMMARY: Final = "mixture.json"


def main() -> None:
    """Read the arguments and train round by round; a second call with ``--resume`` goes on."""
    parser = argparse.ArgumentParser(prog="training.transformer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    torch.set_num_threads(settings.training.threads)
    for number in range(len(settings.rounds)):
        if not train_round(
            arguments.data, arguments.out, settings, number, resume=arguments.resume
        ):
            raise SystemExit("stopped; go on with --resume")


def round_folder(out: Path, number: int) -> Path:
    """Return where a round, from 0, keeps its mixture, checkpoint and curve."""
    return out / f"round-{number + 1}"


def train_round(data: Path, out: Path, settings: Settings, number: int, *, resume: bool) -> bool:
    """Learn one round, preparing it where that has not been done; return whether it ended."""
    folder = round_folder(out, number)
    folder.mkdir(parents=True, exist_ok=True)
    if not (resume and (folder / SUMMARY).exists()):
        prepare(data, folder, settings, number)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    positive = np.array(summary["positive_weights"], np.float32)
    encoded = Encoded.load(folder / MIXTURE)
    learning = Learning(settings, settings.rounds[number], encoded, positive, folder)
    if resume and (folder / CHECKPOINT).exists():
        learning.resume()
    elif number:
        learning.start_from(round_folder(out, number - 1))
    columns = (TextColumn("learn"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("learn", total=learning.steps, completed=learning.step)
        return learn(learning, folder, settings, lambda step: progress.update(task, completed=step))


def prepare(data: Path, folder: Path, settings: Settings, number: int) -> None:
    """Write a round's encoded mixture, and how often each source is in it."""
    shown = mix(read_corpus(data, settings), settings, number)
    encode(shown, read_tokenizer(settings.data.max_tokens), settings).save(folder / MIXTURE)
    weights = positive_weights(shown, settings.training.positive_ceiling).tolist()
    summary = {
        "rows": len(shown),
        "sources": Counter(one.source for one in shown),
        "positive_weights": weights,
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
