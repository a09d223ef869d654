"""Finds the terms that an operator lists in the policy, and those that a call blocks."""

from itertools import chain

from gaveld.adapters.text.compiled import CompiledOnce
from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.lexicon.hits import HitCollector, hits_in
from gaveld.adapters.text.lexicon.term_lists import (
    allowed_matcher,
    blocked_terms_matcher,
    characters,
    compile_lists,
)
from gaveld.domain.content import TextReadings, TextSample
from gaveld.domain.policies import TermList
from gaveld.domain.signals import ClassifierCard, ClassifierReport

_CARD = ClassifierCard(
    name="terms",
    version="1.0.0",
    categories=frozenset({"L2"}),
    limits="Finds what is listed and nothing else; patterns do not see through disguises.",
)
_NOTHING = ClassifierReport()


class TermListClassifier:
    """``Classifier[TextSample]`` over the policy's ``term_lists`` and the call's blocked terms.

    A finding carries its list's category. The card names L2 alone, since a list that feeds
    another category does not amount to looking for that category. Exact terms and prefixes are
    found in every reading of the text, patterns in the text as sent and in the folded one. The
    policy's ``allowed_terms`` silence words of its lists within them, never a pattern nor a term
    that the call blocks. A policy that ``validate_term_lists`` refuses makes the call fail.
    """

    def __init__(self, lane: CpuLane) -> None:
        self._lane = lane
        self._lists = CompiledOnce(lane, compile_lists, _characters)
        self._allowed = CompiledOnce(lane, allowed_matcher, characters)

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees."""
        return _CARD

    async def warm_up(self) -> None:
        """Do nothing: the lists come with each policy, and compile on their first use."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return each hit with its span. Raises ``ValueError`` for lists that do not compile."""
        if not sample.policy.term_lists and not sample.blocked_terms:
            return _NOTHING
        lists = await self._lists.of(sample.policy.term_lists)
        allowed = await self._allowed.of(sample.policy.allowed_terms)

        def work(checkpoint: Checkpoint) -> ClassifierReport:
            blocked = blocked_terms_matcher(sample.blocked_terms)
            collector = HitCollector()
            for hits in chain(
                lists.hits(sample.readings, allowed, checkpoint),
                hits_in(sample.readings, (blocked,), (), checkpoint),
            ):
                collector.add(hits)
            return ClassifierReport(collector.findings(_CARD))

        return await self._lane.run(_characters_of(sample.readings, sample.blocked_terms), work)


def _characters(term_lists: tuple[TermList, ...]) -> int:
    return sum(characters(entry.terms) for entry in term_lists)


def _characters_of(readings: TextReadings, blocked_terms: tuple[str, ...]) -> int:
    return len(readings.as_sent) + characters(blocked_terms)
