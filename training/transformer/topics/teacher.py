"""What the unmodified sentence encoder thinks a text is about: its nearness to descriptions.

It teaches the head what public texts are about. Alone, without the own lines, it is the baseline
that the head is measured against.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from training.transformer.encoding import pretrained_folder, text_batches
from training.transformer.model import WIDTH, Encoder, mean_state
from training.transformer.topics.lines import Answers

Numbers = npt.NDArray[np.float64]

_ROWS_A_BATCH: Final = 64
_NEAREST: Final = 2
"""A topic is as near as this many of its descriptions are, on average."""
_NEARNESS_WEIGHT: Final = 2.0
_LEAST: Final = 1e-6
_SOFTNESS: Final = 10.0
"""The inverse of how strongly the teacher's weights are held to zero."""


class Teacher:
    """The published encoder as it is; a text's embedding is the mean of its last states."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._encoder = Encoder().eval()
        self._encoder.load_sentence_encoder(pretrained_folder() / "model.safetensors")

    def embed(
        self, texts: Sequence[str], advance: Callable[[int], object] = lambda _: None
    ) -> Numbers:
        """Return an embedding of length one for each text, ``[texts, WIDTH]``."""
        found = np.zeros((len(texts), WIDTH))
        with torch.inference_mode():
            for places, ids, mask in text_batches(list(texts), self._tokenizer, _ROWS_A_BATCH):
                with torch.autocast("cpu", torch.bfloat16):
                    states = self._encoder(ids, mask)
                found[places] = mean_state(states.float(), mask).numpy()
                advance(len(places))
        unit: Numbers = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def nearness(embeddings: Numbers, described: Sequence[Numbers]) -> Numbers:
    """Return how near each text is to each subject, ``[texts, subjects]``, in cosines.

    ``described`` holds the embeddings of each subject's descriptions.
    """
    cosines = [embeddings @ one.T for one in described]
    return np.stack([np.sort(one, axis=1)[:, -_NEAREST:].mean(axis=1) for one in cosines], axis=1)


def opinions(
    texts: Numbers, lines: Numbers, answers: Answers, described: Sequence[Numbers]
) -> Numbers:
    """Return how likely the teacher finds each topic of each text, ``[texts, topics]``.

    It judges by embedding and nearness, weighed by what it learns from own lines (``lines`` are
    their embeddings) and from the descriptions themselves. All near zero means no topic.
    """
    subjects = np.concatenate([np.full(len(one), place) for place, one in enumerate(described)])
    shown = np.concatenate([lines, *described])
    named = np.concatenate([answers, np.eye(answers.shape[1], dtype=np.float32)[subjects]])
    features = _features(shown, described)
    asked = _features(texts, described)
    found = np.zeros((len(texts), answers.shape[1]))
    for place in range(answers.shape[1]):
        regression = LogisticRegression(C=_SOFTNESS, max_iter=2_000)
        regression.fit(features, named[:, place])
        found[:, place] = regression.predict_proba(asked)[:, 1]
    return found


def log_odds(probabilities: Numbers) -> Numbers:
    """Return what a sigmoid turns into these probabilities."""
    kept = np.clip(probabilities, _LEAST, 1 - _LEAST)
    odds: Numbers = np.log(kept / (1 - kept))
    return odds


def _features(embeddings: Numbers, described: Sequence[Numbers]) -> Numbers:
    near = nearness(embeddings, described)
    return np.concatenate([embeddings, _NEARNESS_WEIGHT * near], axis=1)
