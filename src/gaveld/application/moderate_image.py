"""Moderates one picture or animation: gets it, scans, decodes, has it looked at, and judges."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from gaveld.application.apply_rules import ApplyRules
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.ports import (
    ImageDecoder,
    MediaFetcher,
    PolicyStore,
    Telemetry,
    VerdictCache,
)
from gaveld.application.scan_file import ScanFile
from gaveld.application.stopwatch import StageTiming, Stopwatch
from gaveld.application.telling import tell_verdict
from gaveld.domain.actions import Action
from gaveld.domain.content import DetectedLanguage, is_unexpected
from gaveld.domain.errors import DeadlineExceeded, ErrorReason
from gaveld.domain.image_signals import (
    HashMatch,
    ImageCode,
    ImageFinding,
    ImageScores,
    ImageText,
    SeenPicture,
    worst_frame,
)
from gaveld.domain.media import (
    MediaFacts,
    MediaFile,
    MediaKind,
    MediaReference,
    MediaRefused,
)
from gaveld.domain.media_formats import MediaFamily
from gaveld.domain.policies import Policy, PolicyOverrides
from gaveld.domain.rule_facts import FactsOfPart
from gaveld.domain.rules import CallFacts, RuleOutcome
from gaveld.domain.signals import (
    Attribute,
    ClassifierOutcome,
    OutcomeStatus,
    Signals,
    Topic,
)
from gaveld.domain.verdicts import Verdict, is_settled, judge

PICTURES: Final = frozenset({MediaFamily.PICTURE})

_PASSING: Final = (OutcomeStatus.TIMED_OUT, OutcomeStatus.FAILED)
"""What may be otherwise the next time, and so is not remembered."""

_UNJUDGED: Final = "The file could not be judged."
_MALWARE: Final = "The file was blocked before it was decoded."


@dataclass(frozen=True, slots=True)
class ImageSubmission:
    """A picture to judge: where it is, and terms to block in what is written in it.

    ``field_path`` names it in refusals, such as ``images[2]``.
    """

    reference: MediaReference
    blocked_terms: tuple[str, ...] = ()
    field_path: str = "media"


@dataclass(frozen=True, slots=True)
class ImageJudgement:
    """Everything that is known of a picture once it was judged.

    ``facts`` are None for a file that was blocked before it was decoded. ``frame_seconds`` are when
    frames are shown, by their index. ``image_scores`` are the classes of the picture, None if it
    was not scored; of an animation those of its worst frame. ``worst_index`` names that: the frame
    that decided, or else the likeliest to be pornography; None for a still picture.
    ``language_is_unexpected``: the words in it are in a language, and in none of the expected.
    ``was_read``: all words in it were looked for, so that there are no others than ``texts``.
    ``is_cached``: it was looked at by an earlier call, and only scanned and judged by this one.
    ``rule_outcomes`` are in the policy's order; what they raised is in the verdict.
    """

    verdict: Verdict
    outcomes: tuple[ClassifierOutcome, ...]
    sha256: str
    timings: tuple[StageTiming, ...]
    facts: MediaFacts | None = None
    frame_seconds: Mapping[int, float] = field(default_factory=dict)
    image_scores: ImageScores | None = None
    worst_index: int | None = None
    texts: tuple[ImageText, ...] = ()
    codes: tuple[ImageCode, ...] = ()
    hash_matches: tuple[HashMatch, ...] = ()
    attributes: Mapping[Attribute, float] = field(default_factory=dict)
    language: DetectedLanguage | None = None
    language_is_unexpected: bool = False
    topics: tuple[Topic, ...] = ()
    description: str = field(default="", repr=False)
    was_read: bool = False
    is_cached: bool = False
    rule_outcomes: tuple[RuleOutcome, ...] = ()

    @property
    def rule_facts(self) -> FactsOfPart:
        """What a policy's rules may ask of it."""
        return FactsOfPart(
            self.attributes,
            self.image_scores or {},
            self.language,
            read_text="\n".join(line.text for line in self.texts) if self.was_read else None,
        )


