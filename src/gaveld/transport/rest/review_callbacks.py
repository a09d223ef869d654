"""Writes what callbacks say of an item that people decided on, and reads its texts for feedback.

What is sent to whom and when, others know.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from gavel.v1.content_pb2 import FieldValue
from gavel.v1.review_queue_service_pb2 import ReviewItem as ReviewItemMessage

from gaveld.domain.review_items import ReviewItem
from gaveld.domain.rules import CallbackFormat, RuleAction
from gaveld.transport.rest.dialects.contentmod_queue import queue_item_json
from gaveld.transport.rest.json_writing import renderer_of

ReadItem = Callable[[ReviewItem], ReviewItemMessage]
"""Takes an item and returns it in its wire form."""


class JsonReviewReports:
    """The ``ReviewReports`` over items in their wire form."""

    def __init__(self, read: ReadItem) -> None:
        self._read = read

    def text(self, item: ReviewItem) -> str:
        """Return the item's texts; see ``ReviewReports.text``."""
        fields = self._read(item).fields
        return "\n\n".join(text for name in sorted(fields) for text in _texts(fields[name]))

    def body(self, item: ReviewItem, action: RuleAction) -> bytes:
        """Return the body in the action's format; see ``ReviewReports.body``."""
        message = self._read(item)
        match action.format:
            case CallbackFormat.NATIVE:
                shown = renderer_of(message.DESCRIPTOR)(message)
            case CallbackFormat.APOLLO:
                shown = _apollo(message)
            case CallbackFormat.CONTENTMOD:
                shown = {"event": "queue.review.completed", "data": queue_item_json(message)}
        if action.parameters:
            shown |= {"custom": dict(action.parameters)}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _apollo(item: ReviewItemMessage) -> dict[str, Any]:
    """Return what its documents show of any content; of people's decisions they say nothing."""
    return {
        "content": {"id": item.content_id, "content_type": item.content_type},
        "content_id": item.content_id,
        "user_id": item.actor_id,
    }


def _texts(value: FieldValue) -> Iterator[str]:
    match value.WhichOneof("kind"):
        case "string_value":
            yield value.string_value
        case "list_value":
            for entry in value.list_value.values:
                yield from _texts(entry)
        case "object_value":
            fields = value.object_value.fields
            for name in sorted(fields):
                yield from _texts(fields[name])
