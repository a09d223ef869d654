"""The network: MiniLM's encoder with plain attention, and heads for labels, tokens and the panel.

It answers for shapes and weights. What the outputs mean, how they are weighted and calibrated, is
decided elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

VOCABULARY: Final = 30_522
POSITIONS: Final = 512
WIDTH: Final = 384
INNER_WIDTH: Final = 1_536
LAYERS: Final = 6
ATTENTION_HEADS: Final = 12
NORM_EPSILON: Final = 1e-12
MASKED: Final = -1e4
"""Added to attention scores of padding; within the range of every float type used."""


class Attention(nn.Module):
    """Self-attention from plain matrix products: its backward pass is cheap on a CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """Return ``[rows, tokens, WIDTH]`` from the same; ``bias`` is ``[rows, 1, 1, tokens]``."""
        rows, tokens, _ = states.shape
        shape = (rows, tokens, 3, ATTENTION_HEADS, WIDTH // ATTENTION_HEADS)
        query, key, value = self.query_key_value(states).view(shape).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * (WIDTH // ATTENTION_HEADS) ** -0.5 + bias
        mixed = torch.softmax(scores, -1).to(value.dtype) @ value
        output: Tensor = self.output(mixed.transpose(1, 2).reshape(rows, tokens, WIDTH))
        return output


class Layer(nn.Module):
    """One block of the encoder: attention, then two dense layers, each added and normalised."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(WIDTH, NORM_EPSILON)
        self.inner = nn.Linear(WIDTH, INNER_WIDTH)
        self.outer = nn.Linear(INNER_WIDTH, WIDTH)
        self.outer_norm = nn.LayerNorm(WIDTH, NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """Return ``[rows, tokens, WIDTH]`` from the same."""
        states = self.attention_norm(states + self.dropout(self.attention(states, bias)))
        inner = functional.gelu(self.inner(states))
        normed: Tensor = self.outer_norm(states + self.dropout(self.outer(inner)))
        return normed


class Encoder(nn.Module):
    """MiniLM-L6: a state for every token of every row."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return ``[rows, tokens, WIDTH]`` for token ids and a mask, both ``[rows, tokens]``."""
        return self.states(ids, mask)[-1]

    def states(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """Return what ``forward`` does after each layer, the first layer's first."""
        position = torch.arange(ids.shape[1], device=ids.device)
        states = self.dropout(self.norm(self.words(ids) + self.positions(position)))
        bias = ((1.0 - mask.to(states.dtype)) * MASKED)[:, None, None, :]
        after = []
        for layer in self.layers:
            states = layer(states, bias)
            after.append(states)
        return after

    def load_sentence_encoder(self, weights: Path) -> None:
        """Take the weights of the published sentence encoder, a safetensors file in BERT's names.

        The one segment that the encoder was ever given is added to the positions.
        """
        published = load_file(weights)
        own = {
            "words.weight": published["embeddings.word_embeddings.weight"],
            "positions.weight": published["embeddings.position_embeddings.weight"]
            + published["embeddings.token_type_embeddings.weight"][0],
        }
        for kind in ("weight", "bias"):
            own[f"norm.{kind}"] = published[f"embeddings.LayerNorm.{kind}"]
            for number in range(LAYERS):
                theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
                own[f"{ours}.attention.query_key_value.{kind}"] = torch.cat(
                    [
                        published[f"{theirs}.attention.self.{part}.{kind}"]
                        for part in ("query", "key", "value")
                    ]
                )
                for our, their in _SAME_SHAPE.items():
                    own[f"{ours}.{our}.{kind}"] = published[f"{theirs}.{their}.{kind}"]
        self.load_state_dict(own)


_SAME_SHAPE: Final = {
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "outer_norm": "output.LayerNorm",
}


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean, ``[rows, WIDTH]``, of the states that the mask does not hide."""
    there = mask.to(states.dtype)[:, :, None]
    mean: Tensor = (states * there).sum(1) / there.sum(1)
    return mean


@dataclass(frozen=True)
class Logits:
    """What the network says before calibration.

    ``labels`` is ``[rows, labels]``, ``tokens`` is ``[rows, tokens, token kinds]``, ``panel`` is
    ``[rows, panel heads, labels]``.
    """

    labels: Tensor
    tokens: Tensor
    panel: Tensor


class TextModel(nn.Module):
    """The encoder and its three kinds of head."""

    def __init__(self, labels: int, token_kinds: int, panel: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = Encoder(dropout)
        self.hidden = nn.Linear(2 * WIDTH, WIDTH)
        self.labels = nn.Linear(WIDTH, labels)
        self.tokens = nn.Linear(WIDTH, token_kinds)
        self.panel = nn.Linear(WIDTH, panel * labels)
        self.dropout = nn.Dropout(dropout)
        self.panel_shape = (panel, labels)

    def forward(self, ids: Tensor, mask: Tensor) -> Logits:
        """Return logits for token ids and a mask, both ``[rows, tokens]``."""
        return self.judge(self.encoder(ids, mask), mask)

    def judge(self, states: Tensor, mask: Tensor) -> Logits:
        """Return logits for the encoder's states and the mask.

        A row is judged by the mean and the maximum of its tokens' states. The panel's heads read
        what the label head reads and send nothing back, so that they cannot disturb it.
        """
        there = mask.to(states.dtype)[:, :, None]
        mean = mean_state(states, mask)
        peak = (states + (1.0 - there) * MASKED).amax(1)
        pooled = self.dropout(torch.cat([mean, peak], 1))
        hidden = self.dropout(functional.gelu(self.hidden(pooled)))
        panel = self.panel(hidden.detach()).view(-1, *self.panel_shape)
        return Logits(self.labels(hidden), self.tokens(states), panel)
