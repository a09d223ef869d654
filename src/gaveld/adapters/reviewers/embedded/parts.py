"""Reads one text, or one turn, for every member of the panel at once: one pass of the text model.

What was read lately is remembered without the text itself, because a conversation's turns come
back with every turn that is added. Deciding is the business of ``judging``.
"""

import asyncio
import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakValueDictionary

from gaveld.adapters.reviewers.embedded.latest import Latest
from gaveld.adapters.reviewers.embedded.members import MEMBERS, Member, Point, View, Witness
from gaveld.adapters.reviewers.embedded.points import OperatingPoints, Sight
from gaveld.adapters.reviewers.embedded.said import Said
from gaveld.adapters.reviewers.embedded.texts import answering
from gaveld.application.ports import (
    HeadScores,
    PanelScorer,
    PanelScores,
    TextReader,
    TextSignals,
)
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierOutcome, Finding, OutcomeStatus

REMEMBERED: Final = 512
"""So many texts' parts are kept, and as many sentences' scores, at about 8 KB each."""

Chances = Mapping[str, Mapping[str, float]]
"""By member and category: the probability, 0–1, that the category applies."""

_PASSING: Final = (OutcomeStatus.TIMED_OUT, OutcomeStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a text answers to. One that ``is_judged`` is part of the content itself."""

    text: str
    is_judged: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of one text, without the text.

    ``learnt`` is what the other classifiers found, ``found`` and ``outcome`` are the text model's.
    ``chances`` is empty where the model does not read the language or was not asked. ``in_context``
    is what members make of the text after its subject, empty for a text without one.
    """

    learnt: TextSignals
    outcome: ClassifierOutcome
    found: tuple[Finding, ...] = ()
    chances: Chances | None = None
    in_context: Chances | None = None

    @property
    def outcomes(self) -> tuple[ClassifierOutcome, ...]:
        """What became of every classifier."""
        return (*self.learnt.outcomes, self.outcome)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What every classifier found."""
        return (*self.learnt.signals.findings, *self.found)

    def without(self, classifiers: Collection[str]) -> "Part":
        """Return the same without what these classifiers found, for they tell it elsewhere."""
        signals = self.learnt.signals
        kept = tuple(entry for entry in signals.findings if entry.classifier not in classifiers)
        learnt = replace(self.learnt, signals=replace(signals, findings=kept))
        found = tuple(entry for entry in self.found if entry.classifier not in classifiers)
        return replace(self, learnt=learnt, found=found)


class PartReader:
    """Reads texts through the ports. ``remembered`` bounds how many it keeps the parts of.

    A text that comes back after something else is not read again, but only what the two say
    together. Calls for one text wait for each other, so that none of its work is done twice.
    """

    def __init__(
        self,
        reader: TextReader,
        scorer: PanelScorer,
        points: OperatingPoints,
        remembered: int = REMEMBERED,
    ) -> None:
        self._reader = reader
        self._scorer = scorer
        self._points = points
        self._texts = Latest[_Known](remembered)
        self._parts = Latest[Part](remembered)
        self._sentences = Latest[HeadScores](remembered)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def read(
        self, text: str, policy: Policy, subject: Subject | None = None, *, by_model: bool = True
    ) -> Part:
        """Return what is known of a text. Raises what the model raises.

        Without ``by_model`` the text model does not read it, for it is beyond what one review may
        cost, and the outcome says so.
        """
        # The revision names the policy's term lists and domains, which are all of it that is read.
        key = _digest(text, policy.revision, by_model)
        own = _digest(key, subject)
        part = self._parts.find(own)
        if part is not None:
            return part
        beside = _beside(text, subject)
        heard: tuple[HeadScores, ...] = ()
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._texts.find(key)
            if known is None:
                known, heard = await self._first(text, policy, beside, by_model=by_model)
                if known.is_lasting:
                    self._texts.keep(key, known)
        part = known.part
        if subject is not None and part.chances is not None:
            heard = heard or await self._again(known, policy, beside)
            chances = self._weighing(known).in_context(heard, is_judged=subject.is_judged)
            part = replace(part, in_context=chances)
        if known.is_lasting:
            self._parts.keep(own, part)
        return part

    async def _first(
        self, text: str, policy: Policy, beside: Sequence[str], *, by_model: bool
    ) -> "tuple[_Known, tuple[HeadScores, ...]]":
        """Return what is known of a text that is new, and what heads say of those beside it."""
        read = await self._reader.read(text, policy)
        card, language = self._scorer.card, read.learnt.language or DetectedLanguage()
        unread = "" if card.reads(language) else f"It does not read {language.code}."
        if not by_model or (unread and language.code != _DOUBTFUL):
            reason = unread or _TOO_MUCH
            outcome = ClassifierOutcome(card, OutcomeStatus.SKIPPED, reason=reason)
            return _Known(Part(read.learnt, outcome)), ()
        started = time.monotonic()
        said = Said(read.readings.as_sent, self._sentences)
        sample = TextSample(read.readings, language, policy)
        scores = await self._scorer.score(sample, [*said.groups, *((other,) for other in beside)])
        unread = unread or scores.report.unread
        seconds = time.monotonic() - started
        outcome = ClassifierOutcome(
            card, OutcomeStatus.RAN, seconds, reason=unread, is_check=not unread
        )
        await asyncio.sleep(0)  # weighing takes a millisecond that others may want first
        of_sentences, heard = scores.further[: len(said.groups)], scores.further[len(said.groups) :]
        known = _Known(
            Part(read.learnt, outcome, scores.report.findings), language, scores.companion
        )
        telling = said.most_telling(of_sentences) or scores.as_sent
        chances = self._weighing(known).alone(scores, telling)
        known = replace(known, part=replace(known.part, chances=chances))
        return known, heard

    async def _again(
        self, known: "_Known", policy: Policy, beside: Sequence[str]
    ) -> tuple[HeadScores, ...]:
        """Return what heads say of texts beside one that is known."""
        first, *others = beside
        sample = TextSample(TextReadings.plain(first), known.language, policy)
        scores = await self._scorer.score(sample, [(other,) for other in others])
        return scores.as_sent, *scores.further

    def _weighing(self, known: "_Known") -> "_Weighing":
        return _Weighing(self._points, known)


@dataclass(frozen=True, slots=True)
class _Known:
    """A text's part by itself, and what weighing it after something else takes."""

    part: Part
    language: DetectedLanguage = field(default_factory=DetectedLanguage)
    companion: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_lasting(self) -> bool:
        """Whether the next reading would come to the same."""
        return all(outcome.status not in _PASSING for outcome in self.part.outcomes)


class _Weighing:
    """Makes each member's chances of one text's scores."""

    def __init__(self, points: OperatingPoints, known: _Known) -> None:
        self._points = points
        self._companion = known.companion
        self._words = _strongest(known.part.learnt.signals.findings, Witness.LEXICON)

    def alone(self, scores: PanelScores, of_sentences: HeadScores) -> Chances:
        """Return the chances of the text by itself."""
        by_view = {
            View.AS_SENT: scores.as_sent,
            View.UNMASKED: scores.unmasked,
            View.SENTENCES: of_sentences,
        }
        return {
            member.name: self._of(
                member,
                [by_view[view] for view in member.views & by_view.keys()] or [scores.as_sent],
            )
            for member in MEMBERS
        }

    def in_context(self, heard: Sequence[HeadScores], *, is_judged: bool) -> Chances:
        """Return the chances of the text after its subject, for those who take that view.

        ``heard`` is what heads say of the two together, and of a subject that is not judged. What
        that says by itself is not held against the text: where a member would object to it alone,
        if ever so strictly, there is no chance.
        """
        chances: dict[str, Mapping[str, float]] = {}
        for member in MEMBERS:
            if View.IN_CONTEXT not in member.views:
                continue
            scales, found = self._points.of(member), self._of(member, [heard[0]])
            if not is_judged:
                head = heard[1][member.head]
                found = {
                    category_id: chance
                    for category_id, chance in found.items()
                    if scales[category_id].chance(Sight(head[category_id]))
                    < scales[category_id].thresholds[Point.STRICT]
                }
            chances[member.name] = found
        return chances

    def _of(self, member: Member, views: Sequence[HeadScores]) -> Mapping[str, float]:
        words = self._words if Witness.LEXICON in member.witnesses else {}
        companion = self._companion if Witness.COMPANION in member.witnesses else {}
        return {
            category_id: scale.chance(
                Sight(
                    max(view[member.head][category_id] for view in views),
                    companion.get(category_id),
                    words.get(category_id, 0.0),
                )
            )
            for category_id, scale in self._points.of(member).items()
            if category_id in views[0][member.head]
        }


def _beside(text: str, subject: Subject | None) -> tuple[str, ...]:
    """Return what is read beside a text: it after its subject, and one that is not judged alone."""
    if subject is None:
        return ()
    together = answering(subject.text, text)
    return (together,) if subject.is_judged else (together, subject.text)


def _strongest(findings: Sequence[Finding], witness: Witness) -> Mapping[str, float]:
    scores: dict[str, float] = {}
    for finding in findings:
        if finding.classifier == witness:
            scores[finding.category_id] = max(finding.score, scores.get(finding.category_id, 0.0))
    return scores


def _digest(*facts: object) -> bytes:
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


_DOUBTFUL: Final = "und-Latn"
"""A few Latin words that look foreign, as chat does: they are read, and that is no check."""

_TOO_MUCH: Final = "The conversation is long; the oldest turns were not read."