class ModerateImage:
    """The use case behind ``ModerateImage`` and each picture of ``Check``.

    ``places`` bound what is decoded and looked at together.

    With a ``cache``, a picture that was seen before is not looked at again, unless words of it
    would have to be kept for that. What is kept are its signals; thresholds are applied anew.

    ``apply_rules`` is for calls that say something of their content; without it there are no rules.
    """

    def __init__(
        self,
        *,
        fetcher: MediaFetcher,
        decoder: ImageDecoder,
        look: LookAtPicture,
        scan_file: ScanFile,
        places: PicturePlaces,
        policies: PolicyStore,
        telemetry: Telemetry,
        cache: VerdictCache[SeenPicture] | None = None,
        apply_rules: ApplyRules | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._decoder = decoder
        self._look = look
        self._places = places
        self._policies = policies
        self._telemetry = telemetry
        self._scan_file = scan_file
        self._cache = cache
        self._apply_rules = apply_rules

    async def __call__(
        self,
        submission: ImageSubmission,
        *,
        project: str,
        overrides: PolicyOverrides,
        deadline_seconds: float,
        explain: bool = False,
        said: CallFacts | None = None,
        own: Policy | None = None,
    ) -> ImageJudgement:
        """Judge one picture within ``deadline_seconds`` from now.

        A detector that fails or is late costs coverage, never the call. ``explain`` has everything
        asked even where the verdict is settled before; so have rules, which may ask for anything.
        ``said`` is what the call says of the picture for the policy's rules; without it none is
        run. ``own`` is the project's policy where the picture is a piece of more that it judges;
        else the one in force. A file blocked as malware is never decoded. Raises ``InvalidRequest``
        and ``FailedPrecondition`` for a file that is refused or can't be fetched,
        ``ResourceExhausted`` when too much is going on, and ``DeadlineExceeded`` when the time was
        up before anything could be asked.
        """
        due = time.monotonic() + deadline_seconds
        clock = Stopwatch(self._telemetry)
        if own is None:
            own = await self._policies.current(project)
        policy = own.with_overrides(overrides)
        rules = None if said is None else self._apply_rules
        if rules is not None and said is not None:
            said = rules.fitted(policy, said)
            explain = explain or bool(policy.rules)
        judgement = await self._judged(submission, own, policy, due, clock, explain=explain)
        if rules is not None and said is not None and policy.rules:
            verdict, outcomes = await rules(
                policy,
                judgement.verdict,
                judgement.outcomes,
                judgement.rule_facts,
                said,
                project=project,
            )
            clock.lap("rules")
            judgement = replace(
                judgement, verdict=verdict, rule_outcomes=outcomes, timings=clock.laps()
            )
        tell_verdict(self._telemetry, judgement.verdict)
        return judgement

    async def _judged(
        self,
        submission: ImageSubmission,
        own: Policy,
        policy: Policy,
        due: float,
        clock: Stopwatch,
        *,
        explain: bool,
    ) -> ImageJudgement:
        """Return what thresholds alone make of a picture. ``policy`` is ``own`` with overrides."""
        async with self._in_time(due), self._refusals(submission.field_path):
            file = await self._fetcher.fetch(submission.reference, PICTURES, policy.fetch_hosts)
        clock.lap("fetch")
        scan = await self._scan(file, due, clock)
        if _blocks(scan, policy):
            return self._undecoded(file, scan, policy, clock)

        key = self._key(file, own, submission)
        seen = await self._recall(key, policy, clock, explain=explain)
        is_cached = seen is not None
        if seen is None:
            seen = await self._see(file, submission, policy, due, clock, until_settled=not explain)
            await self._keep(key, seen)
        learnt = seen.signals.signals
        verdict = judge(
            Signals((*scan.findings, *learnt.findings), (*scan.outcomes, *learnt.outcomes)), policy
        )
        clock.lap("judge")
        facts = seen.facts
        self._telemetry.picture_judged(
            facts.kind, facts.judged_frame_count, is_partial=facts.is_partial
        )
        judgement = _judgement(verdict, seen, scan, policy, clock.laps(), is_cached=is_cached)
        return replace(judgement, was_read=self._look.has_read(learnt.outcomes))

    def unjudged(self, policy: Policy) -> tuple[Verdict, tuple[ClassifierOutcome, ...]]:
        """Return the verdict on a picture that could not be judged, and why nobody looked at it."""
        outcomes = (*self._scan_file.not_asked(_UNJUDGED), *self._look.not_asked(_UNJUDGED))
        return judge(Signals((), outcomes), policy), outcomes

    async def _scan(self, file: MediaFile, due: float, clock: Stopwatch) -> Signals:
        """Return what the antivirus says of a file."""
        scan = await self._scan_file(file, deadline_seconds=due - time.monotonic())
        if self._scan_file.is_set_up:
            for outcome in scan.outcomes:
                self._telemetry.classifier_finished(outcome.card, outcome.status, outcome.seconds)
            clock.lap("antivirus")
        return scan

    async def _see(
        self,
        file: MediaFile,
        submission: ImageSubmission,
        policy: Policy,
        due: float,
        clock: Stopwatch,
        *,
        until_settled: bool,
    ) -> SeenPicture:
        """Decode a file and have it looked at, once there is a place for it."""
        async with self._places.taken():
            clock.lap("wait")
            async with self._in_time(due), self._refusals(submission.field_path):
                picture = await self._decoder.decode(file)
            clock.lap("decode")
            signals = await self._look(
                picture,
                policy,
                deadline_seconds=due - time.monotonic(),
                until_settled=until_settled,
                blocked_terms=submission.blocked_terms,
                clock=clock,
            )
        times = {frame.index: frame.start_seconds for frame in picture.frames}
        return SeenPicture(signals, picture.facts, times)

    def _undecoded(
        self, file: MediaFile, scan: Signals, policy: Policy, clock: Stopwatch
    ) -> ImageJudgement:
        """Return the judgement of a file that is malware."""
        outcomes = (*scan.outcomes, *self._look.not_asked(_MALWARE))
        verdict = judge(replace(scan, outcomes=outcomes), policy)
        clock.lap("judge")
        return ImageJudgement(verdict, outcomes, file.sha256, clock.laps())

    def _key(self, file: MediaFile, policy: Policy, submission: ImageSubmission) -> bytes:
        # As for texts: what a call overrides is left out, for no detector reads it.
        models = self._look.models
        facts = (file.sha256, policy.revision, models, submission.blocked_terms)
        return hashlib.sha256(repr(facts).encode()).digest()

    async def _recall(
        self, key: bytes, policy: Policy, clock: Stopwatch, *, explain: bool
    ) -> SeenPicture | None:
        if self._cache is None:
            return None
        seen = await self._cache.find(key)
        if seen is not None and seen.signals.is_cut_short:
            # It was enough for another call's thresholds, and maybe not for this one's.
            still_enough = not explain and is_settled(seen.signals.signals, policy)
            seen = seen if still_enough else None
        clock.lap("cache")
        self._telemetry.cache_asked(found=seen is not None)
        return seen

    async def _keep(self, key: bytes, seen: SeenPicture) -> None:
        outcomes = seen.signals.signals.outcomes
        if self._cache is None or seen.quotes or any(e.status in _PASSING for e in outcomes):
            return
        await self._cache.keep(key, seen)

    @asynccontextmanager
    async def _refusals(self, field_path: str) -> AsyncIterator[None]:
        """Tell the caller of a file that is refused which of its fields that was."""
        try:
            yield
        except MediaRefused as refused:
            self._telemetry.media_refused(refused.refusal)
            raise refused.as_error(field_path) from refused

    @staticmethod
    @asynccontextmanager
    async def _in_time(due: float) -> AsyncIterator[None]:
        seconds = due - time.monotonic()
        if seconds <= 0:
            raise _too_late()
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise _too_late() from None


def _judgement(
    verdict: Verdict,
    seen: SeenPicture,
    scan: Signals,
    policy: Policy,
    timings: tuple[StageTiming, ...],
    *,
    is_cached: bool,
) -> ImageJudgement:
    signals, facts = seen.signals, seen.facts
    worst = worst_frame(signals.frame_scores)
    deciding = _deciding_frame(verdict)
    shown = deciding if deciding in signals.frame_scores else worst
    language = signals.language
    return ImageJudgement(
        verdict=verdict,
        outcomes=(*scan.outcomes, *signals.signals.outcomes),
        sha256=facts.sha256,
        timings=timings,
        facts=facts,
        frame_seconds=seen.frame_seconds,
        image_scores=None if shown is None else signals.frame_scores[shown],
        worst_index=(worst if deciding is None else deciding)
        if facts.kind is MediaKind.ANIMATION
        else None,
        texts=signals.texts,
        codes=signals.codes,
        hash_matches=signals.hash_matches,
        attributes=signals.signals.attributes,
        language=language,
        language_is_unexpected=language is not None and is_unexpected(language, policy),
        topics=signals.signals.topics,
        description=signals.description,
        is_cached=is_cached,
    )


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        ErrorReason.DEADLINE_EXCEEDED,
        "The deadline passed before the picture could be looked at.",
    )


def _deciding_frame(verdict: Verdict) -> int | None:
    """Return the frame of the strictest finding; None where no finding asks for anything."""
    return next(
        (
            entry.finding.frame_index
            for entry in verdict.findings
            if isinstance(entry.finding, ImageFinding) and entry.action is not Action.ALLOW
        ),
        None,
    )


def _blocks(scan: Signals, policy: Policy) -> bool:
    return any(
        policy.rule(finding.category_id).action(finding.score) is Action.BLOCK
        for finding in scan.findings
    )
