"""Reads one whole text with the linear model: every window, the highest margin of each label.

The time is linear in the text's length; a checkpoint is passed after every window and sentence.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.toxicity_model.linear_model import LinearModel, Scores
from gaveld.adapters.text.toxicity_model.windows import sentences, windows

SENTENCES_READ: Final = 32
"""Fragments beyond this many in one window are not told apart: it bounds the cost."""


@dataclass(frozen=True, eq=False)
class Scan:
    """The highest margin of each label in a text, and which window of the text it comes from."""

    text: str
    margins: Scores
    windows: tuple[tuple[int, int], ...]
    origin: npt.NDArray[np.int64]


def scan(model: LinearModel, text: str, checkpoint: Checkpoint) -> Scan:
    """Return what the model makes of a text. The checkpoint may raise."""
    cuts = tuple(windows(text))
    rows = []
    for start, end in cuts:
        rows.append(model.margins(text[start:end]))
        checkpoint()
    table = np.stack(rows)
    return Scan(text, table.max(axis=0), cuts, table.argmax(axis=0))


def locate(
    model: LinearModel, scanned: Scan, wanted: list[int], checkpoint: Checkpoint
) -> dict[int, tuple[int, int] | None]:
    """Return for each wanted label where it speaks loudest: a sentence, or None for all the text.

    The sentence is that of the window with the highest margin. A window of one sentence, or of
    more than ``SENTENCES_READ``, is itself the place.
    """
    by_window: dict[int, list[int]] = {}
    for label in wanted:
        by_window.setdefault(int(scanned.origin[label]), []).append(label)
    places: dict[int, tuple[int, int] | None] = {}
    for number, labels in by_window.items():
        whole = scanned.windows[number]
        parts = sentences(scanned.text, *whole)
        if not 1 < len(parts) <= SENTENCES_READ:
            place = whole if len(scanned.windows) > 1 else None
            places.update(dict.fromkeys(labels, place))
            continue
        rows = []
        for start, end in parts:
            rows.append(model.margins(scanned.text[start:end]))
            checkpoint()
        best = np.stack(rows).argmax(axis=0)
        places.update({label: parts[int(best[label])] for label in labels})
    return places
