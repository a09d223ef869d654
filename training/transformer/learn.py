"""Learns weights in one pass over the mixture; stops and goes on where it was.

A run is a folder: ``mixture.npz``, ``checkpoint.pt``, ``curve.csv``. What a score means is not its
business.
"""

import csv
import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.transformer.corpus import Numbers
from training.transformer.encoding import (
    Batch,
    Encoded,
    batch_rows,
    collate,
    pretrained_folder,
)
from training.transformer.model import Logits, TextModel
from training.transformer.settings import RoundSettings, Settings

CHECKPOINT: Final = "checkpoint.pt"
CURVE: Final = "curve.csv"
_LOSSES: Final = ("labels", "tokens", "witness", "panel")
_REPORTED_STEPS: Final = 25


def make_model(settings: Settings) -> TextModel:
    """Return the untrained model: the published encoder under fresh heads."""
    torch.manual_seed(settings.seed)
    model = TextModel(
        len(settings.labels), len(settings.token_kinds), settings.panel_heads, settings.dropout
    )
    model.encoder.load_sentence_encoder(pretrained_folder() / "model.safetensors")
    return model


@dataclass(frozen=True)
class Objective:
    """What is minimised: masked cross-entropies of labels, tokens and panel heads."""

    settings: Settings
    positive_weights: Tensor
    panel_sources: Tensor
    """``[panel heads, sources]``: 1 where a head learns from a source."""

    def losses(self, logits: Logits, batch: Batch, chooser: torch.Generator) -> dict[str, Tensor]:
        """Return each part of the loss, unweighted, as scalars."""
        known = (batch.answers >= 0).float()
        answers = batch.answers.clamp(min=0)
        weights = known * batch.weights * (1 + answers * (self.positive_weights - 1))
        labels = functional.binary_cross_entropy_with_logits(
            logits.labels.float(), answers, weights, reduction="sum"
        ) / len(answers)
        shape = (len(answers), self.settings.panel_heads)
        counts = torch.poisson(torch.ones(shape), generator=chooser)
        shown = (counts * self.panel_sources[:, batch.sources.long()].T)[:, :, None]
        panel = functional.binary_cross_entropy_with_logits(
            logits.panel.float(),
            answers[:, None].expand_as(logits.panel),
            weights[:, None] * shown,
            reduction="sum",
        ) / (len(answers) * self.settings.panel_heads)
        return {
            "labels": labels,
            "tokens": _token_loss(logits.tokens.float(), batch),
            "witness": self._witness_loss(logits.tokens.float(), batch, weights),
            "panel": panel,
        }

    def _witness_loss(self, tokens: Tensor, batch: Batch, weights: Tensor) -> Tensor:
        """Return how badly the most toxic token stands for the text's toxicity."""
        place = self.settings.labels.index("toxicity")
        most = tokens[:, :, 0].masked_fill(batch.mask == 0, -1e4).amax(1)
        return functional.binary_cross_entropy_with_logits(
            most, batch.answers[:, place].clamp(min=0), weights[:, place], reduction="sum"
        ) / len(most)

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Return the sum that is minimised."""
        training = self.settings.training
        return (
            losses["labels"]
            + training.token_weight * losses["tokens"]
            + training.witness_weight * losses["witness"]
            + training.panel_weight * losses["panel"]
        )


def _token_loss(tokens: Tensor, batch: Batch) -> Tensor:
    there = batch.mask.float() * batch.token_weights[:, None]
    loss = functional.binary_cross_entropy_with_logits(tokens, batch.marks, reduction="none")
    return (loss.sum(2) * there).sum() / there.sum().clamp(min=1)


def panel_sources(settings: Settings, names: list[str]) -> Tensor:
    """Return which sources each panel head learns from, ``[heads, sources]`` of 0 and 1.

    A source's name decides, so that rounds of different mixtures agree.
    """
    share = settings.training.panel_source_share
    return torch.tensor(
        [
            [float(_lot(f"{settings.seed} {head} {name}") < share) for name in names]
            for head in range(settings.panel_heads)
        ]
    )


def _lot(name: str) -> float:
    """Return a number from 0 to 1 that is the same for a name on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


