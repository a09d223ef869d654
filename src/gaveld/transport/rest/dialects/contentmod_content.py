"""ContentMod's moderation response for content that was submitted and judged by itself."""

import json
from contextlib import suppress
from datetime import UTC
from typing import Any, Final

from gavel.v1.content_service_pb2 import FieldResult, SubmitContentRequest, SubmitContentResponse
from gavel.v1.moderation_service_pb2 import ModerateImageResponse, ModerateTextResponse

from gaveld.transport.rest.dialects.contentmod_judgement import image_json, text_json
from gaveld.transport.rest.json_writing import renderer_of

META: Final = "contentmod_meta"
"""The one key of metadata that holds, as JSON text, what this dialect's callers have echoed."""

TEXT: Final = "text"
IMAGE: Final = "image"
"""The field of a piece of content, and the kind of a queue item and an upload."""


def moderation_json(
    moderation_id: str, answer: SubmitContentResponse, request: SubmitContentRequest | None
) -> dict[str, Any]:
    """Return the answer about the first text of the content, or else about its first picture.

    What of it is the content's own words is None where the ``request`` is not known any more, or
    never was kept.
    """
    texts = [result for result in answer.field_results if not _is_picture(result)]
    pictures = [result for result in answer.field_results if _is_picture(result)]
    echoed = {"meta": _meta(answer), "actorId": answer.actor_id or None}
    if pictures and not texts:
        shown = image_json(_picture_answer(answer, pictures[0]))
        return {"id": moderation_id, **shown, **echoed}
    result = texts[0] if texts else FieldResult()
    text = result.text or _text(request, result.field_path)
    decided = answer.decide_time.ToDatetime(tzinfo=UTC)
    shown = text_json(_text_answer(answer, result), text or "", answer.request_id, decided)
    words = {"content": text, "original": text, "filteredContent": result.filtered_text or None}
    return {**shown, **words, "id": moderation_id, **echoed}


def _is_picture(result: FieldResult) -> bool:
    is_seen = result.HasField("facts") or result.HasField("image_scores")
    return is_seen or result.field_path == IMAGE  # one that could not be read is a picture too


def _text_answer(answer: SubmitContentResponse, result: FieldResult) -> ModerateTextResponse:
    return ModerateTextResponse(
        verdict=answer.verdict,
        findings=answer.findings,
        omitted_finding_count=answer.omitted_finding_count,
        attribute_scores=result.attribute_scores if result.HasField("attribute_scores") else None,
        language=result.language if result.HasField("language") else None,
        filtered_text=result.filtered_text,
        content_sha256=result.content_sha256,
        topics=result.topics,
        sentiment=result.sentiment if result.HasField("sentiment") else None,
        category_scores=answer.category_scores,
    )


def _picture_answer(answer: SubmitContentResponse, result: FieldResult) -> ModerateImageResponse:
    return ModerateImageResponse(
        verdict=answer.verdict,
        findings=answer.findings,
        omitted_finding_count=answer.omitted_finding_count,
        attribute_scores=result.attribute_scores if result.HasField("attribute_scores") else None,
        language=result.language if result.HasField("language") else None,
        description=result.description,
        content_sha256=result.content_sha256,
        topics=result.topics,
        category_scores=answer.category_scores,
    )


def _text(request: SubmitContentRequest | None, name: str) -> str | None:
    if request is None or name not in request.fields:
        return None
    return request.fields[name].string_value


def _meta(answer: SubmitContentResponse) -> Any:
    if not answer.HasField("metadata"):
        return None
    sent = renderer_of(answer.metadata.DESCRIPTOR)(answer.metadata)
    if set(sent) == {META} and isinstance(sent[META], str):
        with suppress(ValueError):  # others may use the key for what is no JSON
            return json.loads(sent[META])
    return sent
