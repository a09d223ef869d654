"""Writes the model card from what was measured. It measures nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

TEMPLATE: Final = Path(__file__).with_name("model_card.md.template")
_COLUMNS: Final = ("rows", "positives", "auroc", "auprc", "ece", "recall_at_1_percent")


def render(result: dict[str, Any]) -> str:
    """Return the card in Markdown."""
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
    }
    for name, value in tables.items():
        text = text.replace("{{" + name + "}}", value)
    return text


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
