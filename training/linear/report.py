"""Measures a calibrated model and writes what it found: ``metrics.json`` and ``MODEL_CARD.md``.

Every number in the card's tables is made here, from rows that were not fitted on.
"""

import json
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gaveld.adapters.text.labels import CATEGORIES
from gaveld.adapters.text.toxicity_model.classifier import MODEL_RELEASE, SCORE_FLOOR
from gaveld.adapters.text.toxicity_model.labels import LABELS
from training.linear import thresholds
from training.linear.calibration import measures
from training.linear.corpus import OWN_PREFIX, registers

Scores = npt.NDArray[np.float64]
Scored = tuple[pd.DataFrame, Scores]
"""Rows, and one row of probabilities for each."""

TEMPLATE: Final = Path(__file__).with_name("model_card.md.template")
SOURCE_POSITIVES: Final = 20
"""A source with fewer positives of a label gets no line of its own in the card."""


def measure(digest: str, calibrated: Scored, reported: Scored) -> dict[str, Any]:
    """Return every measure of the model; thresholds come from ``calibrated`` rows only."""
    rows, scores = reported
    own = rows.source.str.startswith(OWN_PREFIX).to_numpy()
    result: dict[str, Any] = {
        "version": f"{MODEL_RELEASE}+{digest[:8]}",
        "rows": {"valid": int((~own).sum()), "own_held_out": int(own.sum())},
        "labels": {},
        "thresholds": {},
    }
    for column, label in enumerate(LABELS):
        known = rows[f"y_{label}"].notna().to_numpy() & ~rows[f"d_{label}"].to_numpy()
        positive = rows[f"y_{label}"].to_numpy() > 0.5
        entry: dict[str, Any] = {}
        for name, part in (("valid", known & ~own), ("own_held_out", known & own)):
            entry[name] = measures(scores[part, column], positive[part])
        entry["sources"] = {}
        for source in sorted(rows.source.unique()):
            part = known & (rows.source == source).to_numpy()
            if positive[part].sum() >= SOURCE_POSITIVES:
                entry["sources"][source] = measures(scores[part, column], positive[part])
        result["labels"][label] = entry
        if label in CATEGORIES:
            result["thresholds"][CATEGORIES[label]] = _threshold(
                label, (calibrated[0], calibrated[1][:, column]), (rows, scores[:, column])
            )
    result["proposed_policy"] = _together(rows, scores)
    return result


def write(result: dict[str, Any], folder: Path) -> None:
    """Write ``metrics.json`` and the model card into a folder."""
    (folder / "metrics.json").write_text(json.dumps(result, indent=1) + "\n")
    card = Template(TEMPLATE.read_text()).substitute(
        version=result["version"],
        floor=SCORE_FLOOR,
        any_review=f"{result['proposed_policy']['review']['harmless_flagged']:.1%}",
        any_block=f"{result['proposed_policy']['block']['harmless_flagged']:.2%}",
        valid_rows=result["rows"]["valid"],
        own_rows=result["rows"]["own_held_out"],
        labels=_label_table(result),
        sources=_source_table(result),
        thresholds=_threshold_table(result),
        registers=_register_table(result),
    )
    (folder / "MODEL_CARD.md").write_text(card)


def _threshold(label: str, calibrated: Scored, reported: Scored) -> dict[str, Any]:
    chosen_on = registers(calibrated[0])
    rows, scores = reported
    harmless = registers(rows)
    known = rows[f"y_{label}"].notna().to_numpy() & ~rows[f"d_{label}"].to_numpy()
    positive = known & (rows[f"y_{label}"] == 1).to_numpy()
    own = rows.source.str.startswith(OWN_PREFIX).to_numpy()
    review, block = thresholds.PROPOSED[CATEGORIES[label]]
    points = {
        "1 % budget": thresholds.propose(calibrated[1], chosen_on, thresholds.REVIEW_RATE),
        "0.1 % budget": thresholds.propose(calibrated[1], chosen_on, thresholds.BLOCK_RATE),
        "review": review,
        "block": block,
    }
    entry: dict[str, Any] = {}
    for name, at in points.items():
        if at is None:
            continue
        entry[name] = {
            "threshold": at,
            "harmless_flagged": round(thresholds.flagged(scores, harmless, at), 4),
            "recall_valid": _recall(scores[positive & ~own], at),
            "recall_own": _recall(scores[positive & own], at),
            "registers": {
                source: round(float((scores[of] >= at).mean()), 4)
                for source, of in harmless.items()
            },
        }
    return entry


