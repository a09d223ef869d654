"""Answers ``gavel.v1.FeedbackService``: converts an opinion and has it kept."""

from gavel.v1.feedback_service_pb2 import SubmitFeedbackRequest, SubmitFeedbackResponse

from gaveld.application.submit_feedback import SubmitFeedback
from gaveld.domain.errors import ErrorReason, FailedPrecondition
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.feedback import feedback_from_proto


class FeedbackServicer:
    """Serves ``SubmitFeedback``; None refuses it, for a server that keeps no feedback."""

    def __init__(self, submit_feedback: SubmitFeedback | None) -> None:
        self._submit_feedback = submit_feedback

    async def SubmitFeedback(
        self, request: SubmitFeedbackRequest, _: Context
    ) -> SubmitFeedbackResponse:
        """Keep one opinion of one text."""
        if self._submit_feedback is None:
            raise FailedPrecondition(
                ErrorReason.FEATURE_DISABLED,
                "This server keeps no feedback: set feedback.enabled.",
                metadata={"setting": "feedback.enabled"},
            )
        call = current_call()
        feedback = feedback_from_proto(request, request_id=call.request_id, project=call.project)
        await self._submit_feedback(feedback)
        return SubmitFeedbackResponse(client_token=request.client_token, request_id=call.request_id)
