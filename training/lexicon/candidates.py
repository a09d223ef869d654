"""Proposes words for people to decide on. Nothing it finds enters the lexicon by itself."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from training.lexicon.evidence import LABEL_OF, LISTED_SOURCE, LabelledText

MIN_TEXTS: Final = 12
MIN_SHARE: Final = 0.4
MIN_LOG_ODDS: Final = 2.0
_WORD: Final = re.compile(r"[a-z][a-z'*]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that leans towards a label: in ``true`` of ``seen`` labelled texts that hold it.

    ``log_odds`` compares its rate in labelled texts with that in the others. A term of the listed
    source has no counts.
    """

    word: str
    label: str
    seen: int = 0
    true: int = 0
    log_odds: float = math.inf

    def __str__(self) -> str:
        return f"{self.label}\t{self.word}\t{self.true}/{self.seen}\t{self.log_odds:.1f}"


def candidates(texts: Iterable[LabelledText], decided: Collection[str]) -> Iterator[Candidate]:
    """Yield undecided words: the listed source's own, then by label, the surest first."""
    labelled = list(texts)
    for text in sorted({entry.text for entry in labelled if entry.source == LISTED_SOURCE}):
        if text not in decided and not any(word in decided for word in text.split()):
            yield Candidate(text, LISTED_SOURCE)
    for label in LABEL_OF.values():
        found = (entry for entry in _leaning(labelled, label) if entry.word not in decided)
        yield from sorted(found, key=lambda entry: (-entry.log_odds, entry.word))


def _leaning(texts: Iterable[LabelledText], label: str) -> Iterator[Candidate]:
    with_label, without = Counter[str](), Counter[str]()
    sizes = Counter[bool]()
    for entry in texts:
        if label in entry.labels:
            is_true = entry.labels[label]
            sizes[is_true] += 1
            (with_label if is_true else without).update(set(_WORD.findall(entry.text)))
    for word, true in with_label.items():
        seen = true + without[word]
        rate = (true + 0.5) / (sizes[True] + 1)
        other = (without[word] + 0.5) / (sizes[False] + 1)
        log_odds = math.log(rate / other)
        if seen >= MIN_TEXTS and true / seen >= MIN_SHARE and log_odds >= MIN_LOG_ODDS:
            yield Candidate(word, label, seen, true, round(log_odds, 2))
