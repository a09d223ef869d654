"""What the cascade saves, and which verdicts it changes: ``text.cascade_below`` at several floors.

Texts are judged by the default policy with the transformer and then, as far as the linear model
spares it their reading, without. One text after another, so that the engine's time is the text's.
"""

import asyncio
import importlib.util
import os
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.model import NO_MODEL, model_folder
from gaveld.adapters.storage.policies import DEFAULT_POLICY, YamlPolicyStore
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.moderate import ModerateText, TextJudgement
from gaveld.bootstrap.settings import TextSettings
from gaveld.bootstrap.texts import build_text_path
from gaveld.domain.actions import Action
from gaveld.domain.content import TextSubmission
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.signals import OutcomeStatus

DEFAULT_DATA: Final = "../shared/data/text"
SAMPLES: Final = {"valid.parquet": 4_000, "own.parquet": 2_000}
"""Files with labelled texts, and how many of each are judged. Models learn from ``own.parquet``."""

FLOORS: Final = (0.2, 0.1, 0.05, 0.03, 0.02, 0.01)
"""The highest first: what one spares, a lower one may."""

NOT_LABELS: Final = {"text", "source", "weak", "implied"}


@dataclass(frozen=True, slots=True)
class Text:
    """A labelled text. ``harmful`` is true when any of its labels says so."""

    content: str
    harmful: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a text, and the engine's seconds for it; ``read`` if its language is."""

    text: Text
    action: Action
    seconds: float
    read: bool


class EngineClock(PrometheusTelemetry):
    """Counts the engine's seconds."""

    seconds = 0.0

    def engine_ran(self, passages: int, tokens: int, padding: int, seconds: float) -> None:
        """Count one batch."""
        super().engine_ran(passages, tokens, padding, seconds)
        self.seconds += seconds


def read(path: Path, count: int) -> list[Text]:
    """Return so many rows of a file, the same at every run."""
    from pyarrow import parquet

    rows = parquet.read_table(path).to_pylist()
    return [
        Text(row["text"], any(row[name] == 1 for name in row.keys() - NOT_LABELS))
        for row in random.Random(0).sample(rows, min(count, len(rows)))
    ]


async def judge_all(folder: Path, texts: Sequence[Text], floor: float, title: str) -> list[Judged]:
    """Judge each text by itself as a server would with this ``text.cascade_below``."""
    clock = EngineClock()
    settings = TextSettings(transformer_folder=folder, cascade_below=floor, engine="onnxruntime")
    judged = []
    async with AsyncExitStack() as stack:
        path = await asyncio.to_thread(build_text_path, settings, stack, clock)
        await path.warm_up()
        moderate = ModerateText(
            normaliser=path.normaliser,
            language_detector=path.language_detector,
            classifiers=path.classifiers,
            policies=YamlPolicyStore(DEFAULT_POLICY, validate_term_lists, listed_domain),
            telemetry=clock,
            max_text_bytes=settings.max_text_bytes,
        )
        progress = f"{title}, below {floor}"
        for text in track(texts, progress, transient=True, disable=not sys.stdout.isatty()):
            clock.seconds = 0.0
            judgement = await moderate(
                TextSubmission(text.content),
                project="bench",
                overrides=PolicyOverrides(),
                deadline_seconds=60,
            )
            action = judgement.verdict.action
            judged.append(Judged(text, action, clock.seconds, _is_read(judgement)))
    return judged


def _is_read(judgement: TextJudgement) -> bool:
    return any(
        entry.card.name == "transformer" and entry.status is OutcomeStatus.RAN and entry.is_check
        for entry in judgement.outcomes
    )


async def measure(folder: Path, texts: Sequence[Text], title: str) -> Table:
    """Return a row for each floor: what is spared, saved and changed."""
    whole = [entry for entry in await judge_all(folder, texts, 0.0, title) if entry.read]
    by_text = {entry.text: entry for entry in whole}
    flagged = sum(entry.action > Action.ALLOW for entry in whole)
    seconds = sum(entry.seconds for entry in whole)
    table = Table(
        *("floor", "texts spared", "engine time saved", "verdicts changed", "of all flagged"),
        *("blocks lost", "reviews lost", "of these labelled harmful"),
        title=f"{title}: {len(whole)} texts that the transformer reads, {flagged} flagged",
    )
    left = [entry.text for entry in whole]
    for floor in FLOORS:
        spared = [
            entry for entry in await judge_all(folder, left, floor, title) if not entry.seconds
        ]
        left = [entry.text for entry in spared]
        changed = [by_text[e.text] for e in spared if e.action is not by_text[e.text].action]
        blocks = sum(entry.action is Action.BLOCK for entry in changed)
        harmful = sum(entry.text.harmful for entry in changed)
        table.add_row(
            f"{floor:.2f}",
            f"{len(spared) / len(whole):.1%}",
            f"{sum(by_text[text].seconds for text in left) / seconds:.1%}",
            f"{len(changed) / len(whole):.2%}",
            f"{len(changed) / flagged:.1%}",
            str(blocks),
            str(len(changed) - blocks),
            f"{harmful / len(changed):.0%}" if changed else "-",
        )
    return table


def main(console: Console) -> None:
    """Run the benchmark; without a model or texts say so."""
    folder = model_folder()
    data = Path(os.environ.get("DATA", DEFAULT_DATA))
    if folder is None:
        console.print(NO_MODEL)
        return
    if not all((data / name).is_file() for name in SAMPLES):
        console.print(f"No texts to judge: name a folder with {' and '.join(SAMPLES)} in DATA.")
        return
    if importlib.util.find_spec("pyarrow") is None:
        console.print("No way to read the texts: install requirements/train.lock.")
        return
    for name, count in SAMPLES.items():
        console.print(asyncio.run(measure(folder, read(data / name, count), name)))
