"""Puts together what reviews pictures and videos, from the parts that look at them."""

from gaveld.adapters.antivirus.classifier import ABSENT_ANTIVIRUS
from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.ports import (
    Classifier,
    FrameEncoder,
    TextReader,
    Transcriber,
    VideoDecoder,
)
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.review_image import ReviewImage
from gaveld.application.review_video import ReviewVideo
from gaveld.application.scan_file import ScanFile
from gaveld.application.video_in_progress import VideoTools
from gaveld.application.video_words import ReadWords
from gaveld.bootstrap.pictures import PicturePath
from gaveld.domain.media import MediaFile
from gaveld.transport.grpc.media_review_servicer import MediaReviews


def build_media_reviews(
    *,
    decoder: VideoDecoder,
    max_work_seconds: float,
    picture_path: PicturePath,
    encoder: FrameEncoder,
    reader: TextReader,
    spoken: frozenset[str],
    review_compliance: ReviewCompliance,
    antivirus: Classifier[MediaFile] | None,
    transcriber: Transcriber | None,
) -> MediaReviews:
    """Put the use cases together.

    ``decoder`` decodes videos. ``spoken`` are the categories that are looked for in speech.
    """
    scan_file = ScanFile(antivirus, () if antivirus is not None else (ABSENT_ANTIVIRUS,))
    moderate_video = ModerateVideo(
        review_compliance,
        VideoTools(picture_path.look_at_frames, ReadWords(reader, transcriber, spoken), encoder),
        decoder=decoder,
        image_decoder=picture_path.decoder,
        max_work_seconds=max_work_seconds,
    )
    return MediaReviews(
        review_image=ReviewImage(
            review_compliance,
            fetcher=picture_path.fetcher,
            decoder=picture_path.decoder,
            look_at_picture=picture_path.look_at_picture,
            scan_file=scan_file,
            encoder=encoder,
            places=picture_path.places,
        ),
        review_video=ReviewVideo(moderate_video, fetcher=picture_path.fetcher, scan_file=scan_file),
        moderate_video=moderate_video,
    )
