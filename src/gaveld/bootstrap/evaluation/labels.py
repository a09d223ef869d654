"""What a label column means: which of Gavel's scores it is held against, and what its cells say.

A missing label is unknown, never harmless.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gaveld.bootstrap.evaluation.datasets import DatasetError, Row, Table
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.signals import Attribute

POSITIVE_FROM: Final = 0.5
"""A label that is a fraction, such as the share of annotators who agreed, is harmful from here."""


class Yardstick(StrEnum):
    """Which kind of score a label is held against."""

    CATEGORIES = "categories"
    ATTRIBUTE = "attribute"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Label:
    """A column of labels. ``names`` are category ids, one attribute, or empty for any category."""

    column: str
    yardstick: Yardstick
    names: tuple[str, ...] = ()

    @property
    def scored_as(self) -> str:
        """The scores it is held against, as ``--label`` has them."""
        if self.yardstick is Yardstick.ANY:
            return "any"
        names = "+".join(self.names)
        return f"attribute:{names}" if self.yardstick is Yardstick.ATTRIBUTE else names


def _key(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


_BY_NAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{_key(entry.name): entry.id for entry in CATALOGUE.values()},
        **{_key(entry.id): entry.id for entry in CATALOGUE.values()},
        **dict.fromkeys(("any", "flagged", "harmful", "label", "unsafe"), "any"),
        **dict.fromkeys(("toxicity", "toxic"), "attribute:toxicity"),
        **dict.fromkeys(("severe_toxicity", "severe_toxic"), "attribute:severe_toxicity"),
        **dict.fromkeys(("hate", "hateful", "identity_hate", "identity_attack"), "H1"),
        **dict.fromkeys(("harassment", "insult", "insults"), "H2"),
        **dict.fromkeys(("threat", "threats"), "H3"),
        **dict.fromkeys(("profanity", "obscene"), "L1"),
        **dict.fromkeys(("sexual", "sexually_explicit", "sexual_explicit"), "A1"),
        "sexual_minors": "A3",
        "self_harm": "D1",
        "violence": "V1",
        "spam": "S1",
        "illicit": "C4",
        "prompt_injection": "S4",
    }
)
_UNKNOWN: Final = frozenset({"", "-1", "?", "na", "n/a", "nan", "none", "null"})
_WORDS: Final[Mapping[str, bool]] = MappingProxyType(
    {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}
)


def parse_label(option: str) -> Label:
    """Read ``COLUMN`` or ``COLUMN=MEANING``.

    The meaning is a category id, several joined by ``+``, ``attribute:NAME`` or ``any``; by
    default it follows from the column's name. Raises ``ValueError`` that says what is possible.
    """
    column, equals, meaning = option.rpartition("=")
    if not equals:
        column = option
        key = _key(option)
        if key not in _BY_NAME:
            raise ValueError(
                f"--label {option}: the name does not tell what it means; say {option}=H2, "
                f"{option}=H1+H3, {option}=attribute:toxicity or {option}=any"
            )
        meaning = _BY_NAME[key]
    if meaning == "any":
        return Label(column, Yardstick.ANY)
    kind, colon, name = meaning.partition(":")
    if colon:
        if kind != "attribute" or name not in set(Attribute):
            known = ", ".join(f"attribute:{entry}" for entry in Attribute)
            raise ValueError(f"--label {option}: not one of {known}")
        return Label(column, Yardstick.ATTRIBUTE, (name,))
    names = tuple(meaning.split("+"))
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        raise ValueError(f"--label {option}: no category {unknown[0]!r}; see `gavel categories`")
    return Label(column, Yardstick.CATEGORIES, names)


def label_value(table: Table, row: Row, column: str) -> bool | None:
    """Return whether a cell says harmful; None where it says nothing.

    A number from 0 to 1 is harmful from one half. Raises ``DatasetError`` for anything else.
    """
    value = row.cells.get(column)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _UNKNOWN:
            return None
        if word in _WORDS:
            return _WORDS[word]
        try:
            value = float(word)
        except ValueError:
            raise _no_label(table, row, column) from None
    if not isinstance(value, int | float):
        raise _no_label(table, row, column)
    if math.isnan(value) or value == -1:
        return None
    if not 0 <= value <= 1:
        raise _no_label(table, row, column)
    return value >= POSITIVE_FROM


def _no_label(table: Table, row: Row, column: str) -> DatasetError:
    return table.fault(row, column, "not a label: 0 to 1, true, false, yes, no or nothing")
