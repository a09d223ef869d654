"""One video while it comes: what is remembered of it, and what its frames and words come to.

What is remembered is bounded: stretches of findings, a few frames and lines, and sums.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, Protocol, Self

from gaveld.application.in_time import named
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.panels import Panel, Review
from gaveld.application.pieces import all_of
from gaveld.application.ports import FrameEncoder
from gaveld.application.running_review import action_of
from gaveld.application.sitting import Place
from gaveld.application.video_inbox import VideoInbox
from gaveld.application.video_keepsakes import Album, Transcript
from gaveld.application.video_words import ReadWords, Words
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.errors import Unavailable
from gaveld.domain.image_signals import ImageClass, ImageScores, PictureSignals
from gaveld.domain.media import MediaFacts, Picture
from gaveld.domain.outcomes import OutcomeTally, with_rest
from gaveld.domain.policies import CategoryChange, Policy, PolicyOverrides
from gaveld.domain.reviews import Decision, VideoEvidence
from gaveld.domain.signals import ClassifierOutcome, Finding, Signals
from gaveld.domain.verdicts import JudgedFinding, Verdict, judge_weighed
from gaveld.domain.video_findings import FindingStretches, VideoFinding
from gaveld.domain.videos import SampledFrame, Sound, Subtitle, VideoEvent
from gaveld.domain.weighing import weigh

UNSEEN: Final = "video"
"""The name of the card for what of a video was not judged at all."""

TOLD_EVERY_SECONDS: Final = 0.5
"""While nothing can be decoded yet, that is told so often, if anything came."""

_MORE_EVIDENCE: Final = 4
"""A panel that was not convinced is asked again once so many times as much was found."""


class NothingJudged(Exception):  # noqa: N818 - the state, as the domain's errors are named
    """It ended before anything of the video was judged, which is never safe."""


class VideoSource(Protocol):
    """Where frames, subtitles and sound come from; see ``VideoReading``."""

    async def __aenter__(self) -> Self:
        """Begin."""
        ...

    async def __aexit__(self, *failure: object) -> None:
        """End."""
        ...

    def events(self) -> AsyncIterator[VideoEvent]:
        """Yield what there is, to the end."""
        ...

    @property
    def is_waiting_for_index(self) -> bool:
        """Whether nothing can be decoded before all of the file is there."""
        ...

    @property
    def facts(self) -> MediaFacts | None:
        """What is known so far."""
        ...


@dataclass(frozen=True, slots=True)
class VideoTools:
    """What looks at frames, reads words, and makes frames into files for reviewers."""

    look_at_picture: LookAtPicture
    read_words: ReadWords
    encoder: FrameEncoder


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far the judgement is. ``judged_seconds`` is from the video's beginning."""

    judged_seconds: float
    received_bytes: int
    judged_frame_count: int
    is_waiting_for_index: bool


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What a video came to.

    ``is_settled``: the rest could not have changed the decision, and was not judged.
    """

    review: Review
    action: Action
    facts: MediaFacts
    is_settled: bool


@dataclass(frozen=True, slots=True)
class VideoJudgement:
    """What the policy alone says of as much of a video as was judged.

    ``image_scores`` are the highest of each class in any frame, empty if none was scored. ``words``
    are what is written, subtitled and said in it, as far as they are kept.
    """

    verdict: Verdict
    outcomes: tuple[ClassifierOutcome, ...]
    facts: MediaFacts
    image_scores: ImageScores
    words: str = field(repr=False)


VideoNews = VideoProgress | JudgedFinding
"""What is told on the way; findings are ``VideoFinding``s."""


class VideoInProgress:
    """What all sources have in common. Use it as a context: leaving it frees the source.

    ``ask`` has the panel review evidence. ``place`` grants a place for each piece of work, which
    may take ``seconds_left()``. ``field`` names, in refusals, what the caller sent. ``is_deaf``:
    there may be sound that nobody hears.
    """

    def __init__(
        self,
        source: VideoSource,
        tools: VideoTools,
        panel: Panel,
        ask: Callable[[VideoEvidence, float], Awaitable[Review]],
        *,
        field: str,
        place: Place,
        seconds_left: Callable[[], float],
        stops_when_settled: bool,
        is_deaf: bool = False,
    ) -> None:
        self._source = source
        self._tools = tools
        self._panel = panel
        self._ask = ask
        self._field = field
        self._place = place
        self._seconds_left = seconds_left
        self._stops_when_settled = stops_when_settled
        self._in_force = frozenset(rule.id for rule in panel.counting.rules)
        self._policy = _silenced(panel.policy, frozenset(CATALOGUE) - self._in_force)
        self._inbox = VideoInbox()
        self._filling: asyncio.Task[None] | None = None
        self._stretches = FindingStretches(self._policy)
        self._tally = OutcomeTally("looks")
        if is_deaf:
            self._tally.add([tools.read_words.unheard()])
        self._image_scores: dict[ImageClass, float] = {}
        self._album = Album(tools.encoder)
        self._transcript = Transcript()
        self._further: tuple[Finding, ...] = ()
        self._received_bytes = self._told_bytes = 0
        self._has_judged = False
        self._judged_seconds = 0.0
        self._frame_count = 0
        self._blocked, self._next_asking = 0, 1
        self._settled: Review | None = None

    async def __aenter__(self) -> Self:
        """Begin to decode."""
        await self._source.__aenter__()
        self._filling = asyncio.create_task(self._inbox.fill(self._source.events()))
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Stop, and free everything."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait([self._filling])
        await self._source.__aexit__(*failure)

    @property
    def has_judged(self) -> bool:
        """Whether anything was looked at or read."""
        return self._has_judged and self._source.facts is not None

    def note(self, signals: Signals) -> None:
        """Take what is known of the file as a whole, such as what an antivirus says of it."""
        self._tally.add(signals.outcomes)
        self._further += tuple(self._counting(signals.findings))

    async def news(self) -> AsyncGenerator[VideoNews, None]:
        """Judge what comes, to the end or until it is settled; see ``take`` and ``judge``."""
        while (events := await self.take()) is not None:
            for news in await self.judge(events):
                yield news

    async def take(self) -> Sequence[VideoEvent] | None:
        """Return what is to be judged next; None if there is no more, or the decision is settled.

        It is nothing where bytes came that can't be decoded yet. Raises ``InvalidRequest`` for what
        can't be decoded at all, and what ``fail`` was given.
        """
        while self._settled is None:
            try:
                async with asyncio.timeout(TOLD_EVERY_SECONDS) as patience:
                    with named(self._field):
                        return await self._inbox.take()
            except TimeoutError:
                if not patience.expired():
                    raise
            if self._source.is_waiting_for_index and self._told_bytes < self._received_bytes:
                self._told_bytes = self._received_bytes
                return ()
        return None

    async def judge(self, events: Sequence[VideoEvent]) -> list[VideoNews]:
        """Judge what was taken, and return what was found and how far that is.

        A finding is told when it begins: its end is that of the first frame or line that has it.
        """
        news: list[VideoNews] = [*(await self._judged(events))] if events else []
        news.append(
            VideoProgress(
                self._judged_seconds,
                self._received_bytes,
                self._frame_count,
                self._source.is_waiting_for_index,
            )
        )
        if events:
            await self._settle()
        return news

    async def fail(self, failure: Exception) -> None:
        """Have ``take`` raise this at once, for nothing more will come."""
        await self._inbox.fail(failure)

    async def conclude(self) -> VideoSummary:
        """Have the panel review what was judged, all of it or not, and say what it comes to.

        Raises ``NothingJudged``, and what ``ReviewCompliance.review`` raises.
        """
        if not self.has_judged:
            raise NothingJudged
        review = self._settled or await self._reviewed()
        judged = self.judgement()
        return VideoSummary(
            review,
            max(judged.verdict.action, action_of(review, self._panel.policy)),
            judged.facts,
            is_settled=self._settled is not None,
        )

    def judgement(self) -> VideoJudgement:
        """Return what the policy says of what was judged, all of it or not, without a panel.

        Raises ``NothingJudged``.
        """
        if not self.has_judged:
            raise NothingJudged
        outcomes = self._outcomes()
        return VideoJudgement(
            judge_weighed(self._findings(), outcomes, self._policy),
            outcomes,
            self._facts(),
            self._image_scores,
            self._transcript.text(),
        )

    def _received(self, byte_count: int) -> None:
        self._received_bytes += byte_count

    async def _judged(self, events: Sequence[VideoEvent]) -> list[JudgedFinding]:
        """Judge what was taken, and return what begins in it and asks for anything."""
        frames = [entry for entry in events if isinstance(entry, SampledFrame)]
        subtitles = [entry for entry in events if isinstance(entry, Subtitle)]
        sounds = [entry for entry in events if isinstance(entry, Sound)]
        async with self._place(sum(len(line.text) for line in subtitles)):
            words, *looks = await all_of(
                [
                    self._tools.read_words(
                        subtitles, sounds, self._policy, deadline_seconds=self._seconds_left()
                    ),
                    *map(self._look, frames),
                ]
            )
        self._has_judged = True
        begun: list[VideoFinding] = []
        for entry, seen in zip(frames, looks, strict=True):
            begun.extend(await self._keep_frame(entry, seen))
        begun.extend(self._keep_words(words))
        told = [
            JudgedFinding(entry, self._policy.rule(entry.category_id).action(entry.score))
            for entry in begun
        ]
        self._blocked += sum(entry.action is Action.BLOCK for entry in told)
        return [entry for entry in told if entry.action is not Action.ALLOW]

    async def _look(self, entry: SampledFrame) -> PictureSignals:
        facts = self._source.facts
        if facts is None:
            raise RuntimeError("a frame came before anything was known of its video")
        return await self._tools.look_at_picture(
            Picture(facts, (entry.frame,)),
            self._policy,
            deadline_seconds=self._seconds_left(),
            until_settled=self._stops_when_settled,
        )

    async def _keep_frame(self, entry: SampledFrame, seen: PictureSignals) -> list[VideoFinding]:
        frame, signals = entry.frame, seen.signals
        self._tally.add(signals.outcomes)
        for name, score in chain.from_iterable(e.items() for e in seen.frame_scores.values()):
            self._image_scores[name] = max(score, self._image_scores.get(name, 0.0))
        found = self._counting(weigh(signals))
        rank = max(
            ((self._policy.rule(f.category_id).action(f.score), f.score) for f in found),
            default=(Action.ALLOW, 0.0),
        )
        begun = self._stretches.see(frame.index, frame.start_seconds, found)
        for line in seen.texts:
            self._transcript.add(line.text, tells=rank[0] is not Action.ALLOW)
        written = [*(line.text for line in seen.texts), *(code.text for code in seen.codes)]
        await self._album.add(frame, "\n".join(written), seen.description, rank)
        self._frame_count += 1
        self._judged_seconds = max(self._judged_seconds, frame.start_seconds)
        return begun

    def _keep_words(self, words: Words) -> list[VideoFinding]:
        self._tally.add(words.outcomes)
        begun: list[VideoFinding] = []
        for entry in words.found:
            found = self._counting([entry.finding])
            begun.extend(self._stretches.hear(entry.start_seconds, entry.end_seconds, found))
        for line in words.lines:
            self._transcript.add(line.text, tells=words.tells(line))
            self._judged_seconds = max(self._judged_seconds, line.start_seconds)
        return begun

    def _counting(self, found: Sequence[Finding]) -> list[Finding]:
        return [entry for entry in found if entry.category_id in self._in_force]

    async def _settle(self) -> None:
        """Settle the decision if the panel is against what was judged: the rest can't change it."""
        if not self._stops_when_settled or self._blocked < self._next_asking:
            return
        self._next_asking = self._blocked * _MORE_EVIDENCE
        try:
            review = await self._reviewed()
        except Unavailable:  # at the end it may be otherwise
            return
        if review.decision is Decision.UNSAFE:
            self._settled = review

    async def _reviewed(self) -> Review:
        facts = self._facts()
        evidence = VideoEvidence(
            sha256=facts.sha256,
            seconds=facts.duration_seconds or self._judged_seconds,
            frames=self._album.frames(),
            transcript=self._transcript.text(),
            findings=self._findings(),
            outcomes=self._outcomes(),
        )
        async with self._place(len(evidence.transcript)):
            return await self._ask(evidence, self._seconds_left())

    def _facts(self) -> MediaFacts:
        facts = self._source.facts
        if facts is None:
            raise RuntimeError("nothing is known of the video")
        return replace(facts, judged_frame_count=self._frame_count)

    def _findings(self) -> tuple[Finding, ...]:
        facts = self._source.facts
        if facts is not None and self._inbox.is_over:
            self._stretches.last_until(facts.duration_seconds or 0.0)
        return (*self._further, *self._stretches.all())

    def _outcomes(self) -> tuple[ClassifierOutcome, ...]:
        return with_rest(self._tally.merged(), UNSEEN, self._unseen())

    def _unseen(self) -> str:
        if not self._inbox.is_over:
            return f"Only the first {self._judged_seconds:.1f} s were judged."
        facts = self._source.facts
        return "Not all of the file could be decoded." if facts and facts.is_partial else ""


def _silenced(policy: Policy, categories: frozenset[str]) -> Policy:
    return policy.with_overrides(
        PolicyOverrides({name: CategoryChange(enabled=False) for name in sorted(categories)})
    )
