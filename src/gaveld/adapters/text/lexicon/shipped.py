"""Reads the word lists that ship with the server: the lexicon, and the phrases it passes over.

How they came about is told in PROVENANCE.md beside them; ``make train-lexicon`` writes them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gaveld.domain.categories import Severity

_FOLDER: Final = Path(__file__).parent
LEXICON_FILE: Final = _FOLDER / "lexicon.tsv"
ALLOWED_FILE: Final = _FOLDER / "allowed.txt"

COLUMNS: Final = (
    "term",
    "category",
    "severity",
    "score",
    "tier",
    "seen",
    "true",
    "flags",
    "sources",
)
ENGLISH_ONLY: Final = "english_only"
RESPELLED: Final = "respelled"
_VERSION_MARK: Final = "# version: "


@dataclass(frozen=True, slots=True)
class LexiconEntry:
    """One line of the lexicon: a term as evidence for one category.

    ``score`` is the probability 0-1 that a hit is a true case. ``seen`` counts the labelled texts
    it stands in and ``true`` how many of those carry the category's label. ``flags`` are
    ``english_only`` (a harmless word of another language) and ``respelled`` (a spelling meant to
    evade). ``sources`` are ids of PROVENANCE.md; ``curated`` alone means it was listed by hand.
    """

    term: str
    category_id: str
    severity: Severity
    score: float
    tier: str
    seen: int
    true: int
    flags: frozenset[str]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The shipped lists, terms and ``allowed`` phrases written as folded texts spell them.

    ``version`` is the lists' own, with a hash of both files.
    """

    version: str
    entries: tuple[LexiconEntry, ...]
    allowed: tuple[str, ...]

    @classmethod
    def load(cls, lexicon: Path = LEXICON_FILE, allowed: Path = ALLOWED_FILE) -> "Lexicon":
        """Read both files. Raises ``ValueError`` naming the line that is wrong."""
        lines = lexicon.read_text(encoding="utf-8")
        if not lines.startswith(_VERSION_MARK):
            raise ValueError(f"{lexicon.name}: line 1 must begin with {_VERSION_MARK!r}")
        number = lines.partition("\n")[0].removeprefix(_VERSION_MARK).strip()
        digest = hashlib.sha256(lines.encode() + allowed.read_bytes()).hexdigest()[:8]
        return cls(
            f"{number}+{digest}",
            tuple(_entries(lexicon.name, lines)),
            read_phrases(allowed),
        )


def read_phrases(path: Path) -> tuple[str, ...]:
    """Return the harmless phrases of a file, one a line, letter case folded."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(line.casefold() for line in lines if line and not line.startswith("#"))


def _entries(name: str, lines: str) -> Iterator[LexiconEntry]:
    for number, line in enumerate(lines.splitlines(), start=1):
        if line.startswith("#") or line == "\t".join(COLUMNS):
            continue
        try:
            yield _entry(line)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{name}: line {number} is wrong: {error}") from error


def _entry(line: str) -> LexiconEntry:
    term, category, severity, score, tier, seen, true, flags, sources = line.split("\t")
    return LexiconEntry(
        term,
        category,
        Severity[severity.upper()],
        float(score),
        tier,
        int(seen),
        int(true),
        frozenset(flags.split(",")) - {""},
        tuple(sources.split(",")),
    )
