"""Reads a head that was learnt, and measures the file that serves it on the held-out lines."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer

from training.transformer.export import onnx_logits
from training.transformer.model import TextModel
from training.transformer.topics.head import SubjectHead, encoder_digest
from training.transformer.topics.judging import Judge
from training.transformer.topics.lines import (
    mood_answers,
    read_lines,
    read_subjects,
    topic_answers,
)

HEAD: Final = "topics.pt"
FACTS: Final = "topics.json"
_SERVED: Final = (
    "topics",
    "topic_slopes",
    "topic_intercepts",
    "topic_thresholds",
    "sentiments",
    "sentiment_slope",
    "sentiment_intercepts",
)


@dataclass(frozen=True)
class SavedHead:
    """A head and its facts, as ``training.transformer.topics`` wrote them."""

    head: SubjectHead
    facts: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, model: TextModel) -> "SavedHead":
        """Return a folder's head. Raises ValueError where it was learnt on another encoder."""
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if facts["encoder"] != encoder_digest(model):
            raise ValueError(f"{folder / FACTS} is of another run: learn the topics again")
        head = SubjectHead(len(facts["topics"]))
        head.load_state_dict(torch.load(folder / HEAD, weights_only=True))
        head.eval()
        return cls(head, facts)

    @property
    def served(self) -> dict[str, Any]:
        """What serving reads of it in ``model.json``."""
        return {name: self.facts[name] for name in _SERVED}

    def measures(self, path: Path, tokenizer: Tokenizer) -> dict[str, Any]:
        """Return what was measured when it was learnt, and the same of the ONNX file served."""
        subjects = read_subjects()
        lines = [line for line in read_lines(subjects) if line.is_held_out]
        topics, moods = (
            onnx_logits(path, [line.text for line in lines], tokenizer, output)
            for output in ("topics", "sentiment")
        )
        served = Judge.of(self.facts).measure(
            (topics, topic_answers(lines, subjects) > 0), (moods, mood_answers(lines))
        )
        return {
            "rows": self.facts["rows"],
            "thresholds": dict(
                zip(self.facts["topics"], self.facts["topic_thresholds"], strict=True)
            ),
            **self.facts["measures"],
            "served": served,
        }
