"""Answers ``gavel.v1.ContentService``: converts, has it decided now or later, converts back."""

from gavel.v1.content_service_pb2 import SubmitContentRequest
from google.longrunning.operations_pb2 import Operation

from gaveld.application.submit_content import SubmitContent
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.content import content_request_from_proto
from gaveld.transport.grpc.converters.operations import operation_to_proto


class ContentServicer:
    """Serves ``SubmitContent``."""

    def __init__(self, submit_content: SubmitContent) -> None:
        self._submit_content = submit_content

    async def SubmitContent(self, request: SubmitContentRequest, _: Context) -> Operation:
        """Decide on content, or store it to be decided."""
        call = current_call()
        asked = content_request_from_proto(request, call.project)
        if request.sync:
            job = await self._submit_content.now(asked, deadline_seconds=call.seconds_left())
        else:
            job = await self._submit_content.later(asked)
        return operation_to_proto(job)
