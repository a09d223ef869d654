"""Writes the model card from what was measured. It measures nothing.

``python -m training.transformer.card --model DIR`` writes it again after a change of its template.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from training.transformer.topics import card as subject_card

TEMPLATE: Final = Path(__file__).with_name("model_card.md.template")
LEFT_OUT_TEMPLATE: Final = Path(__file__).with_name("leave_out_card.md.template")
NOT_LEFT_OUT: Final = (
    "Not measured for these weights: each group of sources needs a run of its own."
)
_COLUMNS: Final = ("rows", "positives", "auroc", "auprc", "ece", "recall_at_1_percent")


def main() -> None:
    """Read the arguments and write the card of a finished model."""
    parser = argparse.ArgumentParser(prog="training.transformer.card", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the finished model")
    write(parser.parse_args().model)


def write(folder: Path) -> None:
    """Write ``MODEL_CARD.md`` from ``metrics.json`` and, where it is there, ``leave_out.json``."""
    result = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    left_out = folder / "leave_out.json"
    found = json.loads(left_out.read_text(encoding="utf-8")) if left_out.exists() else None
    (folder / "MODEL_CARD.md").write_text(render(result, found), encoding="utf-8")


def render(result: dict[str, Any], left_out: dict[str, Any] | None = None) -> str:
    """Return the card in Markdown; ``left_out`` is what ``leave_out.json`` holds."""
    text = TEMPLATE.read_text(encoding="utf-8")
    tables = {
        "labels": "\n".join(_label_rows(result)),
        "thresholds": "\n".join(_threshold_rows(result)),
        "registers": "\n".join(
            f"| {name} | {share:.1%} |" for name, share in result["over_flagging"].items()
        ),
        "contrast": "\n".join(
            f"| {name} | {values['harmful']} | {values['caught']:.1%} "
            f"| {values['harmless']} | {values['let_through']:.1%} |"
            for name, values in result["contrast"].items()
        ),
        "spans": f"{result['spans']['mean_character_f1']:.3f}",
        "span_posts": str(result["spans"]["posts"]),
        "int8_gap": f"{result['int8']['mean_gap']:.4f}",
        "int8_far": f"{result['int8']['gap_at_99_percent']:.3f}",
        "int8_bytes": f"{result['int8']['bytes'] / 1e6:.1f}",
        "latency": "\n".join(_latency_rows(result)),
        "subject": subject_card.render(result["subject"])
        if "subject" in result
        else subject_card.NOT_TAUGHT,
        "leave_out": NOT_LEFT_OUT if left_out is None else render_left_out(result, left_out),
    }
    return _filled(text, tables)


def render_left_out(result: dict[str, Any], left_out: dict[str, Any]) -> str:
    """Return the card's section on sources that models were trained without."""
    rows = [fold["rows"] for fold in left_out["folds"].values()]
    planned = left_out["folds_planned"]
    tables = {
        "folds": str(planned) if len(rows) == planned else f"{len(rows)} of {planned} planned",
        "most_rows": f"{max(rows):,}",
        "most_scored": f"{left_out['most_scored']:,}",
        "fewest": str(left_out["fewest"]),
        "labels": "\n".join(_left_out_labels(result, left_out)),
        "sources": "\n".join(_left_out_sources(left_out)),
        "groups": "\n".join(
            f"- {name}: {', '.join(fold['without'])}" for name, fold in left_out["folds"].items()
        ),
    }
    return _filled(LEFT_OUT_TEMPLATE.read_text(encoding="utf-8"), tables).strip()


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _left_out_labels(result: dict[str, Any], left_out: dict[str, Any]) -> Iterator[str]:
    for label, values in left_out["labels"].items():
        validation = result["labels"][label]["public"]
        yield (
            f"| {label} | {values['sources']} | {values['positives']} "
            f"| {values['auroc']:.3f} | {values['auprc']:.3f} ({values['share_positive']:.0%}) "
            f"| {values['lowest_auroc']:.3f} ({values['lowest_source']}) "
            f"| {_figure(validation.get('auroc'))} | {_figure(validation.get('auprc'))} |"
        )


def _left_out_sources(left_out: dict[str, Any]) -> Iterator[str]:
    for entry in left_out["sources"]:
        valid = entry["valid"]
        pairs = (
            f"{valid['without_it'][name]:.3f} → {valid['with_it'][name]:.3f}" if valid else "–"
            for name in ("auroc", "auprc")
        )
        spreads = (
            f"{entry[name]:.3f} ({entry[name + '_low']:.3f}–{entry[name + '_high']:.3f})"
            for name in ("auroc", "auprc")
        )
        yield (
            f"| {entry['source']} | {entry['label']} | {entry['rows']} | {entry['positives']} "
            f"| {' | '.join(spreads)} | {' | '.join(pairs)} |"
        )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _label_rows(result: dict[str, Any]) -> Iterator[str]:
    for label, entry in result["labels"].items():
        for kind in ("public", "own", "grammar"):
            values = entry[kind]
            if values["positives"]:
                cells = (str(values.get(name, "–")) for name in _COLUMNS)
                yield f"| {label} | {kind} | {' | '.join(cells)} |"


def _threshold_rows(result: dict[str, Any]) -> Iterator[str]:
    for label, entry in result["thresholds"].items():
        for name, values in entry.items():
            recall = "–" if values["recall"] is None else f"{values['recall']:.1%}"
            yield (
                f"| {label} | {name} | {values['threshold']:.2f} "
                f"| {values['harmless_flagged']:.2%} | {recall} |"
            )


def _latency_rows(result: dict[str, Any]) -> Iterator[str]:
    for name, entries in result["latency"].items():
        for entry in entries:
            yield (
                f"| {name} | {entry['rows']} × {entry['tokens']} "
                f"| {entry['median_ms']} | {entry['best_ms']} |"
            )


if __name__ == "__main__":
    main()
