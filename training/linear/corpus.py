"""Reads the labelled tables, cleans them, and says how much each row counts and where it belongs.

It makes no features and fits nothing. ``valid.parquet`` is only ever read for reporting.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gaveld.adapters.text.toxicity_model.labels import LABELS
from training.linear.wording import clean, tenth
from training.own.grammar import expand, parse
from training.parts import CALIBRATED_TENTH, HELD_OUT_TENTH

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

OWN_PREFIX: Final = "own_"
OWN_WEIGHT: Final = 8.0
"""Lines written for Gavel are few and carefully labelled. 8 beat 3 on held-out own lines."""
GRAMMAR_PREFIX: Final = "grammar_"
GRAMMAR_WEIGHT: Final = 2.0
"""Lines drawn from own-written grammars are many, and more alike than lines written one by one."""
OWN_LINES: Final = Path(__file__).parents[1] / "own"
DEDUCED_WEIGHT: Final = 0.25
"""A label that a word list set, or that only follows from the register."""
SOURCE_CEILING: Final = 6_000
"""A larger source counts as the root of its excess over this many rows: none sets the tone."""
REGISTER_ROWS: Final = 30
"""A source with fewer harmless rows is no register of its own; all of those count as one."""


def read(path: Path) -> pd.DataFrame:
    """Return one row a text: text, source, and per label ``y_``, ``w_`` and ``d_<label>``.

    ``y`` is 1, 0 or NaN where unknown; ``w`` the weight of that knowledge, 0 where unknown;
    ``d`` is true where the label was deduced and not set by its source.
    """
    return _weighed(pd.read_parquet(path))


def written(seed: int) -> pd.DataFrame:
    """Return the texts of the own-written grammars that may be fitted on, as ``read`` does."""
    lines = [
        (path.stem, line)
        for path in sorted(OWN_LINES.rglob("*.grammar"))
        for line in expand(parse(path), seed, 1.0)
        if tenth(line.template) not in (CALIBRATED_TENTH, HELD_OUT_TENTH)
    ]
    rows = pd.DataFrame(
        {
            "text": [line.text for _, line in lines],
            "source": [f"{GRAMMAR_PREFIX}{name}" for name, _ in lines],
        }
    )
    for label in LABELS:
        rows[label] = [
            np.nan if label in line.unknown else float(label in line.positive) for _, line in lines
        ]
    return _weighed(rows)


def _weighed(rows: pd.DataFrame) -> pd.DataFrame:
    crowding = rows.source.map(rows.source.value_counts()).to_numpy() / SOURCE_CEILING
    own = rows.source.str.startswith(OWN_PREFIX).to_numpy()
    grammar = rows.source.str.startswith(GRAMMAR_PREFIX).to_numpy()
    weight = np.where(own, OWN_WEIGHT, 1 / np.sqrt(np.maximum(crowding, 1)))
    weight = np.where(grammar, GRAMMAR_WEIGHT, weight)
    columns: dict[str, object] = {"text": rows.text.map(clean), "source": rows.source}
    for label in LABELS:
        deduced = _names(rows, "weak", label) | _names(rows, "implied", label)
        columns[f"y_{label}"] = rows[label].astype(np.float32)
        known = rows[label].notna().to_numpy()
        columns[f"w_{label}"] = weight * known * np.where(deduced, DEDUCED_WEIGHT, 1.0)
        columns[f"d_{label}"] = deduced
    table = pd.DataFrame(columns)
    return table[table.text.str.strip() != ""].reset_index(drop=True)


def harmless(table: pd.DataFrame) -> Mask:
    """Return which rows their source calls civil and to which no harmful label applies."""
    civil = (table.y_toxicity == 0) & ~table.d_toxicity
    for label in LABELS:
        civil &= table[f"y_{label}"] != 1
    found: Mask = civil.to_numpy(bool)
    return found


def registers(table: pd.DataFrame) -> dict[str, Rows]:
    """Return the row numbers of harmless texts by register."""
    rows = pd.Series(np.flatnonzero(harmless(table)))
    sources = table.source.to_numpy()[rows]
    counts = pd.Series(sources).value_counts()
    names = [source if counts[source] >= REGISTER_ROWS else "others" for source in sources]
    return {str(name): group.to_numpy() for name, group in rows.groupby(names)}


def _names(rows: pd.DataFrame, column: str, label: str) -> Mask:
    if column not in rows:
        return np.zeros(len(rows), bool)
    return np.array([label in names.split(",") for names in rows[column].fillna("")])
