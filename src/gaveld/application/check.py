"""Checks a mix of media: the text and each picture by itself, then all of them together."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from gaveld.application.moderate import ModerateText, TextJudgement
from gaveld.application.moderate_image import ImageJudgement, ImageSubmission, ModerateImage
from gaveld.application.pieces import Piece, PlacedFinding, all_of, piece, placed, together
from gaveld.application.ports import PolicyStore
from gaveld.application.stopwatch import StageTiming
from gaveld.domain.checks import (
    NOTHING_TO_CHECK,
    CheckPart,
    CheckStatus,
    part_of,
    picture_hits,
    text_hits,
)
from gaveld.domain.content import TextSubmission
from gaveld.domain.image_signals import explicitness
from gaveld.domain.media import MediaReference
from gaveld.domain.policies import CheckThresholds, Policy, PolicyOverrides
from gaveld.domain.signals import ClassifierOutcome
from gaveld.domain.verdicts import Verdict

PICTURES_AT_ONCE: Final = 2
"""How many pictures of one check are judged at once, so that it can't crowd out other calls."""

LINKS: Final = ("S2",)
BAD_WORDS: Final = ("L1", "L2")
MALWARE: Final = ("S3",)

_NO_OVERRIDES: Final = PolicyOverrides()


@dataclass(frozen=True, slots=True)
class CheckSubmission:
    """What to check together; at least one piece. ``thresholds`` change the policy's.

    Pictures and animations are judged alike: the bytes say what a file is, and not the list that it
    is in.
    """

    text: str = field(default="", repr=False)
    images: tuple[MediaReference, ...] = ()
    gifs: tuple[MediaReference, ...] = ()
    expected_language: str = ""
    thresholds: CheckThresholds = field(default_factory=CheckThresholds)


@dataclass(frozen=True, slots=True)
class PictureCheck(Piece[ImageJudgement]):
    """One picture's result, and whether it is a hit."""

    hit: bool = False

    @property
    def status(self) -> CheckStatus:
        """Whether it was judged."""
        return CheckStatus.ERROR if self.judgement is None else CheckStatus.OK


@dataclass(frozen=True, slots=True)
class CheckJudgement:
    """What was found in a mix of media. ``text`` is None if there was none.

    ``verdict`` is on all pieces together; ``findings`` are strictest action first, then by score.
    The worst indexes are places in ``images`` and ``gifs``, None where none was judged.
    """

    verdict: Verdict
    findings: tuple[PlacedFinding, ...]
    outcomes: tuple[ClassifierOutcome, ...]
    text: TextJudgement | None
    text_hit: bool
    expected_languages: tuple[str, ...]
    links: CheckPart
    badwords: CheckPart
    antivirus: CheckPart
    images: tuple[PictureCheck, ...]
    gifs: tuple[PictureCheck, ...]
    worst_image: int | None
    worst_gif: int | None
    hits: bool
    timings: tuple[StageTiming, ...]


class Check:
    """The use case behind ``Check``."""

    def __init__(
        self, moderate_text: ModerateText, moderate_image: ModerateImage, policies: PolicyStore
    ) -> None:
        self._moderate_text = moderate_text
        self._moderate_image = moderate_image
        self._policies = policies

    async def __call__(
        self,
        submission: CheckSubmission,
        *,
        project: str,
        deadline_seconds: float,
        explain: bool = False,
    ) -> CheckJudgement:
        """Check everything within ``deadline_seconds`` from now.

        A picture that can't be judged costs coverage and never the call. Raises ``InvalidRequest``
        for a text that can't be judged, and ``ResourceExhausted`` where there is no place for a
        picture, so that the whole is sent again.
        """
        due = time.monotonic() + deadline_seconds
        policy = await self._policies.current(project)
        thresholds = policy.check_thresholds.changed_by(submission.thresholds)
        turns = asyncio.Semaphore(PICTURES_AT_ONCE)

        async def picture(path: str, reference: MediaReference) -> PictureCheck:
            async with turns:
                entry = ImageSubmission(reference, field_path=path)
                return await self._picture(entry, project, policy, thresholds, due, explain=explain)

        references = [
            (f"{name}[{index}]", reference)
            for name, given in (("images", submission.images), ("gifs", submission.gifs))
            for index, reference in enumerate(given)
        ]
        text, *pictures = await all_of(
            [
                self._text(submission, project, policy, due),
                *(picture(*entry) for entry in references),
            ]
        )
        images = tuple(pictures[: len(submission.images)])
        gifs = tuple(pictures[len(submission.images) :])
        return _together(submission, policy, thresholds, text, images, gifs)

    async def _text(
        self, submission: CheckSubmission, project: str, policy: Policy, due: float
    ) -> TextJudgement | None:
        if not submission.text:
            return None
        return await self._moderate_text(
            TextSubmission(submission.text, submission.expected_language),
            project=project,
            overrides=_NO_OVERRIDES,
            deadline_seconds=due - time.monotonic(),
            own=policy,
        )

    async def _picture(
        self,
        submission: ImageSubmission,
        project: str,
        policy: Policy,
        thresholds: CheckThresholds,
        due: float,
        *,
        explain: bool,
    ) -> PictureCheck:
        seen = await piece(
            submission.field_path,
            self._moderate_image(
                submission,
                project=project,
                overrides=_NO_OVERRIDES,
                deadline_seconds=due - time.monotonic(),
                explain=explain,
                own=policy,
            ),
            partial(self._moderate_image.unjudged, policy),
        )
        scores = seen.judgement.image_scores if seen.judgement is not None else None
        hit = scores is not None and picture_hits(scores, thresholds)
        return PictureCheck(
            seen.path, seen.verdict, seen.outcomes, seen.judgement, seen.failure, hit
        )


