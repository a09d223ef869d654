"""Holds judgements against labels, slice by slice: the figures that every report shows.

A slice that can't answer a question says why; no figure is ever "not a number".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.intervals import (
    Estimate,
    Flagged,
    bootstrapped,
    bootstrapped_f1,
    share,
)
from gaveld.bootstrap.evaluation.judging import Judgement, Refusal
from gaveld.bootstrap.evaluation.labels import Label, Yardstick
from gaveld.bootstrap.evaluation.metrics import METRICS, best_f1
from gaveld.bootstrap.evaluation.tally import Tally, curve_of

EVERYTHING: Final = "all"
ATTRIBUTE_FROM: Final = 0.5
"""Policies have no thresholds on attributes: F1 takes one half."""
FEWEST_FOR_INTERVALS: Final = 10
"""With fewer harmful, or harmless, texts resampling sees too little of what chance could do."""


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label on one slice.

    ``tally`` counts the texts that have both the label and the score. ``unknown`` texts lack the
    label; ``unchecked`` ones have it and no score, because nothing looked. ``estimates`` are by
    key of ``METRICS``. ``note`` says why they are empty, or without intervals.
    ``thresholds`` are those of the policy as far as verdicts showed them, by action.
    """

    label: Label
    tally: Tally
    unknown: int
    unchecked: int
    f1_rule: str
    best_f1_threshold: float | None
    thresholds: Mapping[str, float]
    estimates: Mapping[str, Estimate]
    note: str = ""

    @property
    def texts(self) -> int:
        """How many texts were measured."""
        return self.tally.positive_count + self.tally.negative_count


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """One slice of the data.

    ``over_flagged`` is the share of harmless texts whose verdict is not allow, ``over_blocked``
    of those that were blocked; None without harmless texts. ``incomplete`` counts the harmless
    texts that were flagged because a required check did not run, and for no finding.
    """

    name: str
    texts: int
    refused: int
    harmless: int
    over_flagged: Estimate | None
    over_blocked: Estimate | None
    incomplete: int
    labels: tuple[LabelFigures, ...]


Answered = tuple[Example, Judgement]


def assess(
    examples: Sequence[Example],
    results: Sequence[Judgement | Refusal],
    labels: Sequence[Label],
    *,
    resamples: int,
    seed: int,
    advance: Callable[[], None],
) -> tuple[SliceFigures, ...]:
    """Measure everything, then each slice in the order of names.

    ``resamples`` bootstraps give the intervals, 0 for none; ``advance`` is called once a slice
    and label.
    """
    members: dict[str, list[int]] = {EVERYTHING: list(range(len(examples)))}
    for name in sorted({name for example in examples for name in example.slices}):
        members[name] = [place for place, entry in enumerate(examples) if name in entry.slices]
    figures = []
    for name, places in members.items():
        answered = [
            (examples[place], result)
            for place in places
            if isinstance(result := results[place], Judgement)
        ]
        measured = []
        for place, label in enumerate(labels):
            measured.append(_label(label, place, answered, resamples, seed))
            advance()
        figures.append(_slice(name, len(places), answered, tuple(measured)))
    return tuple(figures)


def slice_names(examples: Sequence[Example]) -> list[str]:
    """Return the names of what ``assess`` measures, for counting progress."""
    return [EVERYTHING, *sorted({name for example in examples for name in example.slices})]


def _slice(
    name: str, texts: int, answered: Sequence[Answered], labels: tuple[LabelFigures, ...]
) -> SliceFigures:
    harmless = [judgement for example, judgement in answered if example.is_harmless]
    flagged = sum(judgement.flagged for judgement in harmless)
    blocked = sum(judgement.blocked for judgement in harmless)
    return SliceFigures(
        name=name,
        texts=texts,
        refused=texts - len(answered),
        harmless=len(harmless),
        over_flagged=share(flagged, len(harmless)) if harmless else None,
        over_blocked=share(blocked, len(harmless)) if harmless else None,
        incomplete=sum(entry.by_incompleteness and not entry.causes for entry in harmless),
        labels=labels,
    )


def _label(
    label: Label, place: int, answered: Sequence[Answered], resamples: int, seed: int
) -> LabelFigures:
    scores: list[float] = []
    truth: list[bool] = []
    acted: list[bool] = []
    unknown = unchecked = 0
    for example, judgement in answered:
        is_harmful, score = example.truth[place], judgement.score(label)
        if is_harmful is None:
            unknown += 1
        elif score is None:
            unchecked += 1
        else:
            scores.append(score)
            truth.append(is_harmful)
            acted.append(_acted(label, judgement, score))
    tally = Tally.of(scores, truth)
    estimates: dict[str, Estimate] = {}
    best = None
    if tally.has_both:
        flagged = Flagged(
            positives=tally.positive_count,
            flagged_positives=sum(a and t for a, t in zip(acted, truth, strict=True)),
            negatives=tally.negative_count,
            flagged_negatives=sum(a and not t for a, t in zip(acted, truth, strict=True)),
        )
        if min(tally.positive_count, tally.negative_count) < FEWEST_FOR_INTERVALS:
            resamples = 0
        measured = bootstrapped(tally, resamples, seed)
        measured["f1"] = bootstrapped_f1(flagged, resamples, seed)
        estimates = {key: measured[key] for key in METRICS}
        best = best_f1(tally, curve_of(tally))[1]
    return LabelFigures(
        label=label,
        tally=tally,
        unknown=unknown,
        unchecked=unchecked,
        f1_rule=_rule(label),
        best_f1_threshold=best,
        thresholds=_thresholds(label, answered),
        estimates=estimates,
        note=_note(tally, unchecked),
    )


def _acted(label: Label, judgement: Judgement, score: float) -> bool:
    if label.yardstick is Yardstick.ATTRIBUTE:
        return score >= ATTRIBUTE_FROM
    return judgement.acted(label)


def _rule(label: Label) -> str:
    if label.yardstick is Yardstick.ATTRIBUTE:
        return f"score of {ATTRIBUTE_FROM} or more (policies have no threshold on attributes)"
    if label.yardstick is Yardstick.ANY:
        return "the verdict is not allow"
    return f"the policy reviews or blocks for {' or '.join(label.names)}"


def _thresholds(label: Label, answered: Sequence[Answered]) -> dict[str, float]:
    found: dict[str, float] = {}
    if label.yardstick is Yardstick.CATEGORIES and len(label.names) == 1:
        for _, judgement in answered:
            cause = judgement.causes.get(label.names[0])
            if cause is not None:
                found["block" if cause.blocks else "review"] = cause.threshold
    return found


def _note(tally: Tally, unchecked: int) -> str:
    if tally.scores.size == 0:
        return "labelled texts, but nothing checked them" if unchecked else "no labelled texts"
    if tally.positive_count == 0:
        return "no harmful texts, so nothing to rank"
    if tally.negative_count == 0:
        return "no harmless texts, so nothing to rank"
    for count, kind in ((tally.positive_count, "harmful"), (tally.negative_count, "harmless")):
        if count < FEWEST_FOR_INTERVALS:
            return f"{kind} texts: {count}, too few for intervals"
    return ""
