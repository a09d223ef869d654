"""From requests to what the domain judges. Refuses what no rule of the contract could state."""

from collections.abc import Iterable
from typing import Final

import grpc
from gavel.v1 import (
    compliance_stream_pb2,
    content_service_pb2,
    moderation_service_pb2,
    policy_pb2,
    verdict_pb2,
)
from google.protobuf.struct_pb2 import Struct

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.content import TextSubmission
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.policies import CategoryChange, PolicyOverrides
from gaveld.transport.grpc.errors import Refusal, RefusedError

MAX_METADATA_BYTES: Final = 16_384

_NO_OVERRIDES: Final = PolicyOverrides()
_ACTIONS: Final = {
    verdict_pb2.ACTION_ALLOW: Action.ALLOW,
    verdict_pb2.ACTION_REVIEW: Action.REVIEW,
    verdict_pb2.ACTION_BLOCK: Action.BLOCK,
}


def submission_from_proto(request: moderation_service_pb2.ModerateTextRequest) -> TextSubmission:
    """Return the text to judge. Raises what ``check_request`` does."""
    check_request(request)
    return TextSubmission(
        text=request.text,
        expected_language=request.expected_language,
        blocked_terms=tuple(request.blocked_terms),
        wants_sentence_scores=request.score_sentences,
    )


def check_request(
    request: moderation_service_pb2.ModerateTextRequest
    | moderation_service_pb2.ModerateImageRequest,
) -> None:
    """Refuse what requests of every kind of content may get wrong.

    Raises ``InvalidRequest`` for a blocked term that could never match, and a refusal for too much
    metadata.
    """
    if request.HasField("metadata"):
        check_metadata(request.metadata)
    check_blocked_terms(request.blocked_terms)


def check_blocked_terms(terms: Iterable[str]) -> None:
    """Raise ``InvalidRequest`` for a term that could never match."""
    for index, term in enumerate(terms):
        if not term.strip(" \t\r\n-_"):
            raise InvalidRequest(FieldViolation(f"blocked_terms[{index}]", "has nothing to match"))


def overrides_from_proto(
    request: moderation_service_pb2.ModerateTextRequest
    | moderation_service_pb2.ModerateImageRequest
    | content_service_pb2.SubmitContentRequest
    | compliance_stream_pb2.StreamConversationOptions
    | compliance_stream_pb2.StreamVideoOptions,
) -> PolicyOverrides:
    """Return what a call changes of the policy. Raises ``InvalidRequest`` (UNKNOWN_CATEGORY)."""
    if not request.HasField("policy_overrides"):
        return _NO_OVERRIDES
    overrides = request.policy_overrides
    masks = overrides.HasField("mask")
    for category_id in overrides.categories:
        check_category(category_id, f'policy_overrides.categories["{category_id}"]')
    for index, category_id in enumerate(overrides.mask.category_ids):
        check_category(category_id, f"policy_overrides.mask.category_ids[{index}]")
    return PolicyOverrides(
        categories={key: _change(entry) for key, entry in overrides.categories.items()},
        on_incomplete=action_from_proto(overrides.on_incomplete),
        masked=frozenset(overrides.mask.category_ids) if masks else None,
        mask_character=overrides.mask.character or None,
    )


def action_from_proto(action: "verdict_pb2.Action.ValueType") -> Action | None:
    """Return the action, or None for none."""
    return _ACTIONS.get(action)


def _change(entry: policy_pb2.CategoryOverride) -> CategoryChange:
    return CategoryChange(
        review=entry.review if entry.HasField("review") else None,
        block=entry.block if entry.HasField("block") else None,
        required=entry.required if entry.HasField("required") else None,
        enabled=entry.enabled if entry.HasField("enabled") else None,
    )


def check_category(category_id: str, field: str) -> None:
    """Raise ``InvalidRequest`` (UNKNOWN_CATEGORY) for an id that the catalogue does not have."""
    if category_id not in CATALOGUE:
        raise InvalidRequest(
            FieldViolation(field, "is not a category; ListCategories has them all"),
            reason=ErrorReason.UNKNOWN_CATEGORY,
            metadata={"field": field, "category_id": category_id},
        )


def check_metadata(metadata: Struct) -> None:
    """Refuse metadata of more than ``MAX_METADATA_BYTES``."""
    size = metadata.ByteSize()
    if size > MAX_METADATA_BYTES:
        message = f"metadata has {size} bytes; the limit is {MAX_METADATA_BYTES}."
        raise RefusedError(
            Refusal(
                grpc.StatusCode.INVALID_ARGUMENT,
                "METADATA_TOO_LARGE",
                message,
                {"limit_bytes": str(MAX_METADATA_BYTES), "actual_bytes": str(size)},
            )
        )
