"""Writes what callbacks say of a decision, as JSON: the contract's own, and two vendors'.

What is sent to whom and when, others know.
"""

import json
from collections.abc import Mapping
from typing import Any

from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse

from gaveld.domain.jobs import Job
from gaveld.domain.rules import CallbackFormat
from gaveld.transport.rest.dialects.contentmod_content import moderation_json
from gaveld.transport.rest.json_writing import renderer_of


class JsonCallbackBodies:
    """The ``CallbackBodies`` over answers in their wire form."""

    def body(
        self, form: CallbackFormat, job: Job, answer: bytes, custom: Mapping[str, Any]
    ) -> bytes:
        """Return the body in a form; see ``CallbackBodies.body``."""
        decided = SubmitContentResponse.FromString(answer)
        match form:
            case CallbackFormat.NATIVE:
                shown = renderer_of(decided.DESCRIPTOR)(decided)
            case CallbackFormat.APOLLO:
                shown = _apollo(decided)
            case CallbackFormat.CONTENTMOD:
                request = SubmitContentRequest.FromString(job.payload) if job.payload else None
                shown = {
                    "event": "moderation.completed",
                    "data": moderation_json(job.id, decided, request),
                }
        if custom:
            shown |= {"custom": dict(custom)}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _apollo(decided: SubmitContentResponse) -> dict[str, Any]:
    """Return the union of the two forms that its documents show."""
    return {
        "content": {"id": decided.content_id, "content_type": decided.content_type},
        "content_id": decided.content_id,
        "user_id": decided.actor_id,
    }
