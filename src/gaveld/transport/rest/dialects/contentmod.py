"""Serves ContentMod's API: texts and pictures, judged at once or later, also by people."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gavel.v1.content_pb2 import FieldValue
from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse
from gavel.v1.moderation_service_pb2 import (
    ModerateImageRequest,
    ModerateImageResponse,
    ModerateTextRequest,
    ModerateTextResponse,
)
from gavel.v1.review_queue_service_pb2 import (
    CreateReviewItemResponse,
    GetReviewItemRequest,
    GetReviewItemResponse,
)
from gavel.v1.upload_service_pb2 import SubmitUploadResponse
from google.longrunning.operations_pb2 import GetOperationRequest, Operation
from google.rpc import code_pb2, error_details_pb2

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.contentmod_content import IMAGE, TEXT, moderation_json
from gaveld.transport.rest.dialects.contentmod_judgement import image_json, text_json
from gaveld.transport.rest.dialects.contentmod_queue import (
    STATUSES,
    item_id,
    queue_item_json,
    queue_name,
)
from gaveld.transport.rest.dialects.contentmod_requests import (
    AskedImage,
    AskedItem,
    AskedText,
    Options,
    TextOptions,
    compact_json,
    deferred,
    value_of,
)
from gaveld.transport.rest.dialects.contentmod_uploads import upload_meta, upload_of
from gaveld.transport.rest.dialects.coverage import coverage_headers
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.shapes import shaped
from gaveld.transport.rest.failures import RpcFailure, answer_of, refusal
from gaveld.transport.rest.headers import Metadata
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request, Surface

_TEXT: Final = "/gavel.v1.ModerationService/ModerateText"
_IMAGE: Final = "/gavel.v1.ModerationService/ModerateImage"
_SUBMIT: Final = "/gavel.v1.ContentService/SubmitContent"
_GET_OPERATION: Final = "/google.longrunning.Operations/GetOperation"
_CREATE_ITEM: Final = "/gavel.v1.ReviewQueueService/CreateReviewItem"
_GET_ITEM: Final = "/gavel.v1.ReviewQueueService/GetReviewItem"
_UPLOAD: Final = "/gavel.v1.UploadService/SubmitUpload"

_UPLOADS: Final = b"/public/"

_STATUS: Final = {
    "INSUFFICIENT_CREDITS": 402,
    "MEDIA_TOO_LARGE": 413,
    "TEXT_TOO_LARGE": 413,
    "MEDIA_UNSUPPORTED": 415,
}
"""Where a client that reads the status alone needs another than the gateway's own."""

_CODES: Final = {"UNKNOWN_METHOD": "not_served", "UNKNOWN_ROUTE": "not_found"}

_FIELDS: Final = {
    r"\bmedia(?:\.uri|\.data)?\b": "image",
    r"\bfields\b[\[.\"]+(text|image)\b[\]\"]*(?:\.[a-z_]+)*": r"\1",
    r"\bblocked_terms\b": "options.bannedWords",
    r"\bactor_id\b": "options.actorId",
    r"\bcallback_url\b": "options.callbackUrl",
    r"\bmetadata\b": "options.meta",
}
"""How this dialect's callers know the contract's fields."""

_FIELDS_OF_ITEMS: Final = {
    r"\bfields\b[\[.\"]+(?:text|image)\b[\]\"]*(?:\.[a-z_]+)*": "content",
    r"\bactor_id\b": "actorId",
    r"\bmetadata\b": "meta",
    r"\bparent\b": "queueId",
}

_FIELDS_OF_UPLOADS: Final = {
    r"\bimage(?:\.uri|\.data)\b": "image",
    r"\bupload_id\b": "uuid",
    r"\brequest_id\b": "uuid",
    r"\bsignature\.public_key\b": "publicKey",
    r"\bsignature\.signed_time\b": "datetime",
    r"\bsignature\.expires\b": "expires",
    r"\bsignature\.signature\b": "signature",
}


