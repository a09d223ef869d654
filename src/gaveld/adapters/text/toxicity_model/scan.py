"""Reads one whole text with the linear model: the highest margin of each label in any stretch.

The stretches are the text's windows and its sentences, so that friendly company hides no harm and
harm spread over sentences adds up. The time is linear in the text's length; a checkpoint is passed
every few milliseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.toxicity_model.linear_model import LinearModel, Scores
from gaveld.adapters.text.toxicity_model.windows import (
    SENTENCE_CHARACTERS,
    WINDOW_CHARACTERS,
    sentences,
    windows,
)
from gaveld.domain.content import FoldedText, TextReadings

SENTENCES_READ: Final = 4_096
"""Of a text so long that it could hold more, sentences are read several at a time."""

GROUP_CHARACTERS: Final = 2_048
"""About so much is read between two checkpoints, which takes a millisecond or two."""

Stretch = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Scan:
    """The highest margin of each label in a text, and the stretch, a row a label, that has it."""

    text: str
    margins: Scores
    loudest: npt.NDArray[np.int64]


def views(readings: TextReadings) -> list[FoldedText]:
    """Return the readings of a text that are read: one, or two where they differ."""
    found = [readings.folded]
    if readings.unmasked.text != readings.folded.text:
        found.append(readings.unmasked)
    return found


def scan(model: LinearModel, text: str, checkpoint: Checkpoint) -> Scan:
    """Return what the model makes of a text. The checkpoint may raise."""
    margins = np.full(len(model.labels), -np.inf)
    loudest = np.zeros((len(model.labels), 2), np.int64)
    for group in _groups(_stretches(text)):
        found = model.margins_of([text[start:end] for start, end in group])
        first = found.argmax(axis=0)
        highest = found[first, np.arange(len(margins))]
        louder = highest > margins
        margins[louder] = highest[louder]
        loudest[louder] = np.array(group)[first[louder]]
        checkpoint()
    return Scan(text, margins, loudest)


def locate(
    model: LinearModel, scanned: Scan, wanted: list[int], checkpoint: Checkpoint
) -> dict[int, Stretch | None]:
    """Return for each wanted label the sentence where it speaks loudest, None for all the text.

    A window that says more than each of its sentences is told by its loudest sentence.
    """
    by_stretch: dict[Stretch, list[int]] = {}
    for label in wanted:
        start, end = scanned.loudest[label].tolist()
        by_stretch.setdefault((start, end), []).append(label)
    places: dict[int, Stretch | None] = {}
    for stretch, labels in by_stretch.items():
        parts = list(sentences(scanned.text, *stretch)) or [stretch]
        best = [0] * len(model.labels)
        if len(parts) > 1:
            best = model.margins_of([scanned.text[a:b] for a, b in parts]).argmax(axis=0).tolist()
            checkpoint()
        for label in labels:
            place = parts[best[label]]
            places[label] = None if place == _visible(scanned.text) else place
    return places


def _groups(stretches: Iterator[Stretch]) -> Iterator[list[Stretch]]:
    """Yield the stretches in groups that are read at one go, each of a few thousand characters."""
    group: list[Stretch] = []
    size = 0
    for start, end in stretches:
        group.append((start, end))
        size += end - start
        if size >= GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _stretches(text: str) -> Iterator[Stretch]:
    """Yield what is to be read: sentences of a text that has several, then its windows."""
    whole = _visible(text)
    least = max(SENTENCE_CHARACTERS, len(text) // SENTENCES_READ)
    for start, end in sentences(text, 0, len(text), least):
        if (start, end) != whole and end - start <= WINDOW_CHARACTERS:
            yield start, end
    yield from windows(text)


def _visible(text: str) -> Stretch:
    return len(text) - len(text.lstrip()), len(text.rstrip())
