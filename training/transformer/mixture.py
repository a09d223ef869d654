"""Chooses what is shown in training and how: how often, framed, joined to others, disguised.

Everything is drawn from the seed, so that the same data give the same mixture.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from gaveld.adapters.text.normalise.normaliser import read as read_through
from training.transformer.corpus import UNKNOWN, Example, Numbers
from training.transformer.disguise import disguise
from training.transformer.settings import FRAMES, Settings

FRAMED_LABELS: Final = ("toxicity", "severe_toxicity", "insult", "threat", "identity_hate")
_FRAMED_LENGTH: Final = 160
_JOINED_LENGTH: Final = 200
_NEXT_TO_NOTHING: Final = 1e-6
"""Stands for the weight of positives where there are none."""


def mix(examples: list[Example], settings: Settings, number: int) -> list[Example]:
    """Return what round ``number``, from 0, shows; not yet shuffled."""
    chooser = random.Random(settings.seed + number)
    current = settings.rounds[number]
    training = [one for one in examples if one.part == "train"]
    chosen = _limited(training, settings.data.ceilings, current.public_share, chooser)
    harmless = [one for one in chosen if _harmless_own(one)]
    frames = read_frames(FRAMES)
    result: list[Example] = []
    for one in chosen:
        own = one.source.startswith("own_")
        repeats = current.own_repeats if own else 1
        result.extend(_perhaps_disguised(one, settings, chooser) for _ in range(repeats))
        if _frameable(one, settings) and chooser.random() < settings.data.framed_share * (
            3 if is_own(one.source) else 1
        ):
            result.append(framed(one, *chooser.choice(frames), settings))
        if len(one.text) < _JOINED_LENGTH and chooser.random() < settings.data.joined_share:
            result.append(joined(one, chooser.choice(harmless), chooser))
    return result


def _limited(
    examples: list[Example], ceilings: dict[str, int], share: float, chooser: random.Random
) -> list[Example]:
    """Return a share of each public source, under its ceiling, and every own line."""
    order = list(range(len(examples)))
    chooser.shuffle(order)
    sizes = Counter(one.source for one in examples)
    room = {
        source: size if is_own(source) else round(share * min(size, ceilings.get(source, size)))
        for source, size in sizes.items()
    }
    kept = []
    for number in order:
        source = examples[number].source
        if room[source] > 0:
            room[source] -= 1
            kept.append(number)
    return [examples[number] for number in sorted(kept)]


def is_own(source: str) -> bool:
    """Whether a source was written for Gavel."""
    return source.startswith(("own_", "grammar_"))


def _harmless_own(one: Example) -> bool:
    return is_own(one.source) and not one.answers.any() and len(one.text) < _JOINED_LENGTH


def _frameable(one: Example, settings: Settings) -> bool:
    """Whether a text is a short attack of the kinds that answering it makes harmless."""
    place = settings.labels.index
    others = (one.answers[place(label)] == 1 for label in ("sexual", "self_harm", "illicit"))
    attack = any(one.answers[place(label)] == 1 for label in ("insult", "threat", "identity_hate"))
    return attack and len(one.text) < _FRAMED_LENGTH and not any(others)


def read_frames(path: Path) -> list[tuple[str, str]]:
    """Return frames as pairs of kind, ``answer`` or ``assent``, and a text that holds ``{X}``."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(kind, frame) for kind, frame in rows]


def framed(one: Example, kind: str, frame: str, settings: Settings) -> Example:
    """Return an attack inside a text that answers it, and is harmless, or agrees with it.

    Foul words stay foul in an answer; whether violence is spoken of is then left open.
    """
    text = frame.replace("{X}", one.text.strip())
    if kind == "assent":
        return one.having(text)
    answers = one.answers.copy()
    for label in FRAMED_LABELS:
        answers[settings.labels.index(label)] = 0.0
    violence = settings.labels.index("violence")
    if answers[violence] == 1:
        answers[violence] = UNKNOWN
    return one.having(text, answers)


def joined(one: Example, other: Example, chooser: random.Random) -> Example:
    """Return a text before or after a harmless one; the labels stay."""
    first, second = (one, other) if chooser.random() < 0.5 else (other, one)
    gap = chooser.choice((" ", " ", "\n", "\n\n", " ... "))
    return one.having(first.text + gap + second.text)


def _perhaps_disguised(one: Example, settings: Settings, chooser: random.Random) -> Example:
    """Return a text as it is, disguised, or disguised and then read as the server would."""
    if chooser.random() >= settings.data.disguised_share:
        return one
    text = disguise(one.text, chooser)
    if chooser.random() < 0.5:
        text = read_through(text, lambda: None).unmasked.text or text
    return one.having(text)


def positive_weights(examples: list[Example], ceiling: float) -> Numbers:
    """Return by what each label's positives are weighted up: the root of their rarity.

    A label without positives gets the ceiling; it weighs nothing, as there is nothing to weigh.
    """
    answers = np.stack([one.answers for one in examples])
    weights = np.stack([one.weights for one in examples])
    positive = (weights * (answers == 1)).sum(0)
    negative = (weights * (answers == 0)).sum(0)
    rarity = negative / np.maximum(positive, _NEXT_TO_NOTHING)
    found: Numbers = np.clip(np.sqrt(rarity), 1.0, ceiling).astype(np.float32)
    return found