class Learning:
    """A run: the model, the running mean of its weights, the optimiser and how far it has come."""

    def __init__(
        self,
        settings: Settings,
        current: RoundSettings,
        encoded: Encoded,
        positive: Numbers,
        out: Path,
    ) -> None:
        self._settings, self._encoded, self._out = settings, encoded, out
        self.model = make_model(settings)
        self.average = [value.detach().clone() for value in self.model.parameters()]
        heads = [value for name, value in self.model.named_parameters() if "encoder" not in name]
        rates = settings.training
        self._optimiser = torch.optim.AdamW(
            [
                {"params": list(self.model.encoder.parameters()), "lr": current.encoder_rate},
                {"params": heads, "lr": current.head_rate},
            ],
            weight_decay=rates.weight_decay,
            fused=True,
        )
        self._batches = batch_rows(encoded, rates.rows_a_batch, settings.seed)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)
        sources = panel_sources(settings, [str(name) for name in encoded.names])
        self._objective = Objective(settings, torch.from_numpy(positive), sources)
        self.step = 0

    @property
    def steps(self) -> int:
        """How many steps the run takes: one for every batch."""
        return len(self._batches)

    def _rate(self, step: int) -> float:
        whole = self.steps
        warm = max(1, int(whole * self._settings.training.warm_up))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, whole - warm)))

    def advance(self) -> dict[str, float]:
        """Learn from the next batch and return its losses."""
        batch = collate(self._encoded, self._batches[self.step], len(self._settings.token_kinds))
        torch.manual_seed(self._settings.seed + self.step)
        chooser = torch.Generator().manual_seed(self._settings.seed + self.step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(batch.ids, batch.mask)
        losses = self._objective.losses(logits, batch, chooser)
        self._objective.total(losses).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self._settings.training.clip)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad(set_to_none=True)
        decay = min(self._settings.training.averaged_steps, (1 + self.step) / (10 + self.step))
        current = [value.detach() for value in self.model.parameters()]
        torch._foreach_lerp_(self.average, current, 1 - decay)
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def save(self) -> None:
        """Write a checkpoint in one move, so that a kill leaves the last one whole."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self.step,
        }
        torch.save(state, self._out / f"{CHECKPOINT}.new")
        (self._out / f"{CHECKPOINT}.new").replace(self._out / CHECKPOINT)

    def start_from(self, other: Path) -> None:
        """Begin with the running mean of the weights of another, finished run."""
        model, _ = averaged_model(other, self._settings)
        self.model.load_state_dict(model.state_dict())
        self.average = [value.detach().clone() for value in self.model.parameters()]

    def resume(self) -> None:
        """Take up the run where its checkpoint left it."""
        state: dict[str, Any] = torch.load(self._out / CHECKPOINT, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self.step = state["step"]


def averaged_model(folder: Path, settings: Settings) -> tuple[TextModel, int]:
    """Return the running mean of a run's weights, ready to be measured, and the step it is of."""
    state: dict[str, Any] = torch.load(folder / CHECKPOINT, weights_only=True)
    model = make_model(settings)
    with torch.no_grad():
        for value, mean in zip(model.parameters(), state["average"], strict=True):
            value.copy_(mean)
    return model.eval(), int(state["step"])


@contextmanager
def stop_asked() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT in a list instead of dying of them, until the block ends."""
    received: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, lambda number, _: received.append(number)) for one in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def learn(
    learning: Learning, out: Path, settings: Settings, progressed: Callable[[int], object]
) -> bool:
    """Run to the end, or until asked to stop; return whether the end was reached.

    SIGTERM and SIGINT stop it after the current step. ``progressed`` is told of each step.
    """
    learning.model.train()
    saved, recent = time.monotonic(), []
    with stop_asked() as stopping, (out / CURVE).open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if learning.step == 0:
            writer.writerow(["step", "seconds", *_LOSSES])
        begun = time.monotonic()
        while learning.step < learning.steps and not stopping:
            losses = learning.advance()
            recent.append([losses[name] for name in _LOSSES])
            progressed(learning.step)
            if learning.step % _REPORTED_STEPS == 0:
                means = [f"{value:.4f}" for value in np.mean(recent, 0)]
                writer.writerow([learning.step, f"{time.monotonic() - begun:.0f}", *means])
                file.flush()
                recent = []
            if time.monotonic() - saved > settings.training.checkpoint_seconds:
                learning.save()
                saved = time.monotonic()
        learning.save()
    return learning.step >= learning.steps
