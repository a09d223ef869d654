"""Counts in which labelled texts a term stands, and how many of those carry its label.

Only labels that a source set itself count: those that a word list set, and zeros that merely
follow from a text's register, would prove the lexicon by itself.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gaveld.adapters.text.lexicon.hits import Exempt
from gaveld.adapters.text.lexicon.matching import TermMatcher, comparable

LABEL_OF: Final = {
    "L1": "profanity",
    "H1": "identity_hate",
    "H2": "insult",
    "A1": "sexual",
}
LISTED_SOURCE: Final = "surge_profanity"


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text in comparable form, its source, and the labels that the source set itself."""

    text: str
    source: str
    labels: dict[str, bool]


@dataclass(slots=True)
class Evidence:
    """What the data says of one term; counts are of texts, by label."""

    seen: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)


def labelled_text(row: Mapping[str, Any]) -> LabelledText:
    """Return one row of the data; SOURCES.md there describes the columns. No label is None."""
    unsure = {*str(row.get("weak", "")).split(","), *str(row.get("implied", "")).split(",")}
    labels = {
        label: row[label] == 1
        for label in LABEL_OF.values()
        if row[label] is not None and label not in unsure
    }
    # A list of terms names each of them with its label, which says nothing of their use.
    usable = {} if row["source"] == LISTED_SOURCE else labels
    return LabelledText(comparable(row["text"].casefold()), row["source"], usable)


def count(
    texts: Iterable[LabelledText], terms: Iterable[str], allowed: Iterable[str]
) -> dict[str, Evidence]:
    """Return the evidence on each term that stands in any text outside an allowed phrase."""
    matcher = TermMatcher({term: term for term in terms})
    phrases = TermMatcher(dict.fromkeys(allowed))
    evidence: defaultdict[str, Evidence] = defaultdict(Evidence)
    for entry in texts:
        found = list(matcher.matches(entry.text, _go_on))
        if not found:
            continue
        exempt = Exempt(entry.text, (phrases,), _go_on)
        for term in {m.payload for m in found if not exempt.covers(m.start, m.end)}:
            of_term = evidence[term]
            of_term.sources.add(entry.source)
            of_term.seen.update(entry.labels.keys())
            of_term.true.update(label for label, is_true in entry.labels.items() if is_true)
    return dict(evidence)


def _go_on() -> None:
    pass
