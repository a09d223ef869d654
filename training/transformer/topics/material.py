"""Reads every text that the head learns from or is measured on, with both encoders."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.transformer.encoding import read_tokenizer
from training.transformer.model import TextModel
from training.transformer.settings import Settings
from training.transformer.topics.head import Features, features
from training.transformer.topics.lines import (
    MOODS,
    Line,
    Subjects,
    mood_answers,
    read_lines,
    read_subjects,
    topic_answers,
)
from training.transformer.topics.teacher import Numbers, Teacher
from training.transformer.topics.unlabelled import Unlabelled, read_unlabelled


@dataclass(frozen=True)
class Material:
    """Own lines and public texts; embeddings are the teacher's, features the trained encoder's.

    ``described`` and ``described_moods`` are embeddings of each subject's descriptions.
    """

    subjects: Subjects
    lines: list[Line]
    public: list[Unlabelled]
    line_embeddings: Numbers
    public_embeddings: Numbers
    described: list[Numbers]
    described_moods: list[Numbers]
    line_features: Features
    public_features: Features

    @property
    def held_out(self) -> npt.NDArray[np.bool_]:
        """Which lines are for measuring, ``[lines]``."""
        return np.array([line.is_held_out for line in self.lines])

    @property
    def folds(self) -> npt.NDArray[np.int64]:
        """Which fold each line belongs to, ``[lines]``."""
        return np.array([line.fold for line in self.lines])

    @property
    def topics(self) -> npt.NDArray[np.float32]:
        """The lines' topics, ``[lines, topics]`` of 0 and 1."""
        return topic_answers(self.lines, self.subjects)

    @property
    def moods(self) -> npt.NDArray[np.int64]:
        """The lines' moods, ``[lines]``."""
        return mood_answers(self.lines)


def gather(data: Path, model: TextModel, settings: Settings) -> Material:
    """Read everything, under a progress bar."""
    subjects = read_subjects()
    lines, public = read_lines(subjects), read_unlabelled(data, settings.seed)
    tokenizer = read_tokenizer(settings.data.max_tokens)
    teacher = Teacher(tokenizer)
    line_texts, public_texts = [line.text for line in lines], [one.text for one in public]
    columns = (TextColumn("read"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("read", total=2 * (len(lines) + len(public)))

        def advance(count: int) -> None:
            progress.advance(task, count)

        return Material(
            subjects=subjects,
            lines=lines,
            public=public,
            line_embeddings=teacher.embed(line_texts, advance),
            public_embeddings=teacher.embed(public_texts, advance),
            described=[teacher.embed(one) for one in subjects.topics.values()],
            described_moods=[teacher.embed(subjects.moods[mood]) for mood in MOODS],
            line_features=features(model, line_texts, tokenizer, advance),
            public_features=features(model, public_texts, tokenizer, advance),
        )
