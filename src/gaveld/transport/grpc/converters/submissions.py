"""From requests to what the domain judges. Refuses what no rule of the contract could state."""

from collections.abc import Mapping
from datetime import UTC
from typing import Final

import grpc
from gavel.v1 import content_pb2, moderation_service_pb2, policy_pb2, verdict_pb2
from google.protobuf.struct_pb2 import Struct

from gaveld.domain.categories import CATALOGUE
from gaveld.domain.content import TextSubmission
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.policies import Action, CategoryChange, PolicyOverrides
from gaveld.transport.grpc.errors import Refusal, RefusedError

MAX_METADATA_BYTES: Final = 16_384
MAX_FIELD_DEPTH: Final = 8

_NO_OVERRIDES: Final = PolicyOverrides()
_ACTIONS: Final = {
    verdict_pb2.ACTION_ALLOW: Action.ALLOW,
    verdict_pb2.ACTION_REVIEW: Action.REVIEW,
    verdict_pb2.ACTION_BLOCK: Action.BLOCK,
}


def submission_from_proto(request: moderation_service_pb2.ModerateTextRequest) -> TextSubmission:
    """Return the text to judge and what was said about it.

    Raises ``InvalidRequest`` for fields nested too deep, a date that is none or a wish for
    scores by sentence, which nothing here gives yet, and a refusal for too much metadata.
    """
    if request.score_sentences:
        raise InvalidRequest(
            FieldViolation("score_sentences", "is not served by this version; leave it false")
        )
    if request.HasField("metadata"):
        _check_metadata(request.metadata)
    return TextSubmission(
        text=request.text,
        content_id=request.content_id,
        actor_id=request.actor_id,
        content_type=request.content_type,
        context=_context(request.context) if request.HasField("context") else "",
        expected_language=request.expected_language,
        blocked_terms=tuple(request.blocked_terms),
        fields=_values(request.fields, "fields", 1) if request.fields else {},
    )


def overrides_from_proto(request: moderation_service_pb2.ModerateTextRequest) -> PolicyOverrides:
    """Return what a call changes of the policy. Raises ``InvalidRequest`` (UNKNOWN_CATEGORY)."""
    if not request.HasField("policy_overrides"):
        return _NO_OVERRIDES
    overrides = request.policy_overrides
    masks = overrides.HasField("mask")
    for category_id in overrides.categories:
        _check_category(category_id, f'policy_overrides.categories["{category_id}"]')
    for index, category_id in enumerate(overrides.mask.category_ids):
        _check_category(category_id, f"policy_overrides.mask.category_ids[{index}]")
    return PolicyOverrides(
        categories={key: _change(entry) for key, entry in overrides.categories.items()},
        on_incomplete=_ACTIONS.get(overrides.on_incomplete),
        masked=frozenset(overrides.mask.category_ids) if masks else None,
        mask_character=overrides.mask.character or None,
    )


def _change(entry: policy_pb2.CategoryOverride) -> CategoryChange:
    return CategoryChange(
        review=entry.review if entry.HasField("review") else None,
        block=entry.block if entry.HasField("block") else None,
        required=entry.required if entry.HasField("required") else None,
        enabled=entry.enabled if entry.HasField("enabled") else None,
    )


def _check_category(category_id: str, field: str) -> None:
    if category_id not in CATALOGUE:
        raise InvalidRequest(
            FieldViolation(field, "is not a category; ListCategories has them all"),
            reason=ErrorReason.UNKNOWN_CATEGORY,
            metadata={"field": field, "category_id": category_id},
        )


def _check_metadata(metadata: Struct) -> None:
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


def _context(context: content_pb2.Context) -> str:
    parts = (context.description, context.parent_text, *(turn.text for turn in context.turns))
    return "\n".join(part for part in parts if part)


def _values(
    fields: Mapping[str, content_pb2.FieldValue], path: str, depth: int
) -> dict[str, object]:
    return {name: _value(entry, f"{path}.{name}", depth) for name, entry in fields.items()}


def _value(value: content_pb2.FieldValue, path: str, depth: int) -> object:
    if depth > MAX_FIELD_DEPTH:
        raise InvalidRequest(FieldViolation(path, f"nests deeper than {MAX_FIELD_DEPTH} levels"))
    kind = value.WhichOneof("kind")
    match kind:
        case "datetime_value":
            try:
                return value.datetime_value.ToDatetime(tzinfo=UTC)
            except (ValueError, OverflowError):
                raise InvalidRequest(FieldViolation(path, "is not a point in time")) from None
        case "image_value" | "video_value" | "audio_value":
            media: content_pb2.Media = getattr(value, kind)
            return media.uri or media.data
        case "list_value":
            items = value.list_value.values
            return [_value(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(items)]
        case "object_value":
            return _values(value.object_value.fields, path, depth + 1)
        case _:
            return getattr(value, kind) if kind else None
