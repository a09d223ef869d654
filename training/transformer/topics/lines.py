"""Reads what topics there are, and the own lines that say which text has which topics and mood."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import yaml

from training.transformer.settings import OWN_LINES

FOLDER: Final = OWN_LINES / "topics"
MOODS: Final = ("negative", "neutral", "positive")
FOLDS: Final = 5
_HEADER: Final = ("topics", "sentiment", "text")
_HELD_OUT_SHARE: Final = 5

Answers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Subjects:
    """The topics in the order of the head's outputs, and sentences that describe each.

    ``moods`` are sentences that express each mood; only the baseline reads them.
    """

    topics: dict[str, tuple[str, ...]]
    moods: dict[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The topics' names."""
        return tuple(self.topics)


@dataclass(frozen=True)
class Line:
    """An own line, the topics that it is about, and its mood."""

    text: str
    topics: frozenset[str]
    mood: str

    @property
    def is_held_out(self) -> bool:
        """Whether nothing may be learnt from the line: one in five is for measuring."""
        return _lot(self.text) % _HELD_OUT_SHARE == 0

    @property
    def fold(self) -> int:
        """Which of ``FOLDS`` parts the line belongs to when calibration needs others' scores."""
        return _lot(self.text) // _HELD_OUT_SHARE % FOLDS


def read_subjects(path: Path = FOLDER / "topics.yaml") -> Subjects:
    """Return the topics and moods of a file, in its order."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Subjects(
        topics={one["name"]: tuple(one["descriptions"]) for one in document["topics"]},
        moods={name: tuple(document["sentiments"][name]) for name in MOODS},
    )


def read_lines(subjects: Subjects, path: Path = FOLDER / "lines.tsv") -> list[Line]:
    """Return the lines of a file, in its order.

    Raises ValueError, with the number of the line, for a topic or mood that is not known and for
    a line that has not three fields.
    """
    rows = path.read_text(encoding="utf-8").splitlines()
    if tuple(rows[0].split("\t")) != _HEADER:
        raise ValueError(f"{path.name}:1: the header is not {', '.join(_HEADER)}")
    lines = []
    for number, row in enumerate(rows[1:], 2):
        fields = row.split("\t")
        if len(fields) != len(_HEADER):
            raise ValueError(f"{path.name}:{number}: {len(fields)} fields")
        topics = frozenset(filter(None, fields[0].split(",")))
        unknown = [*(topics - subjects.topics.keys()), *({fields[1]} - set(MOODS))]
        if unknown:
            raise ValueError(f"{path.name}:{number}: unknown: {', '.join(unknown)}")
        lines.append(Line(fields[2], topics, fields[1]))
    return lines


def topic_answers(lines: Sequence[Line], subjects: Subjects) -> Answers:
    """Return 1 where a line is about a topic and else 0, ``[lines, topics]``."""
    return np.array(
        [[name in line.topics for name in subjects.names] for line in lines], np.float32
    ).reshape(len(lines), len(subjects.names))


def mood_answers(lines: Sequence[Line]) -> npt.NDArray[np.int64]:
    """Return the place of each line's mood in ``MOODS``, ``[lines]``."""
    return np.array([MOODS.index(line.mood) for line in lines], np.int64)


def _lot(text: str) -> int:
    """Return a number that is the same for a text on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
