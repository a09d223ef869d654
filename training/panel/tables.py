"""The tables of what was measured, as the guide and the model card show them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gaveld.adapters.reviewers.embedded.members import MEMBERS


def members(result: Mapping[str, Any]) -> str:
    """Return each member beside the panel: misses, false alarms, misses at the panel's alarms."""
    rows = [
        [
            f"`{member.name}`",
            member.point.value,
            *_shares(found := result["members"][member.name]),
            f"{found['miss_at_the_panels_false_alarms']:.1%}",
        ]
        for member in MEMBERS
    ]
    panel = result["panel"]
    rows.append(["the panel of ten", "", *_shares(panel), f"{panel['miss']:.1%}"])
    return table(
        rows,
        (
            "reviewer",
            "point",
            "harm missed",
            "harmless called unsafe",
            "missed at the panel's false alarms",
        ),
    )


def agreement(result: Mapping[str, Any]) -> str:
    """Return how often the panel is wrong by how many of it agree."""
    rows = [
        [f"{row['agreeing']} of {len(MEMBERS)}", f"{row['share']:.1%}", f"{row['wrong']:.1%}"]
        for row in result["agreement"]
    ]
    return table(rows, ("reviewers that agree", "share of texts", "decided wrongly"))


def amounts(result: Mapping[str, Any]) -> str:
    """Return the errors of the first reviewers, by how many are asked."""
    rows = [[amount, *_shares(found)] for amount, found in result["amounts"].items()]
    return table(rows, ("`amount`", "harm missed", "harmless called unsafe"))


def confidence(result: Mapping[str, Any]) -> str:
    """Return how often a flagged rule is right, by confidence."""
    rows = [
        [f"{row['from']}–{row['to']}", f"{row['flags']:,}", row["mean"], f"{row['right']:.0%}"]
        for row in result["confidence"]
    ]
    return table(rows, ("confidence", "flagged rules", "mean", "right"))


def _shares(found: Mapping[str, float]) -> tuple[str, str]:
    return f"{found['miss']:.1%}", f"{found['false_alarms']:.1%}"


def table(rows: Sequence[Sequence[object]], head: Sequence[str]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
