"""Goes through a text window by window and turns the hits of pattern detectors into findings.

It bounds how long one step takes and how many findings a report holds, whatever the text. What
a hit is, the detectors know.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from gaveld.adapters.text.cpu_lane import STEP_CHARACTERS, Checkpoint
from gaveld.domain.content import FoldedText, Span, TextReadings
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding

BEFORE_CHARACTERS: Final = 512
"""How far before its start a hit may be decided by what stands there."""

HIT_CHARACTERS: Final = 4_096
"""No detector reports a longer hit."""

MAX_FINDINGS: Final = 1_000
"""Of one category in one report; one more finding spans whatever lies beyond."""


class Hit(NamedTuple):
    """One place that a detector recognised, half open, in code points of what it was given.

    ``score`` is the probability 0–1 that the place is what ``reason`` says. ``reason`` is a
    constant sentence and so holds nothing of the content.
    """

    start: int
    end: int
    category_id: str
    score: float
    reason: str


Find = Callable[[str], Iterable[Hit]]
"""Yields the hits in a text, in time linear in its length, and never raises."""


def scan(text: str, finds: Sequence[Find], checkpoint: Checkpoint) -> Iterator[Hit]:
    """Yield every detector's hits in a text of any length, looking at the checkpoint between steps.

    A long text is cut into windows that overlap, so that each hit is seen whole, with what stands
    before it, by the one window that its start belongs to.
    """
    for start in range(0, len(text), STEP_CHARACTERS):
        left = max(0, start - BEFORE_CHARACTERS)
        window = text[left : start + STEP_CHARACTERS + HIT_CHARACTERS]
        owned = range(start - left, start - left + STEP_CHARACTERS)
        for find in finds:
            checkpoint()
            for hit in find(window):
                if hit.start in owned:
                    yield hit._replace(start=hit.start + left, end=hit.end + left)


def scan_readings(
    readings: TextReadings, finds: Sequence[Find], checkpoint: Checkpoint
) -> Iterator[Hit]:
    """Yield the hits in a text as sent and, where characters are disguised, in its folded reading.

    All positions are in the text as sent.
    """
    yield from scan(readings.as_sent, finds, checkpoint)
    if is_disguised(readings):
        for hit in scan(readings.folded.text, finds, checkpoint):
            yield at_original(hit, readings.folded)


def is_disguised(readings: TextReadings) -> bool:
    """Whether folding changed more than letter case."""
    text = readings.as_sent
    return not text.isascii() and readings.folded.text not in (text, text.lower())


def at_original(hit: Hit, reading: FoldedText) -> Hit:
    """Return a hit in a reading as a hit in the text that it was read from."""
    span = reading.original(hit.start, hit.end)
    return hit._replace(start=span.start, end=span.end)


def report(hits: Iterable[Hit], card: ClassifierCard) -> ClassifierReport:
    """Return the hits as findings in the order of the text, the strongest where some overlap."""
    by_category: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=_earliest_strongest):
        kept = by_category.setdefault(hit.category_id, [])
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
        elif _strength(hit) > _strength(kept[-1]):
            kept[-1] = hit
    findings = [
        Finding(
            hit.category_id,
            hit.score,
            hit.reason,
            card.name,
            card.version,
            Span(hit.start, hit.end),
        )
        for kept in by_category.values()
        for hit in _bounded(kept)
    ]
    return ClassifierReport(tuple(findings))


def _bounded(hits: list[Hit]) -> list[Hit]:
    beyond = hits[MAX_FINDINGS:]
    if not beyond:
        return hits
    rest = Hit(
        beyond[0].start,
        beyond[-1].end,
        beyond[0].category_id,
        max(hit.score for hit in beyond),
        f"Spans whatever was found after the first {MAX_FINDINGS} places.",
    )
    return [*hits[:MAX_FINDINGS], rest]


def _strength(hit: Hit) -> tuple[float, int]:
    return hit.score, hit.end - hit.start


def _earliest_strongest(hit: Hit) -> tuple[int, float, int, str]:
    return hit.start, -hit.score, -hit.end, hit.reason
