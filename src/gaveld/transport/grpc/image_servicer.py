"""Answers ``ModerateImage`` of ``gavel.v1.ModerationService``."""

from gavel.v1.moderation_service_pb2 import ModerateImageRequest, ModerateImageResponse

from gaveld.application.moderate_image import ModerateImage
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.images import (
    image_submission_from_proto,
    response_from_image,
)
from gaveld.transport.grpc.converters.rules import said_of_image
from gaveld.transport.grpc.converters.submissions import overrides_from_proto


class ImageServicer:
    """Serves ``ModerateImage``."""

    def __init__(self, moderate_image: ModerateImage) -> None:
        self._moderate_image = moderate_image

    async def ModerateImage(
        self, request: ModerateImageRequest, _: Context
    ) -> ModerateImageResponse:
        """Judge one picture or animation."""
        call = current_call()
        judgement = await self._moderate_image(
            image_submission_from_proto(request),
            project=call.project,
            overrides=overrides_from_proto(request),
            deadline_seconds=call.seconds_left(),
            explain=request.explain,
            said=said_of_image(request),
        )
        return response_from_image(judgement, request, call.request_id)
