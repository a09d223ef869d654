"""Reads public tables and own lines into one table of texts, and says which part each belongs to.

Parts: ``train``, ``calibrate`` and ``report``. Near neighbours among own lines, lines of one
grammar template and equal wordings of public texts stay in one part.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.linear.wording import clean, tenth, wording
from training.own.grammar import expand, parse
from training.parts import CALIBRATED_TENTH, HELD_OUT_TENTH, neighbourhoods
from training.transformer.settings import OWN_LINES, Settings

Numbers = npt.NDArray[np.float32]
Spans = tuple[tuple[int, int, str], ...]

SPAN_SOURCE: Final = "civil_toxic_spans"
UNKNOWN: Final = -1.0


@dataclass(frozen=True)
class Example:
    """One text to learn from or to be measured on.

    ``answers`` holds 1, 0 or -1 (unknown) a label and ``weights`` how much each counts; ``deduced``
    says which of them nobody set. ``spans`` are character ranges with their kind, None where
    nobody marked any.
    """

    text: str
    source: str
    part: str
    answers: Numbers
    weights: Numbers
    deduced: npt.NDArray[np.bool_]
    spans: Spans | None = None

    def having(self, text: str, answers: Numbers | None = None) -> "Example":
        """Return the example with another wording, whose spans nobody has marked."""
        return replace(
            self, text=text, answers=self.answers if answers is None else answers, spans=None
        )


def read_corpus(data: Path, settings: Settings) -> list[Example]:
    """Return every example of the data folder and of the own lines, in a fixed order."""
    spans = read_spans(data / "spans.parquet")
    train = pd.read_parquet(data / "train.parquet")
    parts = [
        "calibrate" if tenth(wording(text)) == CALIBRATED_TENTH else "train" for text in train.text
    ]
    own = pd.read_parquet(data / "own.parquet")
    groups = neighbourhoods(list(own.text))
    own_parts = [_own_part(tenth(f"own {group}")) for group in groups]
    valid = pd.read_parquet(data / "valid.parquet")
    return [
        *_examples(train, parts, settings, spans),
        *_examples(own, own_parts, settings, {}),
        *_grammar_examples(settings),
        *_examples(valid, ["report"] * len(valid), settings, spans),
    ]


def read_spans(path: Path) -> dict[str, Spans]:
    """Return the marked character ranges by text."""
    table = pd.read_parquet(path)
    return {
        text: tuple((start, end, kind) for start, end, kind in json.loads(spans))
        for text, spans in zip(table.text, table.spans, strict=True)
    }


def _own_part(number: int) -> str:
    names = {HELD_OUT_TENTH: "report", CALIBRATED_TENTH: "calibrate"}
    return names.get(number, "train")


def _examples(
    table: pd.DataFrame, parts: list[str], settings: Settings, spans: dict[str, Spans]
) -> Iterator[Example]:
    known = [label for label in settings.labels if label in table]
    columns = [settings.labels.index(label) for label in known]
    answers = np.full((len(table), len(settings.labels)), UNKNOWN, np.float32)
    answers[:, columns] = table[known].astype(np.float32).fillna(UNKNOWN).to_numpy()
    deduced = np.zeros(answers.shape, bool)
    for name in ("weak", "implied"):
        if name in table:
            for row, labels in enumerate(table[name].fillna("")):
                for label in filter(None, labels.split(",")):
                    deduced[row, settings.labels.index(label)] = True
    own = table.source.str.startswith("own_").to_numpy()
    for row, (text, source, part) in enumerate(zip(table.text, table.source, parts, strict=True)):
        marked = spans.get(text) if source == SPAN_SOURCE else None
        cleaned = text if marked is not None else clean(text)
        if not cleaned.strip():
            continue
        trust = np.where(deduced[row], settings.data.deduced_weight, 1.0)
        weights = trust * (settings.data.own_weight if own[row] else 1.0)
        severe = severity(answers[row], settings)
        yield Example(
            cleaned, source, part, severe, weights.astype(np.float32), deduced[row], marked
        )


def _grammar_examples(settings: Settings) -> Iterator[Example]:
    for path in sorted(OWN_LINES.rglob("*.grammar")):
        for line in expand(parse(path), settings.seed, settings.data.grammar_scale):
            answers = np.zeros(len(settings.labels), np.float32)
            for label in line.positive:
                answers[settings.labels.index(label)] = 1.0
            for label in line.unknown:
                answers[settings.labels.index(label)] = UNKNOWN
            yield Example(
                line.text,
                f"grammar_{path.stem}",
                _own_part(tenth(line.template)),
                severity(answers, settings),
                np.full(len(answers), settings.data.grammar_weight, np.float32),
                np.zeros(len(answers), bool),
            )


def severity(answers: Numbers, settings: Settings) -> Numbers:
    """Return the answers with severe toxicity worked out, for no source labels it.

    It is given where a text is toxic and threatens, or attacks a group in foul words; it is
    missing where a text is harmless, or toxic and known for neither; otherwise nobody knows.
    """
    place = {label: number for number, label in enumerate(settings.labels)}
    result = answers.copy()
    toxic, threat, hate, foul, forceful = (
        answers[place[label]]
        for label in ("toxicity", "threat", "identity_hate", "profanity", "violence")
    )
    severe = UNKNOWN
    if toxic == 0:
        severe = 0.0
    elif toxic == 1 and (threat == 1 or (hate == 1 and 1 in (foul, forceful))):
        severe = 1.0
    elif toxic == 1 and threat == 0 and hate == 0:
        severe = 0.0
    result[place["severe_toxicity"]] = severe
    return result
