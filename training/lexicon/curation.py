"""Reads the decisions that people made about the lexicon. It changes and adds none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from training.lexicon.inflection import inflected

FOLDER: Final = Path(__file__).parent
CURATION_FILE: Final = FOLDER / "curation.yaml"
DECLINED_FILE: Final = FOLDER / "declined.txt"


@dataclass(frozen=True, slots=True)
class Decision:
    """One form of one term, as evidence for one category."""

    term: str
    category_id: str
    tier: str
    severity: str
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Curation:
    """All decisions, each (term, category) once, and the version that they are."""

    version: str
    decisions: tuple[Decision, ...]


def load(path: Path = CURATION_FILE) -> Curation:
    """Read the decisions. Raises ``ValueError`` when a term is listed twice for a category."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    seen: dict[tuple[str, str], str] = {}
    decisions: list[Decision] = []
    for group in document["groups"]:
        for decision in _decisions(group):
            key = (decision.term, decision.category_id)
            if key in seen:
                raise ValueError(
                    f"{decision.term!r} is listed for {decision.category_id} twice: "
                    f"under {seen[key]!r} and {group['name']!r}"
                )
            seen[key] = group["name"]
            decisions.append(decision)
    return Curation(str(document["version"]), tuple(decisions))


def declined(path: Path = DECLINED_FILE) -> frozenset[str]:
    """Return the words that were looked at and left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = (line for line in lines if not line.startswith("#"))
    return frozenset(word.strip() for line in kept for word in line.split(",") if word.strip())


def _decisions(group: dict[str, Any]) -> Iterator[Decision]:
    for notation in group["terms"].split(","):
        for term, flags in expanded(notation.strip()):
            yield Decision(
                term,
                group["category"],
                group["tier"],
                group["severity"],
                flags | set(group.get("flags", ())),
            )


def expanded(notation: str) -> list[tuple[str, frozenset[str]]]:
    """Return the forms that one entry of curation.yaml stands for, each with its flags.

    The entry's own form comes first. Raises ``ValueError`` for an empty one.
    """
    flags = frozenset({"english_only"}) if notation.endswith("!") else frozenset()
    # A partly starred word may end in a mark, but only the last slash divides off codes.
    word, slash, codes = notation.removesuffix("!").rpartition("/")
    if not slash or codes.isdigit():
        word, codes = notation.removesuffix("!"), ""
    if not word:
        raise ValueError("an empty term")
    spellings = [word.replace("_", ""), word.replace("_", " ")] if "_" in word else [word]
    return [(form, flags) for entry in spellings for form in inflected(entry, codes)]
