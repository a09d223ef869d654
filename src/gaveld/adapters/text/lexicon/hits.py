"""Gathers where terms occur in a text's readings and turns that into findings.

It says what was found and whether it was disguised; which terms there are is not its business.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.lexicon.matching import TermMatcher, comparable
from gaveld.domain.categories import Severity
from gaveld.domain.content import FoldedText, Span, TextReadings
from gaveld.domain.signals import ClassifierCard, Finding

MAX_FINDINGS_PER_CATEGORY: Final = 1_000
"""From here on the hits of one category are told in one finding that spans all the rest, so that
masking still covers every one of them."""

_MOST_KEPT: Final = 4 * MAX_FINDINGS_PER_CATEGORY  # of one category and reading; some overlap
_HITS_PER_CHECKPOINT: Final = 1_024


@dataclass(frozen=True, slots=True)
class Term:
    """What a term stands for: its category, the probability 0-1 of a true case, its severity.

    ``reason`` and ``disguised_reason`` go into the finding, and hold nothing of the content.
    ``english_only`` marks a harmless word of another language, counted only where the text is
    not known to be in one. ``can_be_allowed`` says whether an allow-list silences it.
    """

    category_id: str
    score: float
    severity: Severity
    reason: str
    disguised_reason: str
    english_only: bool = False
    can_be_allowed: bool = True


Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A term in the text as sent."""

    span: Span
    term: Term
    is_disguised: bool


def hits_in(
    readings: TextReadings,
    terms: Sequence[TermMatcher[Terms]],
    allowed: Sequence[TermMatcher[None]],
    checkpoint: Checkpoint,
) -> Iterator[Iterator[Hit]]:
    """Yield the hits of one reading after the other; a stretch may come in more than one.

    A hit inside an allowed term of the same reading is left out. One is disguised when the text
    as sent does not spell the term out, letter case aside.
    """
    as_sent = comparable(readings.as_sent)
    by_text = {readings.folded.text: readings.folded}
    by_text.setdefault(readings.unmasked.text, readings.unmasked)
    for reading in by_text.values():
        yield _hits_in_reading(reading, as_sent, terms, allowed, checkpoint)
    if readings.variants:
        yield _hits_in_variants(readings, terms, allowed, checkpoint)


def _hits_in_reading(
    reading: FoldedText,
    as_sent: str,
    terms: Sequence[TermMatcher[Terms]],
    allowed: Sequence[TermMatcher[None]],
    checkpoint: Checkpoint,
) -> Iterator[Hit]:
    text = comparable(reading.text)
    exempt: Exempt | None = None
    for matcher in terms:
        for match in matcher.matches(text, checkpoint):
            # Most texts hold no term, and then need not be searched for allowed ones.
            exempt = exempt or Exempt(text, allowed, checkpoint)
            is_allowed = exempt.covers(match.start, match.end)
            span = reading.original(match.start, match.end)
            is_plain = text[match.start : match.end] == as_sent[span.start : span.end].lower()
            for term in match.payload:
                if not (is_allowed and term.can_be_allowed):
                    yield Hit(span, term, not is_plain)


def _hits_in_variants(
    readings: TextReadings,
    terms: Sequence[TermMatcher[Terms]],
    allowed: Sequence[TermMatcher[None]],
    checkpoint: Checkpoint,
) -> Iterator[Hit]:
    for number, variant in enumerate(readings.variants):
        if number % _HITS_PER_CHECKPOINT == 0:
            checkpoint()
        is_allowed = any(matcher.has(variant.text) for matcher in allowed)
        for matcher in terms:
            for term in matcher.of_whole(variant.text) or ():
                if not (is_allowed and term.can_be_allowed):
                    yield Hit(variant.span, term, is_disguised=True)


class Exempt:
    """The stretches of one text in which hits do not count."""

    def __init__(
        self, text: str, allowed: Sequence[TermMatcher[None]], checkpoint: Checkpoint
    ) -> None:
        spans = sorted(
            (match.start, match.end)
            for matcher in allowed
            for match in matcher.matches(text, checkpoint)
        )
        self._starts = [start for start, _ in spans]
        self._furthest = list(accumulate((end for _, end in spans), max))

    def covers(self, start: int, end: int) -> bool:
        """Whether ``[start, end)`` lies within one of the stretches."""
        before = bisect_right(self._starts, start)
        return before > 0 and self._furthest[before - 1] >= end


class HitCollector:
    """Keeps as many hits of each category as are told one by one, and how far the rest reach.

    A text of nothing but hits would otherwise fill the memory with them, and the garbage
    collector's pauses would be felt by every other call.
    """

    def __init__(self) -> None:
        self._kept: defaultdict[str, list[Hit]] = defaultdict(list)
        self._cutoffs: dict[str, int] = {}
        self._beyond: dict[str, Hit] = {}

    def add(self, hits: Iterable[Hit]) -> None:
        """Take in the hits of one reading, which come roughly in the order of the text."""
        counts = Counter[str]()
        for hit in hits:
            category_id = hit.term.category_id
            counts[category_id] += 1
            start = hit.span.start
            if counts[category_id] > _MOST_KEPT:
                self._cutoffs[category_id] = min(start, self._cutoffs.get(category_id, start))
            if start < self._cutoffs.get(category_id, start + 1):
                self._kept[category_id].append(hit)
            else:
                self._beyond[category_id] = _merged(hit, self._beyond.get(category_id, hit))

    def findings(self, card: ClassifierCard) -> tuple[Finding, ...]:
        """Return the findings by category and place, in the name of ``card``."""
        found: list[Finding] = []
        for category_id, kept in sorted(self._kept.items()):
            cutoff = self._cutoffs.get(category_id)
            told = longest(hit for hit in kept if cutoff is None or hit.span.start < cutoff)
            rest = told[MAX_FINDINGS_PER_CATEGORY:]
            if cutoff is not None:
                rest += [hit for hit in kept if hit.span.start >= cutoff]
                rest.append(self._beyond[category_id])
            found.extend(_finding(hit, card) for hit in told[:MAX_FINDINGS_PER_CATEGORY])
            if rest:
                found.append(_finding_of_rest(rest, card))
        return tuple(found)


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Return hits of one category in order, one for all that lie within another.

    The longest gives the span and the likeliest the score; of equals the plainly written stays.
    """
    kept: list[Hit] = []
    for hit in sorted(hits, key=_place):
        if not kept or hit.span.end > kept[-1].span.end:
            kept.append(hit)
        elif hit.term.score > kept[-1].term.score:
            kept[-1] = replace(kept[-1], term=hit.term)
    return kept


def _place(hit: Hit) -> tuple[int, int, bool]:
    return hit.span.start, -hit.span.end, hit.is_disguised


def _merged(one: Hit, other: Hit) -> Hit:
    stronger = max(one, other, key=lambda hit: hit.term.score)
    start = min(one.span.start, other.span.start)
    return replace(stronger, span=Span(start, max(one.span.end, other.span.end)))


def _finding(hit: Hit, card: ClassifierCard) -> Finding:
    term = hit.term
    reason = term.disguised_reason if hit.is_disguised else term.reason
    return Finding(
        term.category_id, term.score, reason, card.name, card.version, hit.span, term.severity
    )


def _finding_of_rest(hits: Sequence[Hit], card: ClassifierCard) -> Finding:
    rest = hits[0]
    for hit in hits[1:]:
        rest = _merged(hit, rest)
    return replace(_finding(rest, card), reason="Many further hits, told as one.")
