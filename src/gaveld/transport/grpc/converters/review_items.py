"""Between review items and the wire, and what their opaque halves say.

An item's payload is the ``SubmitContentRequest`` that it came by, its answer the
``SubmitContentResponse`` that it was judged with.
"""

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import grpc
from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse
from gavel.v1.review_queue_service_pb2 import (
    CreateReviewItemRequest,
    DecideReviewItemRequest,
    ReviewItemDecision,
    ReviewItemState,
)
from gavel.v1.review_queue_service_pb2 import ReviewItem as ReviewItemMessage
from gavel.v1.review_queue_service_pb2 import ReviewOpinion as ReviewOpinionMessage
from google.protobuf.timestamp_pb2 import Timestamp

from gaveld.application.review_queue import ItemName
from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.transport.grpc.converters.submissions import check_category
from gaveld.transport.grpc.errors import Refusal, RefusedError

STATES: Final = MappingProxyType(
    {
        ReviewState.PROCESSING: ReviewItemState.REVIEW_ITEM_STATE_PROCESSING,
        ReviewState.PENDING: ReviewItemState.REVIEW_ITEM_STATE_PENDING,
        ReviewState.ACCEPTED: ReviewItemState.REVIEW_ITEM_STATE_ACCEPTED,
        ReviewState.REJECTED: ReviewItemState.REVIEW_ITEM_STATE_REJECTED,
    }
)
DECISIONS: Final = MappingProxyType(
    {
        ReviewDecision.ACCEPT: ReviewItemDecision.REVIEW_ITEM_DECISION_ACCEPT,
        ReviewDecision.REJECT: ReviewItemDecision.REVIEW_ITEM_DECISION_REJECT,
        ReviewDecision.SECOND_OPINION: ReviewItemDecision.REVIEW_ITEM_DECISION_SECOND_OPINION,
    }
)

_STATES_BY_NUMBER: Final = {number: state for state, number in STATES.items()}
_DECISIONS_BY_NUMBER: Final = {number: decision for decision, number in DECISIONS.items()}
_PLACE: Final = re.compile(r"[0-9]{20}-[A-Za-z0-9_-]{1,64}")


def item_to_proto(item: ReviewItem, now: datetime) -> ReviewItemMessage:
    """Return the item as it stands now, as much of it as is kept."""
    message = listed_item_to_proto(item, now)
    message.MergeFrom(
        ReviewItemMessage(
            fields=SubmitContentRequest.FromString(item.payload).fields,
            field_results=SubmitContentResponse.FromString(item.answer).field_results,
        )
    )
    return message


def listed_item_to_proto(item: ReviewItem, now: datetime) -> ReviewItemMessage:
    """Return the item as lists show it, without its content and what was learnt field by field."""
    asked = SubmitContentRequest.FromString(item.payload)
    answer = SubmitContentResponse.FromString(item.answer)
    name = ItemName(item.project, item.queue, item.id)
    message = ReviewItemMessage(
        name=name.resource,
        state=STATES[item.state],
        content_id=item.content_id,
        actor_id=item.actor_id,
        content_type=item.content_type,
        verdict=answer.verdict if answer.HasField("verdict") else None,
        findings=answer.findings,
        rule_ids=item.rule_ids,
        create_time=_timestamp(item.created_at),
        opinions=[_opinion_to_proto(opinion) for opinion in item.opinions],
        etag=item.etag,
        category_scores=answer.category_scores,
        omitted_finding_count=answer.omitted_finding_count,
        judge_time=answer.decide_time if answer.HasField("decide_time") else None,
    )
    if item.claimed_until is not None and item.holder(now):
        message.claimant = item.claimant
        message.claim_expire_time.CopyFrom(_timestamp(item.claimed_until))
    source = answer if answer.HasField("metadata") else asked
    if source.HasField("metadata"):
        message.metadata.CopyFrom(source.metadata)
    return message


def opinion_from_proto(request: DecideReviewItemRequest) -> ReviewOpinion:
    """Return what a person says now. Raises ``InvalidRequest`` (UNKNOWN_CATEGORY)."""
    for index, category_id in enumerate(request.category_ids):
        check_category(category_id, f"category_ids[{index}]")
    return ReviewOpinion(
        reviewer=request.reviewer,
        decision=_DECISIONS_BY_NUMBER[request.decision],
        decided_at=datetime.now(UTC),
        reason=request.reason,
        category_ids=tuple(dict.fromkeys(request.category_ids)),
        request_id=request.request_id,
    )


def state_from_proto(number: "ReviewItemState.ValueType") -> ReviewState | None:
    """Return the state that a list keeps; None for all."""
    return _STATES_BY_NUMBER.get(number)


def item_name_from_proto(name: str, project: str) -> ItemName:
    """Return which item of the project a resource name means, or with no item's name which queue.

    The contract's own pattern has proven the name.
    """
    _, _, _, queue, *item = name.split("/")
    return ItemName(project, queue, item[-1] if item else "")


def place_from_token(token: str) -> str:
    """Return where a page begins. Raises ``RefusedError`` (INVALID_PAGE_TOKEN)."""
    if token and not _PLACE.fullmatch(token):
        raise RefusedError(
            Refusal(
                grpc.StatusCode.INVALID_ARGUMENT,
                "INVALID_PAGE_TOKEN",
                "The page token was not made by this list.",
            )
        )
    return token


def submission_of(request: CreateReviewItemRequest) -> SubmitContentRequest:
    """Return what is submitted to be judged for an item that a caller puts into a queue."""
    return SubmitContentRequest(
        content_id=request.content_id,
        actor_id=request.actor_id,
        content_type=request.content_type,
        fields=request.fields,
        metadata=request.metadata if request.HasField("metadata") else None,
        callback_url=request.callback_url,
        callback_format=request.callback_format,
        request_id=request.request_id,
    )


def _opinion_to_proto(opinion: ReviewOpinion) -> ReviewOpinionMessage:
    return ReviewOpinionMessage(
        reviewer=opinion.reviewer,
        decision=DECISIONS[opinion.decision],
        reason=opinion.reason,
        category_ids=opinion.category_ids,
        decide_time=_timestamp(opinion.decided_at),
    )


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
