"""Puts together the review queues: the items in the storage, and the service that people use."""

from datetime import UTC, datetime
from typing import Final

from gavel.v1 import review_queue_service_pb2

from gaveld.adapters.storage.decisions import record_decision
from gaveld.adapters.storage.review_items import SqlReviewItemStore
from gaveld.application.review_queue import ReviewItems
from gaveld.application.submit_content import SubmitContent
from gaveld.bootstrap.parts import Parts
from gaveld.domain.review_items import ReviewItem
from gaveld.transport.grpc.converters.content import ContentMessages
from gaveld.transport.grpc.converters.review_items import item_to_proto
from gaveld.transport.grpc.review_queue_servicer import ReviewQueueServicer
from gaveld.transport.grpc.services import Service
from gaveld.transport.rest.review_callbacks import JsonReviewReports

SCOPE: Final = "review"


def review_item_store(parts: Parts) -> SqlReviewItemStore:
    """Return the items; what follows from a decision is written with it."""
    recorders = (record_decision, parts.deliveries.record)
    return SqlReviewItemStore(parts.engine, recorders, ContentMessages().without_words)


def review_queue_service(parts: Parts, submit: SubmitContent) -> Service:
    """Return the service of the queues; ``submit`` has what is put into them judged."""
    items = ReviewItems(
        review_item_store(parts),
        parts.judging.policies,
        JsonReviewReports(_read),
        parts.secret_box,
        keeps_feedback=parts.settings.feedback.enabled,
    )
    descriptor = review_queue_service_pb2.DESCRIPTOR.services_by_name["ReviewQueueService"]
    return Service(descriptor, ReviewQueueServicer(items, submit), SCOPE)


def _read(item: ReviewItem) -> review_queue_service_pb2.ReviewItem:
    return item_to_proto(item, datetime.now(UTC))
