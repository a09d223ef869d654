"""Chooses texts of the public tables and own lines that nobody has named topics or moods of.

They carry what the teacher thinks of them; what their tables say of harm hints at a mood.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from training.linear.wording import clean

ROWS_A_SOURCE: Final = 2_000
_BROAD: Final = {
    "clinc_wiki": 9_000,
    "wikitext": 5_500,
    "clinc150": 4_000,
    "civil_toxic_spans": 4_000,
}
"""Sources that speak of many things, of which more is taken."""
_LEFT_OUT: Final = ("surge_profanity",)
"""Its texts are single terms."""
_PLAIN: Final = ("clinc_wiki", "wikitext", "clinc150")
"""Registers in which people state and ask, and seldom say how they feel."""


@dataclass(frozen=True)
class Unlabelled:
    """A text, and the mood that its table hints at: its place in ``MOODS``, None where none is.

    A hint is a guess by rule: ``negative`` for what people marked as an insult or as toxic, and
    ``neutral`` for an encyclopaedia and for plain requests to an assistant.
    """

    text: str
    hint: str | None


def read_unlabelled(data: Path, seed: int) -> list[Unlabelled]:
    """Return texts of the training table and of the own lines, the same for the same seed."""
    columns = ["text", "source", "weak", "toxicity", "insult"]
    tables = [pd.read_parquet(data / "train.parquet"), pd.read_parquet(data / "own.parquet")]
    whole = pd.concat(tables, ignore_index=True).reindex(columns=columns)
    chooser = np.random.default_rng(seed)
    chosen: list[Unlabelled] = []
    for source, rows in whole.groupby("source", sort=True):
        if source in _LEFT_OUT:
            continue
        order = chooser.permutation(len(rows))[: _BROAD.get(str(source), ROWS_A_SOURCE)]
        part = rows.iloc[order]
        marked = ((part.toxicity == 1) | (part.insult == 1)).tolist()
        for text, is_marked in zip(part.text.map(clean), marked, strict=True):
            if text.strip():
                plain = "neutral" if source in _PLAIN else None
                chosen.append(Unlabelled(text, "negative" if is_marked else plain))
    return chosen
