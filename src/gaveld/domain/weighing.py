"""Weighs what a list of words found against what a reader of sentences makes of the same text.

A word is evidence, and a quotation, a denial or another sense takes it back. Both opinions count
alike: the score is the one whose log-odds lie half way. Where no reader of sentences looked to the
end, and in what is a matter of words, the word stands as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gaveld.domain.signals import Finding, Signals

WORD_LEVEL: Final = frozenset({"L1"})
"""Categories that are a matter of words: a swear word is one, whatever is meant with it."""

LEAST_SCORE: Final = 0.01
"""What counts as said by a reader that found nothing; scores are kept this far from 0 and 1."""


def weigh(signals: Signals) -> Sequence[Finding]:
    """Return the findings, those of words weighed where sentences were read.

    Raising any score never lowers another, and the order of findings stays.
    """
    wordy = {entry.card.name for entry in signals.outcomes if entry.card.reads_words_only}
    if not any(finding.classifier in wordy for finding in signals.findings):
        return signals.findings
    readers = [
        entry.card
        for entry in signals.outcomes
        if entry.card.reads_sentences and entry.missed_as is None
    ]
    names = {card.name for card in readers}
    read = {category: 0.0 for card in readers for category in card.categories - WORD_LEVEL}
    for finding in signals.findings:
        if finding.classifier in names and finding.category_id in read:
            read[finding.category_id] = max(read[finding.category_id], finding.score)
    return tuple(
        replace(finding, score=half_way(finding.score, read[finding.category_id]))
        if finding.classifier in wordy and finding.category_id in read
        else finding
        for finding in signals.findings
    )


def half_way(one: float, other: float) -> float:
    """Return the probability whose log-odds lie half way between those of two others, 0–1."""
    return 1 / (1 + math.exp(-(_log_odds(one) + _log_odds(other)) / 2))


def _log_odds(score: float) -> float:
    kept = min(max(score, LEAST_SCORE), 1 - LEAST_SCORE)
    return math.log(kept / (1 - kept))
