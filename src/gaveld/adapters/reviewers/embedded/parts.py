"""Reads one text, or one turn, for every member of the panel at once: one pass of the text model.

What was read lately is remembered without the text itself, because a conversation's turns come
back with every turn that is added. Deciding is the business of ``judging``.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gaveld.adapters.reviewers.embedded.members import MEMBERS, Member, Point, View, Witness
from gaveld.adapters.reviewers.embedded.points import OperatingPoints, Sight
from gaveld.adapters.reviewers.embedded.texts import answering, sentences
from gaveld.application.ports import (
    HeadScores,
    PanelScorer,
    PanelScores,
    TextRead,
    TextReader,
    TextSignals,
)
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierOutcome, Finding, OutcomeStatus

REMEMBERED: Final = 512
"""So many texts' parts are kept, at about 8 KB each; the oldest makes room."""

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
    """Reads texts through the ports. ``remembered`` bounds how many it keeps the parts of."""

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
        self._most = remembered
        self._kept: OrderedDict[bytes, Part] = OrderedDict()

    async def read(
        self, text: str, policy: Policy, subject: Subject | None = None, *, by_model: bool = True
    ) -> Part:
        """Return what is known of a text. Raises what the model raises.

        Without ``by_model`` the text model does not read it, for it is beyond what one review may
        cost, and the outcome says so.
        """
        key = _key(text, policy, subject, by_model=by_model)
        part = self._kept.get(key)
        if part is not None:
            self._kept.move_to_end(key)
            return part
        read = await self._reader.read(text, policy)
        part = await self._scored(read, policy, subject, by_model=by_model)
        if all(outcome.status not in _PASSING for outcome in part.outcomes):
            self._kept[key] = part
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return part

    async def _scored(
        self, read: TextRead, policy: Policy, subject: Subject | None, *, by_model: bool
    ) -> Part:
        card, language = self._scorer.card, read.learnt.language or DetectedLanguage()
        unread = "" if card.reads(language) else f"It does not read {language.code}."
        if not by_model or (unread and language.code != _DOUBTFUL):
            reason = unread or _TOO_MUCH
            return Part(read.learnt, ClassifierOutcome(card, OutcomeStatus.SKIPPED, reason=reason))
        text, started = read.readings.as_sent, time.monotonic()
        groups: list[Sequence[str]] = [sentences(text) or (text,)]
        if subject is not None:
            groups += [(answering(subject.text, text),), (subject.text,)]
        sample = TextSample(read.readings, language, policy)
        scores = await self._scorer.score(sample, groups)
        unread = unread or scores.report.unread
        seconds = time.monotonic() - started
        outcome = ClassifierOutcome(
            card, OutcomeStatus.RAN, seconds, reason=unread, is_check=not unread
        )
        await asyncio.sleep(0)  # weighing takes a millisecond that others may want first
        weighing = _Weighing(self._points, read.learnt, scores)
        return Part(
            read.learnt,
            outcome,
            scores.report.findings,
            weighing.alone(),
            weighing.in_context(subject) if subject is not None else None,
        )


class _Weighing:
    """Makes each member's chances of one text's scores."""

    def __init__(self, points: OperatingPoints, learnt: TextSignals, scores: PanelScores) -> None:
        self._points = points
        self._scores = scores
        self._words = _strongest(learnt.signals.findings, Witness.LEXICON)

    def alone(self) -> Chances:
        """Return the chances of the text by itself."""
        scores = self._scores
        by_view = {
            View.AS_SENT: scores.as_sent,
            View.UNMASKED: scores.unmasked,
            View.SENTENCES: scores.further[0],
        }
        return {
            member.name: self._of(
                member,
                [by_view[view] for view in member.views & by_view.keys()] or [scores.as_sent],
            )
            for member in MEMBERS
        }

    def in_context(self, subject: Subject) -> Chances:
        """Return the chances of the text after its subject, for those who take that view.

        What a subject says by itself is not held against the text: where a member would object to
        it alone, if ever so strictly, there is no chance.
        """
        _, together, before = self._scores.further
        chances: dict[str, Mapping[str, float]] = {}
        for member in MEMBERS:
            if View.IN_CONTEXT not in member.views:
                continue
            scales, found = self._points.of(member), self._of(member, [together])
            if not subject.is_judged:
                head = before[member.head]
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
        companion = self._scores.companion if Witness.COMPANION in member.witnesses else {}
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


def _strongest(findings: Sequence[Finding], witness: Witness) -> Mapping[str, float]:
    scores: dict[str, float] = {}
    for finding in findings:
        if finding.classifier == witness:
            scores[finding.category_id] = max(finding.score, scores.get(finding.category_id, 0.0))
    return scores


def _key(text: str, policy: Policy, subject: Subject | None, *, by_model: bool) -> bytes:
    # The revision names the policy's term lists and domains, which are all of it that is read.
    facts = (text, policy.revision, subject, by_model)
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


_DOUBTFUL: Final = "und-Latn"
"""A few Latin words that look foreign, as chat does: they are read, and that is no check."""

_TOO_MUCH: Final = "The conversation is long; the oldest turns were not read."
