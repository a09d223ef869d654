"""Answers ``gavel.v1.ReviewQueueService``: converts, names the caller's project, and asks.

Everything about whose turn it is and what follows from a decision is the use cases' business.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gavel.v1 import review_queue_service_pb2 as pb

from gaveld.application.review_queue import ReviewItems
from gaveld.application.submit_content import SubmitContent
from gaveld.domain.review_items import ReviewItem
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.content import content_request_from_proto
from gaveld.transport.grpc.converters.review_items import (
    item_name_from_proto,
    item_to_proto,
    listed_item_to_proto,
    opinion_from_proto,
    place_from_token,
    state_from_proto,
    submission_of,
)
from gaveld.transport.grpc.projects import project_of

DEFAULT_PAGE_SIZE: Final = 100
EVERY_QUEUE: Final = "-"


class ReviewQueueServicer:
    """Serves the queues; ``submit`` has what is put into them judged."""

    def __init__(self, items: ReviewItems, submit: SubmitContent) -> None:
        self._items = items
        self._submit = submit

    async def ListReviewItems(
        self, request: pb.ListReviewItemsRequest, _: Context
    ) -> pb.ListReviewItemsResponse:
        """List a page of a queue."""
        name = item_name_from_proto(request.parent, project_of(request.parent, current_call()))
        items, after = await self._items.list(
            name.project,
            "" if name.queue == EVERY_QUEUE else name.queue,
            state=state_from_proto(request.state),
            unclaimed_only=request.unclaimed_only,
            limit=request.page_size or DEFAULT_PAGE_SIZE,
            after=place_from_token(request.page_token),
        )
        return pb.ListReviewItemsResponse(
            items=[listed_item_to_proto(item, datetime.now(UTC)) for item in items],
            next_page_token=after,
        )

    async def GetReviewItem(
        self, request: pb.GetReviewItemRequest, _: Context
    ) -> pb.GetReviewItemResponse:
        """Read one item."""
        name = item_name_from_proto(request.name, project_of(request.name, current_call()))
        return pb.GetReviewItemResponse(item=_message(await self._items.get(name)))

    async def CreateReviewItem(
        self, request: pb.CreateReviewItemRequest, _: Context
    ) -> pb.CreateReviewItemResponse:
        """Put content into a queue, to be judged first."""
        queue = item_name_from_proto(request.parent, project_of(request.parent, current_call()))
        asked = content_request_from_proto(submission_of(request), queue.project, queue.queue)
        job = await self._submit.later(asked)
        item = await self._items.get(replace(queue, id=job.id))
        return pb.CreateReviewItemResponse(item=_message(item))

    async def ClaimReviewItem(
        self, request: pb.ClaimReviewItemRequest, _: Context
    ) -> pb.ClaimReviewItemResponse:
        """Take an item, or the oldest that is free."""
        name = item_name_from_proto(request.name, project_of(request.name, current_call()))
        item = await self._items.claim(
            name,
            request.reviewer,
            seconds=request.claim_seconds,
            request_id=request.request_id,
        )
        return pb.ClaimReviewItemResponse(item=_message(item))

    async def DecideReviewItem(
        self, request: pb.DecideReviewItemRequest, _: Context
    ) -> pb.DecideReviewItemResponse:
        """Record what a person says."""
        name = item_name_from_proto(request.name, project_of(request.name, current_call()))
        item = await self._items.decide(name, opinion_from_proto(request), etag=request.etag)
        return pb.DecideReviewItemResponse(item=_message(item))

    async def ReleaseReviewItem(
        self, request: pb.ReleaseReviewItemRequest, _: Context
    ) -> pb.ReleaseReviewItemResponse:
        """Give an item back."""
        name = item_name_from_proto(request.name, project_of(request.name, current_call()))
        item = await self._items.release(name, request.reviewer)
        return pb.ReleaseReviewItemResponse(item=_message(item))


def _message(item: ReviewItem) -> "pb.ReviewItem":
    return item_to_proto(item, datetime.now(UTC))
