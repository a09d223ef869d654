"""Measures scores against answers: by label, by source, on harmless registers, on marked spans."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from tokenizers import Tokenizer

from training.transformer.corpus import Example
from training.transformer.encoding import tokenise
from training.transformer.scoring import Mask, Numbers, Scores, expected_calibration_error
from training.transformer.settings import Settings

REGISTER_ROWS: Final = 30
"""A source with fewer harmless rows is no register of its own; all of those count as one."""
REVIEW_RATE: Final = 0.01
BLOCK_RATE: Final = 0.001


def measures(scores: Numbers, positive: Mask) -> dict[str, float]:
    """Return counts, AUROC, AUPRC, ECE and recall at 1 % and 5 % false positives."""
    result: dict[str, float] = {"rows": len(scores), "positives": int(positive.sum())}
    if 0 < positive.sum() < len(scores):
        false_rate, recall, _ = roc_curve(positive, scores)
        result["auroc"] = float(roc_auc_score(positive, scores))
        result["auprc"] = float(average_precision_score(positive, scores))
        result["recall_at_1_percent"] = float(recall[false_rate <= 0.01].max())
        result["recall_at_5_percent"] = float(recall[false_rate <= 0.05].max())
    if len(scores):
        result["ece"] = expected_calibration_error(scores, positive)
    return {name: round(value, 4) for name, value in result.items()}


def known_answers(examples: list[Example]) -> tuple[Numbers, Mask]:
    """Return answers, and where somebody gave them rather than a word list or the register."""
    answers = np.stack([one.answers for one in examples]).astype(np.float64)
    deduced = np.stack([one.deduced for one in examples])
    return answers, (answers >= 0) & ~deduced


def by_label(
    examples: list[Example], scores: Numbers, settings: Settings
) -> dict[str, dict[str, Any]]:
    """Return measures of each label on public and own rows, and by source."""
    answers, known = known_answers(examples)
    sources = np.array([one.source for one in examples])
    kinds = np.array([kind_of(source) for source in sources])
    result: dict[str, dict[str, Any]] = {}
    for place, label in enumerate(settings.labels):
        rows = known[:, place]
        entry: dict[str, Any] = {}
        for kind in ("public", "own", "grammar"):
            chosen = rows & (kinds == kind)
            entry[kind] = measures(scores[chosen, place], answers[chosen, place] == 1)
        entry["all"] = measures(scores[rows, place], answers[rows, place] == 1)
        entry["sources"] = {
            source: measures(scores[chosen, place], answers[chosen, place] == 1)
            for source in sorted(set(sources[rows]))
            if (chosen := rows & (sources == source)).sum() >= REGISTER_ROWS
        }
        result[label] = entry
    return result


def kind_of(source: str) -> str:
    """Return ``own`` (written by hand), ``grammar`` (expanded) or ``public``."""
    prefix = source.partition("_")[0]
    return prefix if prefix in ("own", "grammar") else "public"


def registers(examples: list[Example], settings: Settings) -> dict[str, npt.NDArray[np.int64]]:
    """Return the row numbers of texts known to be civil and marked for nothing, by source."""
    toxicity = settings.labels.index("toxicity")
    rows: dict[str, list[int]] = {}
    for number, one in enumerate(examples):
        civil = one.answers[toxicity] == 0 and not one.deduced[toxicity]
        if civil and not (one.answers == 1).any():
            rows.setdefault(one.source, []).append(number)
    small = [name for name, found in rows.items() if len(found) < REGISTER_ROWS]
    others = [number for name in small for number in rows.pop(name)]
    if others:
        rows["others"] = others
    return {name: np.array(found) for name, found in sorted(rows.items())}


def flagged(scores: Numbers, of: Mapping[str, npt.NDArray[np.int64]], threshold: float) -> float:
    """Return the share of harmless texts at or above a threshold, averaged over registers."""
    return float(np.mean([(scores[rows] >= threshold).mean() for rows in of.values()]))


def propose(scores: Numbers, of: Mapping[str, npt.NDArray[np.int64]], rate: float) -> float:
    """Return the lowest threshold, in hundredths, that flags at most ``rate`` of the harmless."""
    for hundredth in range(5, 100):
        if flagged(scores, of, hundredth / 100) <= rate:
            return hundredth / 100
    return 0.99


def best_f1(scores: Numbers, positive: Mask) -> float:
    """Return the threshold, in hundredths, of the highest F1."""
    grid = [hundredth / 100 for hundredth in range(5, 100)]
    counts = [
        ((scores >= at) & positive).sum() / ((scores >= at).sum() + positive.sum()) for at in grid
    ]
    return grid[int(np.argmax(counts))]


def _natural(register: str) -> bool:
    """Whether a register is of texts as people write them; grammars' are near twins of attacks."""
    return not register.startswith("grammar_")


