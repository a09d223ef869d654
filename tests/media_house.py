"""What reviews pictures and videos, put together as bootstrap does, from real and fake parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.adapters.image.jpeg import JpegFrameEncoder
from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.ports import Classifier, MediaFetcher, Transcriber
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.review_image import ReviewImage
from gaveld.application.review_video import ReviewVideo
from gaveld.application.scan_file import ScanFile
from gaveld.application.video_in_progress import VideoTools
from gaveld.application.video_words import ReadWords
from gaveld.domain.media import MediaFile
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.transport.grpc.media_review_servicer import MediaReviews
from tests.fakes.text_reader import LEXICON, FakeTextReader
from tests.fetch_target import fetching
from tests.picture_house import PictureParts

POLICY = Policy(
    "media@1",
    {"A1": CategoryRule(0.4, 0.6, required=True), "H1": CategoryRule(0.4, 0.8)},
)
"""Red pictures block, and so does a listed word."""

WORDS = {"kill": (LEXICON, "H1", 0.9)}
SPOKEN = frozenset({"H1", "H2", "L1"})


@dataclass
class MediaParts:
    """What a house is made of. Files are really decoded; red is found, and the word "kill"."""

    pictures: PictureParts = field(
        default_factory=lambda: PictureParts(reader=FakeTextReader(WORDS))
    )
    transcriber: Transcriber | None = None
    antivirus: Classifier[MediaFile] | None = None
    max_work_seconds: float = 30.0
    decoder: ProcessVideoDecoder = field(default_factory=lambda: ProcessVideoDecoder(workers=1))

    @asynccontextmanager
    async def reviews(
        self, review_compliance: ReviewCompliance, fetcher: MediaFetcher | None = None
    ) -> AsyncIterator[MediaReviews]:
        """Return the use cases, and free what they hold."""
        images, encoder = ProcessImageDecoder(workers=1), JpegFrameEncoder()
        parts = self.pictures
        look = LookAtPicture(parts.detectors, parts.reader, parts.telemetry)
        words = ReadWords(parts.reader, self.transcriber, SPOKEN)
        videos = ModerateVideo(
            review_compliance,
            VideoTools(look, words, encoder),
            decoder=self.decoder,
            image_decoder=images,
            max_work_seconds=self.max_work_seconds,
        )
        scan_file = ScanFile(self.antivirus)
        try:
            async with fetching() as plain:
                yield MediaReviews(
                    ReviewImage(
                        review_compliance,
                        fetcher=fetcher or plain,
                        decoder=images,
                        look_at_picture=look,
                        scan_file=scan_file,
                        encoder=encoder,
                        places=PicturePlaces(*parts.places, parts.telemetry),
                    ),
                    ReviewVideo(videos, fetcher=fetcher or plain, scan_file=scan_file),
                    videos,
                )
        finally:
            images.close()
            self.decoder.close()
            encoder.close()
