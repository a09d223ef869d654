"""Gathers where terms occur in a text's readings and turns that into findings.

It says what was found and whether it was disguised; which terms there are is not its business.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Final

from gaveld.adapters.text.cpu_lane import Checkpoint
from gaveld.adapters.text.lexicon.matching import TermMatcher, comparable
from gaveld.domain.categories import Severity
from gaveld.domain.content import FoldedText, Span, TextReadings
from gaveld.domain.signals import ClassifierCard, Finding

MAX_FINDINGS_PER_CATEGORY: Final = 1_000
"""From here on the hits of one category are told in one finding that spans all the rest, so that
masking still covers every one of them."""

_HITS_PER_CHECKPOINT: Final = 4_096


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
) -> Iterator[Hit]:
    """Yield the hits in every reading of a text; the same stretch may come more than once.

    A hit inside an allowed term of the same reading is left out. One is disguised when the text
    as sent does not spell the term out, letter case aside.
    """
    as_sent = comparable(readings.as_sent)
    readings_by_text = {readings.folded.text: readings.folded}
    readings_by_text.setdefault(readings.unmasked.text, readings.unmasked)
    for reading in readings_by_text.values():
        yield from _hits_in_reading(reading, as_sent, terms, allowed, checkpoint)
    for number, variant in enumerate(readings.variants):
        if number % _HITS_PER_CHECKPOINT == 0:
            checkpoint()
        is_allowed = any(matcher.has(variant.text) for matcher in allowed)
        for matcher in terms:
            for term in matcher.of_whole(variant.text) or ():
                if not (is_allowed and term.can_be_allowed):
                    yield Hit(variant.span, term, is_disguised=True)


def _hits_in_reading(
    reading: FoldedText,
    as_sent: str,
    terms: Sequence[TermMatcher[Terms]],
    allowed: Sequence[TermMatcher[None]],
    checkpoint: Checkpoint,
) -> Iterator[Hit]:
    text = comparable(reading.text)
    found = [match for matcher in terms for match in matcher.matches(text, checkpoint)]
    if not found:
        return
    exempt = Exempt(
        Span(match.start, match.end)
        for matcher in allowed
        for match in matcher.matches(text, checkpoint)
    )
    for number, match in enumerate(found):
        if number % _HITS_PER_CHECKPOINT == 0:
            checkpoint()
        is_allowed = exempt.covers(match.start, match.end)
        span = reading.original(match.start, match.end)
        is_disguised = text[match.start : match.end] != as_sent[span.start : span.end].lower()
        for term in match.payload:
            if not (is_allowed and term.can_be_allowed):
                yield Hit(span, term, is_disguised)


class Exempt:
    """Stretches of one text in which hits do not count."""

    def __init__(self, spans: Iterable[Span]) -> None:
        ordered = sorted(spans)
        self._starts = [span.start for span in ordered]
        self._furthest = list(accumulate((span.end for span in ordered), max))

    def covers(self, start: int, end: int) -> bool:
        """Whether ``[start, end)`` lies within one of the stretches."""
        before = bisect_right(self._starts, start)
        return before > 0 and self._furthest[before - 1] >= end


def longest(hits: Iterable[Hit], checkpoint: Checkpoint) -> Iterator[Hit]:
    """Yield hits by category and place, one for all that lie within another of its category.

    The longest gives the span and the likeliest the score; of equals the plainly written stays.
    """
    ordered: list[tuple[str, int, int, bool, int, Hit]] = []
    for hit in hits:
        if len(ordered) % _HITS_PER_CHECKPOINT == 0:
            checkpoint()
        start, end = hit.span
        # The hit's number keeps the order total, so that hits themselves are never compared.
        ordered.append((hit.term.category_id, start, -end, hit.is_disguised, len(ordered), hit))
    ordered.sort()
    kept: Hit | None = None
    for number, (category_id, _, negative_end, _, _, hit) in enumerate(ordered):
        if number % _HITS_PER_CHECKPOINT == 0:
            checkpoint()
        if kept and kept.term.category_id == category_id and -negative_end <= kept.span.end:
            if hit.term.score > kept.term.score:
                kept = replace(kept, term=hit.term)
            continue
        if kept:
            yield kept
        kept = hit
    if kept:
        yield kept


def findings(hits: Iterable[Hit], card: ClassifierCard) -> tuple[Finding, ...]:
    """Return the findings for hits in the order of ``longest``, in the name of ``card``."""
    found: list[Finding] = []
    for category_id, of_category in groupby(hits, lambda hit: hit.term.category_id):
        told = list(of_category)
        found.extend(_finding(hit, card) for hit in told[:MAX_FINDINGS_PER_CATEGORY])
        rest = told[MAX_FINDINGS_PER_CATEGORY:]
        if rest:
            found.append(
                Finding(
                    category_id,
                    max(hit.term.score for hit in rest),
                    f"{len(rest)} further hits, told as one.",
                    card.name,
                    card.version,
                    Span(rest[0].span.start, max(hit.span.end for hit in rest)),
                    max(hit.term.severity for hit in rest),
                )
            )
    return tuple(found)


def _finding(hit: Hit, card: ClassifierCard) -> Finding:
    term = hit.term
    reason = term.disguised_reason if hit.is_disguised else term.reason
    return Finding(
        term.category_id, term.score, reason, card.name, card.version, hit.span, term.severity
    )
