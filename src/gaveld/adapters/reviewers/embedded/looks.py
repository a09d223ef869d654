"""The one look that all members of a panel take at a task, whichever kind of content it has.

It says which texts are read, after what, and what became of each classifier in all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from gaveld.adapters.reviewers.embedded.parts import Part, PartReader, Subject
from gaveld.adapters.reviewers.embedded.texts import before, opening
from gaveld.domain.outcomes import OutcomeTally
from gaveld.domain.reviews import (
    ContentKind,
    ConversationContent,
    Evidence,
    ImageEvidence,
    ReviewTask,
    TextContent,
    Turn,
    VideoEvidence,
)
from gaveld.domain.signals import ClassifierOutcome

MOST_CHARACTERS: Final = 131_072
"""The text model reads so much of a conversation, the newest turns first; others read it all."""

TURNS_AT_ONCE: Final = 8

SUBSTANTIAL_CHARACTERS: Final = 40
"""Less text in another language, a sign or a logo, is not what a picture is about."""

OPERATORS: Final = frozenset({"system", "developer"})
"""Roles that instruct a model and do not take part."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A part and where it was: the turn's place from 0 and its role; None and empty for a text."""

    part: Part
    turn: int | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a task's content. It holds none of its text.

    ``seen`` is what was found in a picture or a video, its words included. ``outcomes`` has each
    classifier once, as it did worst. ``is_watched``: it is a picture or a video whose frames a
    classifier looked at, and what of its words can't be read is little.
    """

    parts: tuple[Heard, ...]
    seen: tuple[Evidence, ...]
    outcomes: tuple[ClassifierOutcome, ...]
    is_watched: bool = False

    @property
    def is_read(self) -> bool:
        """Whether anything that the members' heads or the image path understand was there."""
        return self.is_watched or any(heard.part.chances is not None for heard in self.parts)


async def look(task: ReviewTask, reader: PartReader) -> Look:
    """Read a task's content. Raises what the text model raises."""
    match task.content:
        case TextContent(text):
            part = await reader.read(text, task.policy, _subject(task))
            return Look((Heard(part),), (), merged([part.outcomes]))
        case ConversationContent(turns):
            return await _conversation(task, turns, reader)
        case ImageEvidence() as image:
            return await _picture(task, image, image.text, reader)
        case VideoEvidence() as video:
            texts = (video.transcript, *(frame.image.text for frame in video.frames))
            lines = dict.fromkeys(line for text in texts for line in text.splitlines())
            return await _picture(task, video, "\n".join(filter(None, lines)), reader)


def _subject(task: ReviewTask) -> Subject | None:
    if task.kind is not ContentKind.COMMENT or not task.context.strip():
        return None
    return Subject(opening(task.context), is_judged=False)


async def _conversation(task: ReviewTask, turns: Sequence[Turn], reader: PartReader) -> Look:
    texts = [turn.text for turn in turns]
    # What an operator tells a model is nothing that anybody answers to.
    heard = ["" if turn.role.lower() in OPERATORS else turn.text for turn in turns]
    first_read = _first_read(texts)

    async def read(place: int) -> Heard:
        said_before = before(heard, place)
        part = await reader.read(
            texts[place],
            task.policy,
            Subject(said_before, is_judged=True) if said_before else None,
            by_model=place >= first_read,
        )
        return Heard(part, place, turns[place].role)

    parts = await _all(read, range(len(turns)))
    return Look(tuple(parts), (), merged([heard.part.outcomes for heard in parts]))


def _first_read(texts: Sequence[str]) -> int:
    """Return the first turn that there is room for; the last one always has room."""
    room = MOST_CHARACTERS
    for place in range(len(texts) - 1, -1, -1):
        room -= len(texts[place])
        if room < 0:
            return min(place + 1, len(texts) - 1)
    return 0


async def _picture(
    task: ReviewTask, evidence: ImageEvidence | VideoEvidence, words: str, reader: PartReader
) -> Look:
    """Return a look at what was learnt of a picture, and at the words in it through the heads."""
    found = tuple(dict.fromkeys(Evidence(entry) for entry in evidence.findings))
    is_watched = any(
        entry.missed_as is None and entry.card.categories for entry in evidence.outcomes
    )
    if not words.strip():
        return Look((), found, merged([evidence.outcomes]), is_watched)
    part = await reader.read(words, task.policy)
    told = {entry.card.name for entry in evidence.outcomes if entry.missed_as is None}
    told |= {finding.classifier for finding in evidence.findings}
    heard = Heard(part.without(told))  # what is told of the picture has its place in it
    is_read = part.chances is not None or len(words) < SUBSTANTIAL_CHARACTERS
    outcomes = merged([evidence.outcomes, part.outcomes])
    return Look((heard,), found, outcomes, is_watched and is_read)


def merged(outcomes: Iterable[Sequence[ClassifierOutcome]]) -> tuple[ClassifierOutcome, ...]:
    """Return each classifier's outcome over several texts: as it did worst, and all its seconds."""
    tally = OutcomeTally("texts")
    for of_one in outcomes:
        tally.add(of_one)
    return tally.merged()


async def _all(work: Callable[[int], Awaitable[Heard]], places: Sequence[int]) -> list[Heard]:
    """Do work for every place, ``TURNS_AT_ONCE`` at a time; the first failure ends the rest."""
    done: dict[int, Heard] = {}
    todo = iter(places)

    async def worker() -> None:
        for place in todo:
            done[place] = await work(place)

    workers = [asyncio.ensure_future(worker()) for _ in range(min(TURNS_AT_ONCE, len(places)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for entry in workers:
            entry.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [done[place] for place in places]


@dataclass(slots=True)
class _Flight:
    work: "asyncio.Task[Look]"
    waiting: int = 0


class SharedLooks:
    """Takes one look for all who ask about the same task, while the task lives.

    A look ends early when nobody waits for it any more; the next to ask begins another.
    """

    def __init__(self, take: Callable[[ReviewTask], Awaitable[Look]]) -> None:
        self._take = take
        self._flights: WeakKeyDictionary[ReviewTask, _Flight] = WeakKeyDictionary()

    async def of(self, task: ReviewTask) -> Look:
        """Return the look at a task; raises what taking it raises, to everyone who waits."""
        flight = self._flights.get(task)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._taken(task)))
            self._flights[task] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.work)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.work.done():
                flight.work.cancel()
                if self._flights.get(task) is flight:
                    del self._flights[task]

    async def _taken(self, task: ReviewTask) -> Look:
        return await self._take(task)

    def __len__(self) -> int:
        """Return how many tasks are remembered."""
        return len(self._flights)