def _together(rows: pd.DataFrame, scores: Scores) -> dict[str, Any]:
    """Return how much harmless text any category of the proposed policy sends to each action."""
    harmless = registers(rows)
    result = {}
    for name, place in (("review", 0), ("block", 1)):
        hit = np.zeros(len(rows))
        for column, label in enumerate(LABELS):
            at = thresholds.PROPOSED[CATEGORIES[label]][place] if label in CATEGORIES else None
            if at is not None:
                hit[scores[:, column] >= at] = 1.0
        result[name] = {
            "harmless_flagged": round(thresholds.flagged(hit, harmless, 0.5), 4),
            "registers": {
                source: round(float(hit[of].mean()), 4) for source, of in harmless.items()
            },
        }
    return result


def _recall(scores: Scores, threshold: float) -> float | None:
    return round(float((scores >= threshold).mean()), 4) if len(scores) else None


def _label_table(result: dict[str, Any]) -> str:
    lines = [
        _row(
            "label",
            "rows",
            "positives",
            "AUROC",
            "AUPRC",
            "ECE",
            "R@1%",
            "R@5%",
            "own AUROC",
            "own AUPRC",
            "own ECE",
        ),
        _row(*["---"] * 11),
    ]
    for label, entry in result["labels"].items():
        valid, own = entry["valid"], entry["own_held_out"]
        lines.append(
            _row(
                label,
                valid["rows"],
                valid["positives"],
                *(_number(valid.get(name)) for name in _SHOWN),
                *(_number(own.get(name)) for name in ("auroc", "auprc", "ece")),
            )
        )
    return "\n".join(lines)


def _source_table(result: dict[str, Any]) -> str:
    lines = [
        _row("label", "source", "rows", "positives", "AUROC", "AUPRC", "ECE", "R@1%", "R@5%"),
        _row(*["---"] * 9),
    ]
    for label, entry in result["labels"].items():
        lines.extend(
            _row(
                label,
                source,
                values["rows"],
                values["positives"],
                *(_number(values.get(name)) for name in _SHOWN),
            )
            for source, values in entry["sources"].items()
        )
    return "\n".join(lines)


def _threshold_table(result: dict[str, Any]) -> str:
    lines = [
        _row("category", "point", "from score", "harmless flagged", "recall, valid", "recall, own"),
        _row(*["---"] * 6),
    ]
    for category, entry in result["thresholds"].items():
        lines.extend(
            _row(
                category,
                name,
                f"{values['threshold']:.2f}",
                f"{values['harmless_flagged']:.2%}",
                _number(values["recall_valid"]),
                _number(values["recall_own"]),
            )
            for name, values in entry.items()
        )
    return "\n".join(lines)


def _register_table(result: dict[str, Any]) -> str:
    points, together = result["thresholds"], result["proposed_policy"]
    lines = [
        _row("register", *points, "any review", "any block"),
        _row(*["---"] * (3 + len(points))),
    ]
    for register, any_review in together["review"]["registers"].items():
        shares = [entry["review"]["registers"][register] for entry in points.values()]
        shares += [any_review, together["block"]["registers"][register]]
        lines.append(_row(register, *(f"{share:.1%}" for share in shares)))
    return "\n".join(lines)


_SHOWN: Final = ("auroc", "auprc", "ece", "recall_at_1_percent", "recall_at_5_percent")


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
