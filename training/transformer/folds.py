"""Says which public sources leave the training together, and which texts stay or are scored.

It reads ``leave_out.yaml`` and sorts texts. It trains, scores and measures nothing.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import yaml

from training.linear.wording import clean, wording
from training.transformer.settings import RoundSettings, Settings

PLAN: Final = Path(__file__).with_name("leave_out.yaml")
_OWN: Final = ("own_", "grammar_")


class Sourced(Protocol):
    """A text that knows where it is from."""

    @property
    def text(self) -> str:
        """The text, as it is learnt from."""

    @property
    def source(self) -> str:
        """The data set's name."""

    @property
    def part(self) -> str:
        """``train``, ``calibrate`` or ``report``; the last is all of ``valid.parquet``."""


T = TypeVar("T", bound=Sourced)


@dataclass(frozen=True)
class Joined:
    """Left-out sources that are also ranked as one, for some labels."""

    name: str
    labels: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Fold:
    """Sources that one run does without."""

    name: str
    without: tuple[str, ...]
    joined: Joined | None = None


@dataclass(frozen=True)
class Plan:
    """The whole of ``leave_out.yaml``; its comments say what each name means."""

    most_rows: int
    most_scored: int
    fewest: int
    resamples: int
    derived: tuple[str, ...]
    data: dict[str, Any]
    round: RoundSettings
    folds: tuple[Fold, ...]

    def smaller(self, settings: Settings) -> Settings:
        """Return the settings with what the plan overrides: some of the data's, and the rounds."""
        ceilings = {**settings.data.ceilings, **self.data.get("ceilings", {})}
        data = replace(settings.data, **{**self.data, "ceilings": ceilings})
        return replace(settings, data=data, rounds=(self.round,))


def read_plan(path: Path = PLAN) -> Plan:
    """Return the plan in a YAML file.

    Raises TypeError for a name missing or unknown, and ValueError for folds that would leave out
    own lines or one source twice, or join a source that they keep.
    """
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    folds = tuple(_fold(name, **values) for name, values in document.pop("folds").items())
    counts = Counter(source for fold in folds for source in fold.without)
    for source, count in counts.items():
        if count > 1 or source.startswith(_OWN):
            raise ValueError(f"{source} is left out twice, or is not a public source")
    for fold in folds:
        if fold.joined is not None and not set(fold.joined.sources) <= set(fold.without):
            raise ValueError(f"{fold.name} joins sources that it keeps")
    derived = tuple(document.pop("derived"))
    current = RoundSettings(**document.pop("round"))
    return Plan(**document, derived=derived, round=current, folds=folds)


def _fold(name: str, without: list[str], joined: dict[str, Any] | None = None) -> Fold:
    return Fold(name, tuple(without), None if joined is None else _joined(**joined))


def _joined(name: str, labels: list[str], sources: list[str]) -> Joined:
    return Joined(name, tuple(labels), tuple(sources))


def check_names(plan: Plan, examples: Iterable[Sourced], labels: Collection[str]) -> None:
    """Raise ValueError where the plan names what is not there: a typo would test nothing."""
    sources = {one.source for one in examples}
    named = {source for fold in plan.folds for source in fold.without}
    joined = {label for fold in plan.folds if fold.joined for label in fold.joined.labels}
    missing = (named - sources) | (joined | set(plan.derived)) - set(labels)
    if missing:
        raise ValueError(f"there is no {', '.join(sorted(missing))}")


def staying(examples: Sequence[T], without: Collection[str]) -> list[T]:
    """Return the texts that a fold may learn from.

    Neither a text of a left-out source stays nor one of any other source, own lines included, that
    differs from one of them in case, spacing and punctuation only.
    """
    gone = {_wording(one) for one in examples if one.source in without}
    return [one for one in examples if one.source not in without and _wording(one) not in gone]


def _wording(one: Sourced) -> str:
    return wording(clean(one.text))


def at_most(examples: Sequence[T], most: int, seed: int) -> list[T]:
    """Return the examples, or ``most`` of them by lot, in their order."""
    if len(examples) <= most:
        return list(examples)
    kept = random.Random(seed).sample(range(len(examples)), most)
    return [examples[number] for number in sorted(kept)]


def scored(examples: Sequence[T], source: str, most: int, seed: int) -> list[T]:
    """Return the texts of a left-out source that are scored, those of ``valid.parquet`` first.

    All of them or ``most``. A text's hash put it into ``valid.parquet``, so preferring those, on
    which a model trained with the source can be measured too, leaves the base rate as it is.
    """
    found = [one for one in examples if one.source == source]
    random.Random(f"{seed} {source}").shuffle(found)
    return sorted(found, key=lambda one: one.part != "report")[:most]