def _together(
    submission: CheckSubmission,
    policy: Policy,
    thresholds: CheckThresholds,
    text: TextJudgement | None,
    images: tuple[PictureCheck, ...],
    gifs: tuple[PictureCheck, ...],
) -> CheckJudgement:
    pictures = (*images, *gifs)
    expected = (submission.expected_language,) if submission.expected_language else ()
    links = badwords = NOTHING_TO_CHECK
    text_hit = language_hit = False
    if text is not None:
        links, badwords = part_of(text.verdict, LINKS), part_of(text.verdict, BAD_WORDS)
        text_hit = text_hits(text.attributes, thresholds)
        language_hit = text.language_is_unexpected
    antivirus = _antivirus(pictures)
    verdict, outcomes = together(pictures if text is None else (text, *pictures))
    parts_hit = links.hit or badwords.hit or antivirus.hit or language_hit or text_hit
    return CheckJudgement(
        verdict=verdict,
        findings=placed(
            [
                *(() if text is None else [("text", text.verdict)]),
                *((entry.path, entry.verdict) for entry in pictures),
            ]
        ),
        outcomes=outcomes,
        text=text,
        text_hit=text_hit,
        expected_languages=expected or tuple(sorted(policy.expected_languages)),
        links=links,
        badwords=badwords,
        antivirus=antivirus,
        images=images,
        gifs=gifs,
        worst_image=_worst(images),
        worst_gif=_worst(gifs),
        hits=parts_hit or any(entry.hit for entry in pictures),
        timings=tuple(_timings(text, pictures)),
    )


def _antivirus(pictures: Sequence[PictureCheck]) -> CheckPart:
    """Return whether any file is malware; it is done where every file was scanned."""
    parts = [
        part_of(entry.verdict, MALWARE)
        if entry.judgement is not None
        else CheckPart(CheckStatus.ERROR, hit=False)
        for entry in pictures
    ]
    if any(part.hit for part in parts):
        return CheckPart(CheckStatus.OK, hit=True)
    for status in (CheckStatus.ERROR, CheckStatus.NOT_CHECKED):
        if any(part.status is status for part in parts):
            return CheckPart(status, hit=False)
    return CheckPart(CheckStatus.OK, hit=False) if parts else NOTHING_TO_CHECK


def _worst(pictures: Sequence[PictureCheck]) -> int | None:
    """Return the place of the worst of those that were judged, the first of several alike."""

    def badness(index: int) -> tuple[object, ...]:
        entry = pictures[index]
        scores = entry.judgement.image_scores if entry.judgement else None
        return entry.hit, entry.verdict.action, explicitness(scores or {})

    judged = [index for index, entry in enumerate(pictures) if entry.judgement is not None]
    return max(judged, key=badness, default=None)


def _timings(text: TextJudgement | None, pictures: Sequence[PictureCheck]) -> Iterator[StageTiming]:
    for timing in text.timings if text is not None else ():
        yield replace(timing, stage=f"text.{timing.stage}")
    for picture in pictures:
        for timing in picture.judgement.timings if picture.judgement else ():
            yield replace(timing, stage=f"{picture.path}.{timing.stage}")
