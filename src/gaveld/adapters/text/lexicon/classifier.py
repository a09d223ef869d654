"""Finds profanity, slurs, insults and sexual terms by the shipped English word lists.

It reads words, not meaning: a quotation or a reclaimed slur is found like any other, and abuse
in harmless words is not found at all. The models are there for that.
"""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gaveld.adapters.text.compiled import CompiledOnce
from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.lexicon.hits import HitCollector, Term, Terms, hits_in
from gaveld.adapters.text.lexicon.matching import TermMatcher
from gaveld.adapters.text.lexicon.shipped import ENGLISH_ONLY, RESPELLED, Lexicon, LexiconEntry
from gaveld.adapters.text.lexicon.term_lists import allowed_matcher, characters
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Attribute, ClassifierCard, ClassifierReport, Finding

_REASONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "A1": ("A sexual term.", "A sexual term, in disguised spelling."),
        "H1": ("A slur or hateful phrase.", "A slur or hateful phrase, in disguised spelling."),
        "H2": ("An insult.", "An insult, in disguised spelling."),
        "L1": ("A profane term.", "A profane term, in disguised spelling."),
    }
)
_PROFANITY: Final = "L1"
_ENGLISH: Final = "en"


class LexiconClassifier:
    """``Classifier[TextSample]`` over the shipped lists, run on texts of every language.

    Finds terms in the folded text, in the unmasked one and in variants of it; per category the
    longest of overlapping terms counts. The policy's ``allowed_terms`` and the shipped list of
    harmless phrases silence what lies within them. From ``MAX_FINDINGS_PER_CATEGORY`` hits of a
    category on, the rest are told as one.
    """

    def __init__(self, lane: CpuLane, lexicon: Lexicon | None = None) -> None:
        lexicon = lexicon or Lexicon.load()
        by_term: defaultdict[str, Terms] = defaultdict(tuple)
        for entry in lexicon.entries:
            by_term[entry.term] += (_term(entry),)
        self._lane = lane
        self._terms = TermMatcher(by_term)
        self._allowed = TermMatcher(dict.fromkeys(lexicon.allowed))
        self._operator_allowed = CompiledOnce(lane, allowed_matcher, characters)
        self._card = ClassifierCard(
            name="lexicon",
            version=lexicon.version,
            categories=frozenset(entry.category_id for entry in lexicon.entries),
            attributes=frozenset({Attribute.PROFANITY}),
            languages=frozenset({"en"}),
            limits="Knows English terms only, and reads words, not what they are meant to say.",
            runs_on_any_language=True,
            reads_words_only=True,
        )
        self._proof = TextReadings.plain(next(iter(by_term), ""))

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees."""
        return self._card

    async def warm_up(self) -> None:
        """Prove that a listed term is found. Raises ``RuntimeError`` if it is not."""
        sample = TextSample(self._proof, DetectedLanguage(), Policy("warm-up", {}))
        if not (await self.classify(sample)).findings:
            raise RuntimeError("the lexicon does not find its own first term")

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return each hit with its span, and the strongest profanity as an attribute.

        A text of another language in which none is found has no such attribute.
        """
        allowed = await self._operator_allowed.of(sample.policy.allowed_terms)
        is_foreign = _is_foreign(sample.language)

        def work(checkpoint: Checkpoint) -> ClassifierReport:
            collector = HitCollector()
            for hits in hits_in(
                sample.readings, (self._terms,), (self._allowed, allowed), checkpoint
            ):
                collector.add(h for h in hits if not (is_foreign and h.term.english_only))
            return self._report(collector.findings(self._card), sample.language)

        return await self._lane.run(len(sample.text), work)

    def _report(self, found: tuple[Finding, ...], language: DetectedLanguage) -> ClassifierReport:
        profane = [entry.score for entry in found if entry.category_id == _PROFANITY]
        if not profane and not self._card.reads(language):
            return ClassifierReport(found)  # none found is no score of a language it can't read
        return ClassifierReport(found, {Attribute.PROFANITY: max(profane, default=0.0)})


def _is_foreign(language: DetectedLanguage) -> bool:
    return language.is_known and language.code.partition("-")[0] != _ENGLISH


def _term(entry: LexiconEntry) -> Term:
    reason, disguised_reason = _REASONS[entry.category_id]
    return Term(
        entry.category_id,
        entry.score,
        entry.severity,
        disguised_reason if RESPELLED in entry.flags else reason,
        disguised_reason,
        english_only=ENGLISH_ONLY in entry.flags,
    )
