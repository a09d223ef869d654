"""Answers ``ReviewImage`` and ``ReviewVideo`` of ``gavel.v1.ComplianceService``."""

from dataclasses import dataclass
from functools import partial

from gavel.v1.compliance_service_pb2 import (
    ReviewImageRequest,
    ReviewImageResponse,
    ReviewVideoRequest,
    ReviewVideoResponse,
)
from gavel.v1.review_pb2 import Review

from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.repeats import Repeats
from gaveld.application.review_image import ReviewImage
from gaveld.application.review_video import ReviewVideo
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.fields import media_from_proto
from gaveld.transport.grpc.converters.reviews import (
    review_to_proto,
    verbose_of,
    wishes_from_proto,
)
from gaveld.transport.grpc.once import reviewed_once


@dataclass(frozen=True, slots=True)
class MediaReviews:
    """The use cases that review pictures and videos."""

    review_image: ReviewImage
    review_video: ReviewVideo
    moderate_video: ModerateVideo


class MediaReviewServicer:
    """Serves the reviews of pictures and of videos that come at once."""

    def __init__(self, reviews: MediaReviews, repeats: Repeats) -> None:
        self._review_image = reviews.review_image
        self._review_video = reviews.review_video
        self._repeats = repeats

    async def ReviewImage(self, request: ReviewImageRequest, _: Context) -> ReviewImageResponse:
        """Review a picture or an animation."""
        review = await reviewed_once(self._repeats, request, partial(self._image, request))
        return ReviewImageResponse(review=review, request_id=current_call().request_id)

    async def ReviewVideo(self, request: ReviewVideoRequest, _: Context) -> ReviewVideoResponse:
        """Review a video that is fetched or short."""
        review = await reviewed_once(self._repeats, request, partial(self._video, request))
        return ReviewVideoResponse(review=review, request_id=current_call().request_id)

    async def _image(self, request: ReviewImageRequest) -> Review:
        call = current_call()
        answer = await self._review_image(
            media_from_proto(request.content),
            wishes_from_proto(request),
            project=call.project,
            deadline_seconds=call.seconds_left(),
        )
        times = answer.frame_seconds
        return review_to_proto(answer.review, None, verbose_of(request), times)

    async def _video(self, request: ReviewVideoRequest) -> Review:
        call = current_call()
        review = await self._review_video(
            media_from_proto(request.content),
            wishes_from_proto(request),
            project=call.project,
            deadline_seconds=call.seconds_left(),
        )
        return review_to_proto(review, None, verbose_of(request))
