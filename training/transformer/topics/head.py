"""The network's further head: topics and mood of a text, from states that others have learnt.

It reads the mean of a text's tokens after some layers. The first keeps what the words are about;
later ones, which were tuned to see harm, know more of the mood.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from training.transformer.encoding import text_batches
from training.transformer.model import WIDTH, TextModel, mean_state
from training.transformer.topics.lines import MOODS

READ_LAYERS: Final = (0, 2, 5)
HIDDEN: Final = 256
_ROWS_A_BATCH: Final = 64

Features = npt.NDArray[np.float32]


class SubjectHead(nn.Module):
    """Two layers over a text's features, which it first brings to one scale."""

    centre: Tensor
    spread: Tensor

    def __init__(self, topics: int, dropout: float = 0.0) -> None:
        super().__init__()
        width = len(READ_LAYERS) * WIDTH
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.hidden = nn.Linear(width, HIDDEN)
        self.topics = nn.Linear(HIDDEN, topics)
        self.sentiment = nn.Linear(HIDDEN, len(MOODS))
        self.dropout = nn.Dropout(dropout)

    def scale_to(self, features: Features) -> None:
        """Take the centre and spread of some features, ``[texts, width]``, as one."""
        self.centre.copy_(torch.from_numpy(features.mean(0)))
        self.spread.copy_(torch.from_numpy(features.std(0)))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the topics and of the moods for features, ``[texts, width]``."""
        scaled = self.dropout((features - self.centre) / self.spread)
        hidden = self.dropout(functional.gelu(self.hidden(scaled)))
        return self.topics(hidden), self.sentiment(hidden)


def pooled(states: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Return features for what ``Encoder.states`` gives: the means after ``READ_LAYERS``."""
    return torch.cat([mean_state(states[layer].float(), mask) for layer in READ_LAYERS], 1)


def features(
    model: TextModel,
    texts: Sequence[str],
    tokenizer: Tokenizer,
    advance: Callable[[int], object] = lambda _: None,
) -> Features:
    """Return the features of every text; ``advance`` is told how many were read each time."""
    found = np.zeros((len(texts), len(READ_LAYERS) * WIDTH), np.float32)
    with torch.inference_mode():
        for places, ids, mask in text_batches(list(texts), tokenizer, _ROWS_A_BATCH):
            with torch.autocast("cpu", torch.bfloat16):
                states = model.encoder.states(ids, mask)
            found[places] = pooled(states, mask).numpy()
            advance(len(places))
    return found


def encoder_digest(model: TextModel) -> str:
    """Return what tells a model's encoder from every other, in 16 hex digits.

    A head reads the states of the encoder that it has learnt from, and of no other.
    """
    digest = hashlib.sha256()
    for value in model.encoder.parameters():
        digest.update(value.detach().numpy().tobytes())
    return digest.hexdigest()[:16]
