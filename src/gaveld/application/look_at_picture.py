"""Looks at a picture with everything there is, the cheap before the dear, and judges nothing.

Where files come from and who pays for them are other use cases' matters.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gaveld.application.failures import log_failed_classifier
from gaveld.application.fan_out import ask, not_installed
from gaveld.application.ports import Classifier, Telemetry, TextReader
from gaveld.application.stopwatch import Stopwatch
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.descriptions import describe
from gaveld.domain.image_signals import (
    HashBankKind,
    HashMatch,
    ImageCode,
    ImageReport,
    ImageSample,
    ImageScores,
    ImageText,
    PictureSignals,
    worst_frame,
)
from gaveld.domain.media import Picture
from gaveld.domain.picture_text import PictureText, outside_codes
from gaveld.domain.policies import Policy
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)
from gaveld.domain.verdicts import is_settled

PictureClassifier = Classifier[ImageSample]

TEXT_SHARE: Final = 0.2
"""How much of the time that is left, when reading begins, is kept for judging what was read."""

_SETTLED: Final = "The verdict was settled without it."
_KNOWN_GOOD: Final = "Every frame is a known good picture."
_NO_TEXT: Final = "No text was read in it."
_NOT_READ: Final = "Text in it could not be read."
_PARTLY_READ: Final = "Not all of the text in it was read."


@dataclass(frozen=True, slots=True)
class PictureDetectors:
    """What looks at pictures, by what it does.

    ``known`` compare with known pictures, ``networks`` say what is shown, ``codes`` and ``text``
    read what is written, and ``describers`` find nothing and describe. ``absent`` are those that
    this server knows of and does not have.
    """

    known: tuple[PictureClassifier, ...] = ()
    networks: tuple[PictureClassifier, ...] = ()
    codes: tuple[PictureClassifier, ...] = ()
    text: tuple[PictureClassifier, ...] = ()
    describers: tuple[PictureClassifier, ...] = ()
    absent: tuple[ClassifierCard, ...] = ()

    @property
    def all(self) -> tuple[PictureClassifier, ...]:
        """Everything that is there, the cheapest first."""
        return (*self.known, *self.codes, *self.networks, *self.text, *self.describers)


class LookAtPicture:
    """Asks all detectors about a picture, and the text path about what is written in it.

    Known pictures and codes come first, then the networks, then the reading of text, then the text
    path. A frame that is in a bank of known good pictures is not shown to the networks; what is
    written in it is read all the same, and no other finding is softened.
    """

    def __init__(
        self, detectors: PictureDetectors, reader: TextReader, telemetry: Telemetry
    ) -> None:
        self._detectors = detectors
        self._reader = reader
        self._telemetry = telemetry

    @property
    def models(self) -> tuple[tuple[str, str], ...]:
        """The name and version of everything that has a say."""
        return tuple((entry.card.name, entry.card.version) for entry in self.not_asked(""))

    def not_asked(self, reason: str) -> tuple[ClassifierOutcome, ...]:
        """Return the outcomes of everything for a picture that was not looked at, and why not."""
        detectors = self._detectors
        return (
            *(
                ClassifierOutcome(entry.card, OutcomeStatus.SKIPPED, reason=reason)
                for entry in detectors.all
            ),
            *not_installed(detectors.absent),
            *self._reader.unread(reason),
        )

    def has_read(self, outcomes: Iterable[ClassifierOutcome]) -> bool:
        """Whether all words in a picture were looked for, given what became of everything."""
        readers = {entry.card.name for entry in self._detectors.text}
        return bool(readers) and all(
            entry.missed_as is None for entry in outcomes if entry.card.name in readers
        )

    async def __call__(
        self,
        picture: Picture,
        policy: Policy,
        *,
        deadline_seconds: float,
        until_settled: bool,
        blocked_terms: tuple[str, ...] = (),
        clock: Stopwatch | None = None,
    ) -> PictureSignals:
        """Return what was learnt of a picture within ``deadline_seconds`` from now.

        A detector that fails or is late costs coverage and never the call. With ``until_settled``
        nothing more is asked once the policy's verdict blocks whatever else is learnt.
        ``blocked_terms`` are found in the text beside the policy's own. ``clock`` takes the times.
        """
        clock = clock or Stopwatch(self._telemetry)
        detectors, due = self._detectors, time.monotonic() + deadline_seconds
        look = _Look(picture, policy, self._telemetry, until_settled=until_settled)
        await look.show((*detectors.known, *detectors.codes), picture, due)
        clock.lap("known_pictures")
        await look.show(detectors.networks, look.without_known_good(), due)
        clock.lap("networks")
        patience = (1 - TEXT_SHARE) * max(0.0, due - time.monotonic())
        await look.show(
            (*detectors.text, *detectors.describers), picture, time.monotonic() + patience
        )
        clock.lap("read_text")
        await look.read(self._reader, detectors, due, blocked_terms)
        clock.lap("judge_text")
        return look.signals(detectors)


class _Look:
    """One look in progress: what was learnt so far, and whether anything more matters."""

    def __init__(
        self, picture: Picture, policy: Policy, telemetry: Telemetry, *, until_settled: bool
    ) -> None:
        self._picture = picture
        self._policy = policy
        self._until_settled = until_settled
        self._telemetry = telemetry
        self._outcomes: list[ClassifierOutcome] = []
        self._findings: list[Finding] = []
        self._frame_scores: dict[int, ImageScores] = {}
        self._matches: list[HashMatch] = []
        self._texts: list[ImageText] = []
        self._codes: list[ImageCode] = []
        self._description = ""
        self._words = Signals((), ())
        self._language: DetectedLanguage | None = None
        self._is_cut_short = False

    async def show(
        self, classifiers: Sequence[PictureClassifier], picture: Picture | None, due: float
    ) -> None:
        """Ask the classifiers about the picture, or about no picture if there is none to show."""
        if not classifiers:
            return
        if self._is_settled():
            self._is_cut_short = True
            self._skip(classifiers, _SETTLED)
            return
        if picture is None:
            self._skip(classifiers, _KNOWN_GOOD, is_needless=not self._picture.unread)
            return
        sample = ImageSample(picture, self._policy)
        seconds = due - time.monotonic()
        for outcome, report in await ask(classifiers, sample, seconds, log_failed_classifier):
            self._telemetry.classifier_finished(outcome.card, outcome.status, outcome.seconds)
            self._outcomes.append(self._admitting_gaps(outcome))
            if report is not None:
                self._findings += report.findings
            if isinstance(report, ImageReport):
                self._frame_scores |= report.frame_scores
                self._matches += report.hash_matches
                self._texts += report.texts
                self._codes += report.codes
                self._description = self._description or report.description

    def without_known_good(self) -> Picture | None:
        """Return the picture without the frames that a bank allows; None if that is all of it."""
        good = {match.frame_index for match in self._matches if match.kind is HashBankKind.ALLOW}
        frames = tuple(frame for frame in self._picture.frames if frame.index not in good)
        return replace(self._picture, frames=frames) if frames else None

    async def read(
        self,
        reader: TextReader,
        detectors: PictureDetectors,
        due: float,
        blocked_terms: tuple[str, ...],
    ) -> None:
        """Have judged what was read, if anything was and it still matters."""
        if self._is_settled():
            self._is_cut_short = True
            self._words = Signals((), reader.unread(_SETTLED))
            return
        self._texts = list(outside_codes(self._texts, self._codes))
        words = PictureText.of(self._texts, self._codes)
        is_whole = self._was_read(detectors) and not words.is_cut
        if not words.text:
            outcomes = reader.unread(_NO_TEXT if is_whole else _NOT_READ, is_needless=is_whole)
            self._words = Signals((), outcomes)
            return
        read = await reader.read(
            words.text,
            self._policy,
            blocked_terms=blocked_terms,
            deadline_seconds=max(0.0, due - time.monotonic()),
        )
        self._language = read.learnt.language
        self._words = replace(
            read.learnt.signals,
            findings=tuple(dict.fromkeys(map(words.placed, read.learnt.signals.findings))),
            outcomes=tuple(entry if is_whole else _partly(entry) for entry in read.learnt.outcomes),
        )

    def signals(self, detectors: PictureDetectors) -> PictureSignals:
        """Return all that was learnt."""
        outcomes = (*self._outcomes, *not_installed(detectors.absent), *self._words.outcomes)
        worst = worst_frame(self._frame_scores)
        return PictureSignals(
            replace(
                self._words, findings=(*self._findings, *self._words.findings), outcomes=outcomes
            ),
            frame_scores=self._frame_scores,
            hash_matches=tuple(self._matches),
            texts=tuple(self._texts),
            codes=tuple(self._codes),
            language=self._language,
            description=self._description
            or describe(
                self._picture.facts,
                None if worst is None else self._frame_scores[worst],
                self._texts,
                self._codes,
            ),
            is_described=bool(self._description),
            is_cut_short=self._is_cut_short,
        )

    def _is_settled(self) -> bool:
        learnt = Signals(tuple(self._findings), tuple(self._outcomes))
        return self._until_settled and is_settled(learnt, self._policy)

    def _skip(
        self, classifiers: Sequence[PictureClassifier], reason: str, *, is_needless: bool = False
    ) -> None:
        self._outcomes += (
            ClassifierOutcome(
                entry.card, OutcomeStatus.SKIPPED, reason=reason, is_needless=is_needless
            )
            for entry in classifiers
        )

    def _admitting_gaps(self, outcome: ClassifierOutcome) -> ClassifierOutcome:
        if not self._picture.unread or outcome.missed_as is not None:
            return outcome
        return replace(outcome, is_check=False, reason=self._picture.unread)

    def _was_read(self, detectors: PictureDetectors) -> bool:
        """Whether both words and codes were looked for everywhere."""
        readers = {entry.card.name for entry in (*detectors.codes, *detectors.text)}
        return bool(detectors.codes and detectors.text) and all(
            entry.missed_as is None for entry in self._outcomes if entry.card.name in readers
        )


def _partly(outcome: ClassifierOutcome) -> ClassifierOutcome:
    if outcome.missed_as is not None:
        return outcome
    return replace(outcome, is_check=False, reason=_PARTLY_READ)
