"""Has a picture or an animation reviewed by a panel: gets it, has it looked at, shows it around."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gaveld.application.in_time import in_time, named
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.panels import Panel, Review, ReviewWishes
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.ports import FrameEncoder, ImageDecoder, MediaFetcher
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.scan_file import ScanFile
from gaveld.domain.errors import DeadlineExceeded, ErrorReason
from gaveld.domain.image_signals import ImageCode, ImageFinding, ImageText, PictureSignals
from gaveld.domain.media import (
    Frame,
    MediaFile,
    MediaKind,
    MediaReference,
    Picture,
)
from gaveld.domain.media_formats import MediaFamily
from gaveld.domain.outcomes import with_rest
from gaveld.domain.reviews import (
    ContentKind,
    FrameEvidence,
    ImageEvidence,
    VideoEvidence,
)
from gaveld.domain.signals import Finding, Signals
from gaveld.domain.weighing import weigh

PICTURES: Final = frozenset({MediaFamily.PICTURE})

LOOKING_SHARE: Final = 0.7
"""So much of a call's time may go before the panel is asked."""

MOST_FRAMES: Final = 16
"""So many frames of an animation are shown to reviewers, evenly spread."""

UNSEEN: Final = "picture"
"""The name of the card for what of a picture could not be decoded."""

_JPEG: Final = "image/jpeg"


@dataclass(frozen=True, slots=True)
class ImageReview:
    """What a panel says of a picture.

    ``frame_seconds`` are when an animation's frames are shown, by their index; a still picture has
    none.
    """

    review: Review
    frame_seconds: Mapping[int, float]


class ReviewImage:
    """The use case behind ``ReviewImage``. It costs its project what a review of a text does."""

    def __init__(
        self,
        review_compliance: ReviewCompliance,
        *,
        fetcher: MediaFetcher,
        decoder: ImageDecoder,
        look_at_picture: LookAtPicture,
        scan_file: ScanFile,
        encoder: FrameEncoder,
        places: PicturePlaces,
    ) -> None:
        self._review_compliance = review_compliance
        self._fetcher = fetcher
        self._decoder = decoder
        self._look_at_picture = look_at_picture
        self._scan_file = scan_file
        self._encoder = encoder
        self._places = places

    async def __call__(
        self,
        reference: MediaReference,
        wishes: ReviewWishes,
        *,
        project: str,
        deadline_seconds: float,
        field: str = "content",
    ) -> ImageReview:
        """Review one picture within ``deadline_seconds`` from now; ``field`` names it in refusals.

        Reviewers are given all that was found, also in the words that were read, and the picture
        as a JPEG; of an animation some frames. Raises what ``ReviewCompliance`` raises;
        ``InvalidRequest`` and ``FailedPrecondition`` for a file that is refused or can't be
        fetched, ``ResourceExhausted`` where too much is going on.
        """
        due = time.monotonic() + deadline_seconds
        panel = await self._review_compliance.convene(wishes, project=project)
        async with self._review_compliance.charged(panel):
            async with in_time(_share(due), _too_late()):
                hosts = panel.policy.fetch_hosts
                with named(field):
                    file = await self._fetcher.fetch(reference, PICTURES, hosts)
                    picture, evidence = await self._looked_at(file, panel, due)
            review = await self._review_compliance.review(
                panel,
                ContentKind.IMAGE,
                evidence,
                deadline_seconds=due - time.monotonic(),
                is_paid=True,
            )
        is_still = picture.facts.kind is MediaKind.IMAGE
        frames = () if is_still else picture.frames
        return ImageReview(review, {frame.index: frame.start_seconds for frame in frames})

    async def _looked_at(
        self, file: MediaFile, panel: Panel, due: float
    ) -> tuple[Picture, ImageEvidence | VideoEvidence]:
        async with self._places.taken():
            scan = await self._scan_file(file, deadline_seconds=_share(due))
            picture = await self._decoder.decode(file)
            # Reviewers vote on what there is; ``UNSEEN`` tells coverage of the rest.
            there = replace(picture, unread="")
            seen = await self._look_at_picture(
                there, panel.policy, deadline_seconds=_share(due), until_settled=False
            )
            return picture, await self._evidence(file.sha256, picture, scan, seen)

    async def _evidence(
        self, sha256: str, picture: Picture, scan: Signals, seen: PictureSignals
    ) -> ImageEvidence | VideoEvidence:
        findings = (*scan.findings, *weigh(seen.signals))
        outcomes = with_rest((*scan.outcomes, *seen.signals.outcomes), UNSEEN, picture.unread)
        if len(picture.frames) == 1:
            data = await self._encoder.encode(picture.frames[0])
            text = _text_of(seen)
            return ImageEvidence(
                data, _JPEG, sha256, text, seen.description, tuple(findings), outcomes
            )
        shown = _shown(picture.frames, findings)
        facts = picture.facts
        return VideoEvidence(
            sha256,
            facts.duration_seconds or 0.0,
            tuple([await self._frame(frame, seen) for frame in shown]),
            transcript=_text_of(seen),
            findings=tuple(findings),
            outcomes=outcomes,
            has_all_frames=facts.judged_frame_count == len(shown) and not picture.unread,
        )

    async def _frame(self, frame: Frame, seen: PictureSignals) -> FrameEvidence:
        data = await self._encoder.encode(frame)
        sha256 = hashlib.sha256(data).hexdigest()
        text = _text_of(seen, frame.index)
        return FrameEvidence(frame.start_seconds, ImageEvidence(data, _JPEG, sha256, text))


def _text_of(seen: PictureSignals, frame_index: int | None = None) -> str:
    """Return the words and codes of a picture, or of one frame, each line once."""
    lines: list[ImageText | ImageCode] = [*seen.texts, *seen.codes]
    return "\n".join(
        dict.fromkeys(
            line.text for line in lines if frame_index is None or line.frame_index == frame_index
        )
    )


def _shown(frames: Sequence[Frame], findings: Sequence[Finding]) -> list[Frame]:
    """Return up to ``MOST_FRAMES``: those with the strongest findings first, the rest evenly."""
    if len(frames) <= MOST_FRAMES:
        return list(frames)
    found = [entry for entry in findings if isinstance(entry, ImageFinding)]
    telling = dict.fromkeys(
        entry.frame_index for entry in sorted(found, key=lambda entry: -entry.score)
    )
    step = (len(frames) - 1) / (MOST_FRAMES - 1)
    spread = (frames[round(place * step)].index for place in range(MOST_FRAMES))
    chosen = list(dict.fromkeys([*list(telling)[: MOST_FRAMES // 2], *spread]))[:MOST_FRAMES]
    return [frame for frame in frames if frame.index in chosen]


def _share(due: float) -> float:
    return LOOKING_SHARE * (due - time.monotonic())


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        ErrorReason.DEADLINE_EXCEEDED,
        "The deadline passed before the picture was fetched, decoded and looked at.",
    )
