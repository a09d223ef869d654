"""Learns the head from what the teacher thinks of public texts and from what own lines say.

What a row does not know is masked: a public text without a hint teaches no mood.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from training.transformer.topics.head import Features, SubjectHead
from training.transformer.topics.lines import MOODS

EPOCHS: Final = 20
RATE: Final = 2e-3
WEIGHT_DECAY: Final = 0.01
DROPOUT: Final = 0.1
PUBLIC_ROWS: Final = 512
OWN_ROWS: Final = 64
"""Of public texts and of own lines in each step, so that the few lines are shown often."""
OWN_WEIGHT: Final = 4.0
"""How much an own line's answer counts beside the teacher's opinion of a public text, a row."""
HINT_WEIGHT: Final = 0.2
"""How much a public text's hint at a mood counts, likewise."""
UNKNOWN: Final = -1


@dataclass(frozen=True)
class Rows:
    """Texts to learn from: features ``[rows, width]``, topics ``[rows, topics]`` from 0 to 1.

    ``moods`` is ``[rows]``: the place in ``MOODS``, or ``UNKNOWN``.
    """

    features: Features
    topics: npt.NDArray[np.float32]
    moods: npt.NDArray[np.int64]

    def part(self, rows: npt.NDArray[np.bool_]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.features[rows], self.topics[rows], self.moods[rows])


def learn(public: Rows, own: Rows, seed: int) -> SubjectHead:
    """Return a head that has learnt from both; the same for the same rows and seed."""
    torch.manual_seed(seed)
    head = SubjectHead(own.topics.shape[1], DROPOUT)
    head.scale_to(public.features)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    batches = len(public.features) // PUBLIC_ROWS
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=EPOCHS * batches, pct_start=0.1
    )
    far, near = _tensors(public), _tensors(own)
    balance = torch.from_numpy(mood_weights(own.moods))
    for _ in range(EPOCHS):
        order = torch.randperm(len(public.features))[: batches * PUBLIC_ROWS]
        for chosen in order.view(batches, PUBLIC_ROWS):
            drawn = torch.randint(len(own.features), (OWN_ROWS,))
            loss = _loss(head, [part[chosen] for part in far], balance, HINT_WEIGHT)
            loss = loss + OWN_WEIGHT * _loss(head, [part[drawn] for part in near], balance, 1.0)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    head.eval()
    return head


def mood_weights(moods: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return weights, 1 on average, by which each mood counts alike however often it occurs."""
    counts = np.bincount(moods[moods != UNKNOWN], minlength=len(MOODS))
    weights: npt.NDArray[np.float32] = (counts.sum() / (len(MOODS) * counts)).astype(np.float32)
    return weights


def logits(head: SubjectHead, found: Features) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the logits of topics and of moods for features."""
    with torch.inference_mode():
        topics, moods = head(torch.from_numpy(found))
    return topics.numpy().astype(np.float64), moods.numpy().astype(np.float64)


def _loss(head: SubjectHead, rows: list[Tensor], balance: Tensor, mood_weight: float) -> Tensor:
    """Return the loss a row: topics' cross-entropies summed, and the mood's where it is known."""
    found, answers, moods = rows
    topics, sentiment = head(found)
    by_topic = functional.binary_cross_entropy_with_logits(topics, answers, reduction="sum")
    by_mood = functional.cross_entropy(
        sentiment, moods, balance, ignore_index=UNKNOWN, reduction="sum"
    )
    loss: Tensor = (by_topic + mood_weight * by_mood) / len(found)
    return loss


def _tensors(rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(rows.features),
        torch.from_numpy(rows.topics),
        torch.from_numpy(rows.moods),
    )
