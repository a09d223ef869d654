"""Writes the model card's section on topics and mood from what was measured, and measures none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

TEMPLATE: Final = Path(__file__).with_name("card.md.template")
NOT_TAUGHT: Final = "These weights name neither topics nor moods."
_COLUMNS: Final = ("served", "head", "teacher", "descriptions")
_ROWS: Final = (
    ("topics: mean AUPRC", ("topics", "macro", "auprc")),
    ("topics: mean F1", ("topics", "macro", "f1")),
    ("topics: F1 over all", ("topics", "micro", "f1")),
    ("topics: precision over all", ("topics", "micro", "precision")),
    ("topics: recall over all", ("topics", "micro", "recall")),
    ("lines with a topic whose likeliest is right", ("topics", "likeliest")),
    ("lines without a topic that are given none", ("topics", "without", "left_unnamed")),
    ("any topic or none, right", ("topics", "without", "is_any")),
    ("mood: accuracy", ("sentiment", "accuracy")),
    ("mood: mean F1", ("sentiment", "macro_f1")),
    ("mood: positive and negative confused", ("sentiment", "opposite")),
)


def render(found: dict[str, Any]) -> str:
    """Return the section in Markdown, without its heading."""
    served = found["served"]
    values = {
        "topics": str(len(found["thresholds"])),
        "own": f"{found['rows']['own']:,}",
        "public": f"{found['rows']['public']:,}",
        "held_out": str(found["rows"]["held_out"]),
        "summary": "\n".join(_summary(found)),
        "f1_interval": _between(served["topics"]["micro"]["f1_interval"]),
        "accuracy_interval": _between(served["sentiment"]["accuracy_interval"]),
        "by_topic": "\n".join(_by_topic(found)),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text.strip()


def _summary(found: dict[str, Any]) -> Iterator[str]:
    for title, path in _ROWS:
        cells = []
        for column in _COLUMNS:
            value = found[column]
            for step in path:
                value = value[step]
            cells.append(f"{value:.3f}")
        yield f"| {title} | {' | '.join(cells)} |"


def _by_topic(found: dict[str, Any]) -> Iterator[str]:
    for name, entry in found["served"]["topics"]["by_topic"].items():
        yield (
            f"| {name} | {found['thresholds'][name]:.2f} | {entry['lines']} | {entry['auprc']:.3f} "
            f"| {entry['precision']:.2f} | {entry['recall']:.2f} | {entry['f1']:.2f} |"
        )


def _between(bounds: list[float]) -> str:
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}"
