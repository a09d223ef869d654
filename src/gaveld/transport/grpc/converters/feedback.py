"""From the wire's opinion of a text to the domain's."""

from datetime import UTC, datetime

from gavel.v1.feedback_service_pb2 import SubmitFeedbackRequest

from gaveld.domain.feedback import Feedback
from gaveld.domain.signals import Attribute
from gaveld.transport.grpc.converters.reviews import turn_from_proto
from gaveld.transport.grpc.converters.submissions import action_from_proto, check_category


def feedback_from_proto(
    request: SubmitFeedbackRequest, *, request_id: str, project: str
) -> Feedback:
    """Return the opinion, given now. Raises ``InvalidRequest`` (UNKNOWN_CATEGORY)."""
    for index, category_id in enumerate(request.category_ids):
        check_category(category_id, f"category_ids[{index}]")
    scores = request.attribute_scores
    return Feedback(
        id=request_id,
        project=project,
        text=request.text,
        given_at=datetime.now(UTC),
        attributes={
            attribute: getattr(scores, attribute.value)
            for attribute in Attribute
            if scores.HasField(attribute.value)
        },
        category_ids=tuple(dict.fromkeys(request.category_ids)),
        action=action_from_proto(request.action),
        languages=tuple(request.languages),
        community_id=request.community_id,
        description=request.context.description,
        parent_text=request.context.parent_text,
        turns=tuple(
            turn_from_proto(turn, f"context.turns[{index}]")
            for index, turn in enumerate(request.context.turns)
        ),
    )
