"""Reads the labelled data from its files. It needs pandas, as nothing else of the lexicon does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from training.lexicon.evidence import LabelledText, labelled_text

_FILES: Final = ("train.parquet", "valid.parquet", "own.parquet")


def labelled_texts(folder: Path) -> Iterator[LabelledText]:
    """Yield every text of the data folder."""
    for name in _FILES:
        table = pd.read_parquet(folder / name).astype(object)
        for row in table.where(table.notna(), None).to_dict("records"):
            yield labelled_text(row)
