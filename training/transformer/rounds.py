"""Learns one round: prepares its mixture where that is not done, goes on from its checkpoint.

A round is a folder. Which texts it shows is its caller's business.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.transformer.corpus import Example
from training.transformer.encoding import Encoded, encode, read_tokenizer
from training.transformer.learn import CHECKPOINT, Learning, learn
from training.transformer.mixture import positive_weights
from training.transformer.settings import Settings

MIXTURE: Final = "mixture.npz"
SUMMARY: Final = "mixture.json"


def round_folder(out: Path, number: int) -> Path:
    """Return where a round, from 0, keeps its mixture, checkpoint and curve."""
    return out / f"round-{number + 1}"


def train_round(
    out: Path,
    settings: Settings,
    number: int,
    shown: Callable[[], list[Example]],
    *,
    resume: bool,
) -> bool:
    """Learn one round of what ``shown`` gives; return whether it ended.

    ``shown`` is asked only where the round's mixture has not been written before.
    """
    folder = round_folder(out, number)
    folder.mkdir(parents=True, exist_ok=True)
    if not (resume and (folder / SUMMARY).exists()):
        prepare(shown(), folder, settings)
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


def prepare(shown: list[Example], folder: Path, settings: Settings) -> None:
    """Write a round's encoded mixture, and how often each source is in it."""
    encode(shown, read_tokenizer(settings.data.max_tokens), settings).save(folder / MIXTURE)
    weights = positive_weights(shown, settings.training.positive_ceiling).tolist()
    summary = {
        "rows": len(shown),
        "sources": Counter(one.source for one in shown),
        "positive_weights": weights,
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