def thresholds(
    chosen_on: tuple[list[Example], Numbers],
    reported_on: tuple[list[Example], Numbers],
    settings: Settings,
) -> dict[str, dict[str, Any]]:
    """Return thresholds chosen on one set of rows, with their cost and yield on another."""
    harmless, measured = (
        {name: rows for name, rows in registers(examples, settings).items() if _natural(name)}
        for examples, _ in (chosen_on, reported_on)
    )
    chosen_answers, chosen_known = known_answers(chosen_on[0])
    answers, known = known_answers(reported_on[0])
    result: dict[str, dict[str, Any]] = {}
    for place, label in enumerate(settings.labels):
        result[label] = {}
        positive = known[:, place] & (answers[:, place] == 1)
        rows = chosen_known[:, place]
        limits = {
            "review": propose(chosen_on[1][:, place], harmless, REVIEW_RATE),
            "block": propose(chosen_on[1][:, place], harmless, BLOCK_RATE),
            "even": best_f1(chosen_on[1][rows, place], chosen_answers[rows, place] == 1),
        }
        for name, at in limits.items():
            found = reported_on[1][:, place]
            result[label][name] = {
                "threshold": at,
                "harmless_flagged": round(flagged(found, measured, at), 4),
                "recall": round(float((found[positive] >= at).mean()), 4)
                if positive.any()
                else None,
            }
    return result


def over_flagging(
    examples: list[Example], scores: Numbers, chosen: dict[str, dict[str, Any]], settings: Settings
) -> dict[str, float]:
    """Return by register the share of harmless texts that any label's review threshold flags."""
    limits = np.array([chosen[label]["review"]["threshold"] for label in settings.labels])
    hit: Mask = np.any(scores >= limits, axis=1)
    return {
        name: round(float(hit[rows].mean()), 4)
        for name, rows in registers(examples, settings).items()
    }


def contrast(
    examples: list[Example], scores: Numbers, chosen: dict[str, dict[str, Any]], settings: Settings
) -> dict[str, dict[str, float]]:
    """Return by own source how many harmful texts are caught and how many harmless let through.

    A text is caught where any label reaches its even threshold.
    """
    limits = np.array([chosen[label]["even"]["threshold"] for label in settings.labels])
    hit: Mask = np.any(scores >= limits, axis=1)
    harmful: Mask = np.array([bool((one.answers == 1).any()) for one in examples])
    harmless: Mask = np.array([bool((one.answers == 0).all()) for one in examples])
    sources = np.array([one.source for one in examples])
    result: dict[str, dict[str, float]] = {}
    for source in sorted(set(sources)):
        bad, good = harmful & (sources == source), harmless & (sources == source)
        if kind_of(source) != "public" and bad.any() and good.any():
            result[str(source)] = {
                "harmful": int(bad.sum()),
                "caught": round(float(hit[bad].mean()), 4),
                "harmless": int(good.sum()),
                "let_through": round(float((~hit[good]).mean()), 4),
            }
    return result


def span_measures(
    examples: list[Example], scores: Scores, tokenizer: Tokenizer, threshold: float
) -> dict[str, float]:
    """Return mean character F1 of marked spans, as the shared task on them counts it.

    A text without marks scores 1 where nothing is pointed at, and 0 otherwise.
    """
    found = []
    for one, tokens in zip(examples, scores.tokens, strict=True):
        if one.spans is None:
            continue
        marked = {place for start, end, _ in one.spans for place in range(start, end)}
        pointed: set[int] = set()
        offsets = tokenise([one.text], tokenizer)[0].offsets
        reach = max((end for _, end in offsets), default=0)
        marked = {place for place in marked if place < reach}
        for (start, end), logit in zip(offsets, tokens, strict=True):
            if 1 / (1 + np.exp(-logit)) >= threshold:
                pointed.update(range(start, end))
        if not marked or not pointed:
            found.append(float(not marked and not pointed))
        else:
            found.append(2 * len(marked & pointed) / (len(marked) + len(pointed)))
    return {
        "posts": len(found),
        "threshold": threshold,
        "mean_character_f1": round(float(np.mean(found)), 4),
    }
