"""From the labels of a guard model to the rules of the catalogue.

A label of theirs often spans several rules of ours. It flags the first of them that is in force,
so each table below a form lists the nearest rule first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gaveld.adapters.reviewers.chat_model.chat import ChatAnswer
from gaveld.adapters.reviewers.chat_model.formats.form import Reading
from gaveld.domain.reviews import MOST_CONFIDENT, FlaggedRule, Rule

STATED: Final = 4.0
"""The confidence of a label that the model gave without saying how sure it was."""


@dataclass(frozen=True, slots=True)
class GuardLabel:
    """A label: its name, and the ids of the rules it may mean, nearest first; none: no rule."""

    name: str
    rules: tuple[str, ...] = ()


Labels = Mapping[str, GuardLabel]
"""A guard's labels by what it calls them, in lower case."""


def covered(labels: Labels, rules: Sequence[Rule]) -> frozenset[str]:
    """Return the ids of those rules that the labels can speak of."""
    spoken_of = {rule_id for label in labels.values() for rule_id in label.rules}
    return frozenset(rule.id for rule in rules) & spoken_of


def unsafe_reading(
    guard: str, given: Collection[str], labels: Labels, rules: Sequence[Rule], confidence: float
) -> Reading:
    """Return what an answer "unsafe" with these labels means under the rules in force.

    It is safe when every label is known and none stands for a rule in force. No label at all, or
    one that nobody knows, is unsafe, without a rule of its own to flag.
    """
    in_force = [rule.id for rule in rules]
    known = [labels[entry] for entry in given if entry in labels]
    flagged = dict.fromkeys(
        filter(None, (_first(label.rules, in_force) for label in known)), confidence
    )
    is_unsafe = bool(flagged) or not known or len(known) < len(given)
    names = ", ".join(label.name for label in known) or "no known label"
    reason = f"{guard} calls it unsafe: {names}."
    if not is_unsafe:
        reason = f"{guard} found only what no rule in force forbids: {names}."
    return Reading(is_unsafe, tuple(map(_flag, flagged.items())), reason)


def confidence_in(answer: ChatAnswer, word: str, otherwise: float = STATED) -> float:
    """Return how sure a model was of the word it said, 0–5: five times its probability."""
    probability = answer.probability(word)
    return otherwise if probability is None else MOST_CONFIDENT * probability


def _first(candidates: Iterable[str], in_force: Collection[str]) -> str | None:
    return next((rule_id for rule_id in candidates if rule_id in in_force), None)


def _flag(entry: tuple[str, float]) -> FlaggedRule:
    return FlaggedRule(*entry)
