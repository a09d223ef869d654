"""ContentMod's queue item: how it stands, what it holds, and what was found in it."""

import base64
import re
from types import MappingProxyType
from typing import Any, Final

from gavel.v1.content_pb2 import Media
from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse
from gavel.v1.review_queue_service_pb2 import ReviewItem, ReviewItemState

from gaveld.transport.rest.dialects.contentmod_content import moderation_json
from gaveld.transport.rest.dialects.shapes import misfit

STATUSES: Final = MappingProxyType(
    {
        ReviewItemState.REVIEW_ITEM_STATE_PROCESSING: "processing",
        ReviewItemState.REVIEW_ITEM_STATE_PENDING: "pending",
        ReviewItemState.REVIEW_ITEM_STATE_ACCEPTED: "accepted",
        ReviewItemState.REVIEW_ITEM_STATE_REJECTED: "rejected",
    }
)

_DECIDED: Final = MappingProxyType(
    {
        ReviewItemState.REVIEW_ITEM_STATE_ACCEPTED: True,
        ReviewItemState.REVIEW_ITEM_STATE_REJECTED: False,
    }
)


_QUEUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def queue_name(queue_id: str) -> str:
    """Return the name of a queue that callers know by an id of any case. Raises ``RpcFailure``."""
    if not _QUEUE.fullmatch(queue_id):
        raise misfit(
            "queueId",
            "must be 1 to 64 letters, digits, hyphens and underscores, "
            "the first a letter or a digit",
        )
    return f"projects/-/queues/{queue_id.lower()}"


def item_id(item: ReviewItem) -> str:
    """Return the last part of the item's name, by which this dialect's callers know it."""
    return item.name.rpartition("/")[2]


def queue_item_json(item: ReviewItem) -> dict[str, Any]:
    """Return the item; what is not decided, not kept or not judged has no key."""
    shown: dict[str, Any] = {"id": item_id(item), "status": STATUSES[item.state]}
    if item.state in _DECIDED:
        shown["accepted"] = _DECIDED[item.state]
    content = _content(item)
    if content is not None:
        shown["content"] = content
    if item.HasField("verdict"):
        shown["moderation"] = _moderation(item)
    return shown


def _moderation(item: ReviewItem) -> dict[str, Any]:
    answer = SubmitContentResponse(
        content_id=item.content_id,
        actor_id=item.actor_id,
        verdict=item.verdict,
        findings=item.findings,
        omitted_finding_count=item.omitted_finding_count,
        field_results=item.field_results,
        category_scores=item.category_scores,
        request_id=item_id(item),
        metadata=item.metadata if item.HasField("metadata") else None,
        decide_time=item.judge_time,
    )
    request = SubmitContentRequest(fields=item.fields) if item.fields else None
    return moderation_json(item_id(item), answer, request)


def _content(item: ReviewItem) -> str | None:
    """Return the first text, or else the first picture as it was sent; None without either."""
    for name in sorted(item.fields):
        if item.fields[name].HasField("string_value"):
            return item.fields[name].string_value
    for name in sorted(item.fields):
        if item.fields[name].HasField("image_value"):
            return _sent(item.fields[name].image_value)
    return None


def _sent(media: Media) -> str:
    return media.uri if media.HasField("uri") else base64.b64encode(media.data).decode()
