"""Answers ``gavel.v1.UploadService``: has what was signed for decided on, and nothing else."""

from gavel.v1.content_service_pb2 import SubmitContentResponse
from gavel.v1.upload_service_pb2 import SubmitUploadRequest, SubmitUploadResponse

from gaveld.application.submit_content import SubmitContent
from gaveld.domain.errors import ErrorReason, FailedPrecondition
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.content import content_request_from_proto
from gaveld.transport.grpc.converters.operations import PREFIX
from gaveld.transport.grpc.converters.uploads import submission_from_upload


class UploadServicer:
    """Serves ``SubmitUpload``. The signature is proven before: the caller's key is the signer's."""

    def __init__(self, submit: SubmitContent) -> None:
        self._submit = submit

    async def SubmitUpload(self, request: SubmitUploadRequest, _: Context) -> SubmitUploadResponse:
        """Decide on one upload."""
        call = current_call()
        if call.key is None:
            raise FailedPrecondition(
                ErrorReason.FEATURE_DISABLED,
                "Uploads are signed by API keys, and this server has none: set auth.enabled.",
                metadata={"setting": "auth.enabled"},
            )
        asked = content_request_from_proto(submission_from_upload(request), call.project)
        job = await self._submit.now(asked, deadline_seconds=call.seconds_left())
        return SubmitUploadResponse(
            content=SubmitContentResponse.FromString(job.answer), name=f"{PREFIX}{job.id}"
        )