class ContentModDialect(Surface):
    """Its routes: at once, later, for people, and by a signature in place of a key."""

    name = "contentmod"
    prefixes = ("/text", "/image", "/queues", "/public")

    def __init__(self) -> None:
        super().__init__()
        self.add("POST", "/text", self._text)
        self.add("POST", "/image", self._image)
        self.add("GET", "/text/{id}", self._result)
        self.add("POST", "/queues/{queue_id}", self._put)
        self.add("GET", "/queues/{queue_id}/items/{id}", self._item)
        self.add("POST", "/public/{uuid}", self._upload)

    def credentials(self, request: Request) -> Metadata:
        """Return the caller's key; a signed upload has none, whatever its page sends along."""
        is_upload = request.raw_path.startswith(_UPLOADS)
        return () if is_upload else super().credentials(request)

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure in this dialect's form, naming the fields as its callers know them."""
        names = _names(request)
        status = _STATUS.get(failure.reason, failure.http_status)
        bad = failure.detail(error_details_pb2.BadRequest())
        field = (
            _renamed(bad.field_violations[0].field, names) if bad and bad.field_violations else ""
        )
        code = _CODES.get(failure.reason, failure.reason.lower() or "internal")
        error = {"status": status, "code": code, "message": _renamed(failure.status.message, names)}
        if field:
            error["field"] = field
        return _answer(status, {"error": error}, answer_of(failure).headers)

    async def _text(self, request: Request, rpc: Rpc) -> Answer:
        asked = shaped(AskedText, request.json())
        options = asked.options or TextOptions()
        options.check()
        if options.is_deferred:
            value = value_of(TEXT, asked.text, TEXT)
            return await _submitted(deferred(TEXT, value, options), rpc)
        answer = await rpc(
            _TEXT,
            ModerateTextRequest(
                text=asked.text, actor_id=options.actor_id or "", blocked_terms=options.banned_words
            ),
            ModerateTextResponse,
        )
        shown = text_json(answer, asked.text, rpc.request_id, datetime.now(UTC))
        shown |= {"meta": options.echoed, "actorId": options.actor_id}
        return _answer(200, shown, coverage_headers(answer.verdict.coverage))

    async def _image(self, request: Request, rpc: Rpc) -> Answer:
        asked = shaped(AskedImage, request.json())
        options = asked.options or Options()
        options.check()
        if options.is_deferred:
            value = value_of(IMAGE, asked.image, IMAGE)
            return await _submitted(deferred(IMAGE, value, options), rpc)
        answer = await rpc(
            _IMAGE,
            ModerateImageRequest(
                media=media_of(asked.image, "image"),
                actor_id=options.actor_id or "",
                explain=True,  # every classifier is to finish: the answer has all their scores
            ),
            ModerateImageResponse,
        )
        shown = image_json(answer) | {"meta": options.echoed}
        return _answer(200, shown, coverage_headers(answer.verdict.coverage))

    async def _result(self, request: Request, rpc: Rpc) -> Answer:
        name = f"operations/{request.variables['id']}"
        operation = await rpc(_GET_OPERATION, GetOperationRequest(name=name), Operation)
        return _finished(operation)

    async def _put(self, request: Request, rpc: Rpc) -> Answer:
        asked = shaped(AskedItem, request.json())
        item = await rpc(
            _CREATE_ITEM,
            asked.request(queue_name(request.variables["queue_id"])),
            CreateReviewItemResponse,
        )
        return _answer(200, {"id": item_id(item.item), "status": STATUSES[item.item.state]}, ())

    async def _item(self, request: Request, rpc: Rpc) -> Answer:
        queue = queue_name(request.variables["queue_id"])
        name = f"{queue}/items/{request.variables['id']}"
        found = await rpc(_GET_ITEM, GetReviewItemRequest(name=name), GetReviewItemResponse)
        return _answer(200, queue_item_json(found.item), ())

    async def _upload(self, request: Request, rpc: Rpc) -> Answer:
        upload = upload_of(request)
        judged = await rpc(_UPLOAD, upload, SubmitUploadResponse)
        asked = SubmitContentRequest(
            fields={TEXT: FieldValue(string_value=upload.text)} if upload.text else {}
        )
        shown = moderation_json(_id(judged.name), judged.content, asked)
        shown |= {"meta": upload_meta(request)}
        return _answer(200, shown, coverage_headers(judged.content.verdict.coverage))


async def _submitted(submission: SubmitContentRequest, rpc: Rpc) -> Answer:
    operation = await rpc(_SUBMIT, submission, Operation)
    return _answer(200, {"id": _id(operation.name)}, ())


def _finished(operation: Operation) -> Answer:
    """Return the result, or that there is none yet. Raises ``RpcFailure`` if there will be none."""
    moderation_id = _id(operation.name)
    if operation.HasField("error"):
        raise RpcFailure(operation.error)
    content = SubmitContentResponse()
    if not operation.done:
        return _answer(202, {"id": moderation_id, "status": "processing"}, ())
    if not operation.response.Unpack(content):  # work of another kind has no id here
        raise refusal(code_pb2.NOT_FOUND, "RESOURCE_NOT_FOUND", "There is no such moderation.")
    shown = moderation_json(moderation_id, content, None)
    return _answer(200, shown, coverage_headers(content.verdict.coverage))


def _id(operation_name: str) -> str:
    return operation_name.rpartition("/")[2]


def _names(request: Request) -> Mapping[str, str]:
    if request.raw_path.startswith(b"/queues"):
        return _FIELDS_OF_ITEMS
    return _FIELDS_OF_UPLOADS if request.raw_path.startswith(_UPLOADS) else _FIELDS


def _renamed(said: str, names: Mapping[str, str]) -> str:
    for pattern, name in names.items():
        said = re.sub(pattern, name, said)
    return said


def _answer(status: int, shown: dict[str, Any], headers: Any) -> Answer:
    return Answer(status, compact_json(shown), headers=headers)
