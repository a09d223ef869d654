"""Reads the words of a video as text: subtitles, and what is said where somebody can hear it.

It finds and does not judge.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gaveld.application.failures import log_failed_classifier
from gaveld.application.fan_out import attempt
from gaveld.application.ports import TextReader, Transcriber
from gaveld.domain.content import Span
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.domain.videos import Sound, SpokenText, Subtitle
from gaveld.domain.weighing import weigh

SPEECH: Final = "speech"
"""The name of the card for what is said, where nobody can hear it."""

MOST_CHARACTERS: Final = 1_000
"""Lines are read together as far as they fit, for a sentence may go on in the next."""

Line = Subtitle | SpokenText


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something found in words, and from when to when they are said or shown, in seconds."""

    finding: Finding
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Words:
    """What was read: the lines, what was found in them, and what became of whom."""

    lines: tuple[Line, ...] = ()
    found: tuple[Spoken, ...] = ()
    outcomes: tuple[ClassifierOutcome, ...] = ()

    def tells(self, line: Line) -> bool:
        """Whether something was found while a line was said or shown."""
        return any(
            entry.start_seconds <= line.end_seconds and line.start_seconds <= entry.end_seconds
            for entry in self.found
        )


class ReadWords:
    """Reads lines with ``reader`` and sound with ``transcriber``; None hears nothing.

    ``spoken`` are the categories that are looked for in speech.
    """

    def __init__(
        self, reader: TextReader, transcriber: Transcriber | None, spoken: frozenset[str]
    ) -> None:
        self._reader = reader
        self._transcriber = transcriber
        self._spoken = spoken

    @property
    def hears(self) -> bool:
        """Whether somebody can hear what is said."""
        return self._transcriber is not None

    def unheard(self) -> ClassifierOutcome:
        """Return what is to be said of a sound track that nobody can hear."""
        card = ClassifierCard(SPEECH, "", self._spoken, is_blind_spot=True)
        reason = "Nothing on this server writes down what is said."
        return ClassifierOutcome(card, OutcomeStatus.NOT_INSTALLED, reason=reason)

    async def __call__(
        self,
        subtitles: Sequence[Subtitle],
        sounds: Sequence[Sound],
        policy: Policy,
        *,
        deadline_seconds: float,
    ) -> Words:
        """Return what was found; whoever fails or is late costs coverage and never the call."""
        heard: list[SpokenText] = []
        outcomes: list[ClassifierOutcome] = []
        due = asyncio.get_running_loop().time() + deadline_seconds
        for sound in sounds:
            outcome, said = await self._heard(sound, due)
            outcomes.append(outcome)
            heard.extend(said)
        found: list[Spoken] = []
        for passage in (*_passages(subtitles), *_passages(heard)):
            left = due - asyncio.get_running_loop().time()
            text = "\n".join(line.text for line in passage)
            read = await self._reader.read(text, policy, deadline_seconds=left)
            outcomes.extend(read.learnt.outcomes)
            found.extend(_timed(finding, passage) for finding in weigh(read.learnt.signals))
        return Words((*subtitles, *heard), tuple(found), tuple(outcomes))

    async def _heard(
        self, sound: Sound, due: float
    ) -> tuple[ClassifierOutcome, tuple[SpokenText, ...]]:
        if self._transcriber is None:
            return self.unheard(), ()
        own = self._transcriber.card
        card = ClassifierCard(own.name, own.version, self._spoken, languages=own.languages)
        try:
            async with asyncio.timeout_at(due) as patience:
                work = partial(self._transcriber.transcribe, sound)
                outcome, said = await attempt(card, work, log_failed_classifier)
        except TimeoutError:
            if not patience.expired():
                raise
            reason = "It had not written down what was said in time."
            return ClassifierOutcome(card, OutcomeStatus.TIMED_OUT, reason=reason), ()
        return outcome, said or ()


def _passages(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield lines in groups of up to ``MOST_CHARACTERS``; a longer line is one by itself."""
    group: list[Line] = []
    length = 0
    for line in lines:
        if not line.text.strip():
            continue
        if group and length + len(line.text) > MOST_CHARACTERS:
            yield group
            group, length = [], 0
        group.append(line)
        length += len(line.text) + 1
    if group:
        yield group


def _timed(finding: Finding, passage: Sequence[Line]) -> Spoken:
    concerned = _of(passage, finding.span) or passage
    return Spoken(
        finding,
        min(line.start_seconds for line in concerned),
        max(line.end_seconds for line in concerned),
    )


def _of(passage: Sequence[Line], span: Span | None) -> list[Line]:
    """Return the lines that a stretch of the passage's text lies in; none for no stretch."""
    if span is None:
        return []
    found, start = [], 0
    for line in passage:
        end = start + len(line.text)
        if start < span.end and span.start < end:
            found.append(line)
        start = end + 1
    return found
