"""Measures what models make of sources that they were trained without, and writes the tables.

It ranks only by answers that somebody gave. It neither trains nor scores, and shows no text.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gaveld.bootstrap.evaluation.intervals import Estimate, bootstrapped
from gaveld.bootstrap.evaluation.metrics import auprc, auroc
from gaveld.bootstrap.evaluation.tally import Tally, curve_of
from training.transformer.folds import Fold, Plan

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

JSON_FILE: Final = "leave_out.json"
CSV_FILE: Final = "leave_out.csv"
_CSV_COLUMNS: Final = (
    *("fold", "source", "label", "rows", "positives"),
    *("auroc", "auroc_low", "auroc_high", "auprc", "auprc_low", "auprc_high"),
    *("valid_rows", "valid_positives", "valid_auroc", "valid_auprc"),
    *("with_it_auroc", "with_it_auprc"),
)


@dataclass(frozen=True)
class Judged:
    """Rows of one left-out source with what is known of them and how they were scored.

    ``answers``, ``known`` and ``scores`` are ``[rows, labels]``, scores 0–1; ``valid`` says which
    rows are of ``valid.parquet``. ``with_it`` has the scores of a model that did train on the
    source, ``[rows, labels]``, NaN in rows that are not ``valid``; None without such a model.
    """

    source: str
    answers: Numbers
    known: Mask
    valid: Mask
    scores: Numbers
    with_it: Numbers | None = None


def joined(parts: Sequence[Judged], name: str) -> Judged:
    """Return several sources' rows as one's. All or none of them have a model ``with_it``."""
    with_it = [one.with_it for one in parts if one.with_it is not None]
    return Judged(
        name,
        np.concatenate([one.answers for one in parts]),
        np.concatenate([one.known for one in parts]),
        np.concatenate([one.valid for one in parts]),
        np.concatenate([one.scores for one in parts]),
        np.concatenate(with_it) if with_it else None,
    )


def measure_fold(
    fold: Fold, parts: Sequence[Judged], labels: Sequence[str], plan: Plan, seed: int
) -> list[dict[str, Any]]:
    """Return an entry for each source and label that can be ranked, and for joined sources."""
    result = [entry for one in parts for entry in _entries(one, labels, plan, seed)]
    if fold.joined is not None:
        members = [one for one in parts if one.source in fold.joined.sources]
        entries = _entries(joined(members, fold.joined.name), labels, plan, seed)
        result.extend(entry for entry in entries if entry["label"] in fold.joined.labels)
    return [{"fold": fold.name, **entry} for entry in result]


def _entries(one: Judged, labels: Sequence[str], plan: Plan, seed: int) -> Iterator[dict[str, Any]]:
    for place, label in enumerate(labels):
        rows = one.known[:, place]
        positive = one.answers[rows, place] == 1
        if label in plan.derived or not _enough(positive, plan.fewest):
            continue
        scores = one.scores[rows, place]
        figures = bootstrapped(Tally.of(scores, positive.tolist()), plan.resamples, seed)
        yield {
            "source": one.source,
            "label": label,
            **_counts(positive),
            **_spread("auroc", figures["auroc"]),
            **_spread("auprc", figures["auprc"]),
            "valid": _beside(one, place, plan.fewest),
        }


def _enough(positive: Mask, fewest: int) -> bool:
    return min(int(positive.sum()), int((~positive).sum())) >= fewest


def _counts(positive: Mask) -> dict[str, int]:
    return {"rows": len(positive), "positives": int(positive.sum())}


def _spread(name: str, figure: Estimate) -> dict[str, float | None]:
    ends = {"": figure.value, "_low": figure.low, "_high": figure.high}
    return {name + end: None if value is None else round(value, 4) for end, value in ends.items()}


def _beside(one: Judged, place: int, fewest: int) -> dict[str, Any] | None:
    """Return both models' figures on the rows that neither has learnt from, where it has enough."""
    rows = one.known[:, place] & one.valid
    positive = one.answers[rows, place] == 1
    if one.with_it is None or not _enough(positive, fewest):
        return None
    return {
        **_counts(positive),
        "without_it": _ranking(one.scores[rows, place], positive),
        "with_it": _ranking(one.with_it[rows, place], positive),
    }


def _ranking(scores: Numbers, positive: Mask) -> dict[str, float]:
    curve = curve_of(Tally.of(scores, positive.tolist()))
    return {"auroc": round(auroc(curve), 4), "auprc": round(auprc(curve), 4)}


def summarise(entries: Sequence[dict[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """Return by label the mean over sources, each counting once, and the source ranked worst.

    ``valid`` compares means over those sources alone in which both models were measured. AUPRC
    depends on the share of positives, so that is given too.
    """
    result: dict[str, Any] = {}
    for label in labels:
        own = [entry for entry in entries if entry["label"] == label]
        if not own:
            continue
        worst = min(own, key=lambda entry: entry["auroc"])
        both = [entry["valid"] for entry in own if entry["valid"] is not None]
        result[label] = {
            "sources": len(own),
            "positives": sum(entry["positives"] for entry in own),
            "share_positive": _mean([entry["positives"] / entry["rows"] for entry in own]),
            "auroc": _mean([entry["auroc"] for entry in own]),
            "auprc": _mean([entry["auprc"] for entry in own]),
            "lowest_auroc": worst["auroc"],
            "lowest_source": worst["source"],
            "valid": {
                "sources": len(both),
                **{
                    f"{model}_{name}": _mean([one[model][name] for one in both])
                    for model in ("without_it", "with_it")
                    for name in ("auroc", "auprc")
                },
            }
            if both
            else None,
        }
    return result


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def write(
    out: Path,
    folds: dict[str, dict[str, Any]],
    entries: Sequence[dict[str, Any]],
    labels: Sequence[str],
    plan: Plan,
) -> None:
    """Write the JSON and the CSV file; ``folds`` says of those that are done what they are."""
    document = {
        "folds_planned": len(plan.folds),
        "most_scored": plan.most_scored,
        "fewest": plan.fewest,
        "resamples": plan.resamples,
        "folds": folds,
        "labels": summarise(entries, labels),
        "sources": list(entries),
    }
    (out / JSON_FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    with (out / CSV_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_flat(entry) for entry in entries)


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    valid = entry["valid"]
    if valid is None:
        return entry
    return {
        **entry,
        "valid_rows": valid["rows"],
        "valid_positives": valid["positives"],
        **{f"valid_{name}": value for name, value in valid["without_it"].items()},
        **{f"with_it_{name}": value for name, value in valid["with_it"].items()},
    }
