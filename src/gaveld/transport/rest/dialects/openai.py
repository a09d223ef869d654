"""Serves OpenAI's moderations: a text, several, or texts and pictures together.

A category that nothing looked for is false with the score 0, as that API must have it, and is named
in ``gavel_not_covered``, because that is not the same as clean.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import orjson
from gavel.v1.moderation_service_pb2 import (
    BatchModerateTextRequest,
    BatchModerateTextResponse,
    ModerateImageRequest,
    ModerateImageResponse,
    ModerateTextRequest,
    ModerateTextResponse,
)
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.openai_categories import Judgement, Result
from gaveld.transport.rest.dialects.shapes import Shape, field_path, misfit, shaped
from gaveld.transport.rest.failures import HTTP_STATUS, RpcFailure, answer_of
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request, Surface

DEFAULT_MODEL: Final = "omni-moderation-latest"
MAX_PARTS: Final = 32
PARTS_AT_ONCE: Final = 4
"""So that one request doesn't take the places of others."""

_BATCH_TEXTS: Final = 256
_BATCH_BYTES: Final = 2 << 20

_TEXT: Final = "/gavel.v1.ModerationService/ModerateText"
_BATCH: Final = "/gavel.v1.ModerationService/BatchModerateText"
_IMAGE: Final = "/gavel.v1.ModerationService/ModerateImage"

_CODES: Final = {
    "INVALID_ARGUMENT": None,
    "API_KEY_MISSING": "invalid_api_key",
    "API_KEY_INVALID": "invalid_api_key",
    "API_KEY_REVOKED": "invalid_api_key",
    "API_KEY_EXPIRED": "invalid_api_key",
    "INSUFFICIENT_CREDITS": "insufficient_quota",
    "UNKNOWN_ROUTE": "unknown_url",
    "METHOD_NOT_ALLOWED": "method_not_supported",
}
"""OpenAI's words for some of Gavel's reasons; the others are codes in lower case."""


class _TextPart(Shape):
    type: Literal["text"]
    text: str


class _Address(Shape):
    url: str


class _ImagePart(Shape):
    type: Literal["image_url"]
    image_url: _Address


_PARTS: Final[Mapping[Any, type[_TextPart | _ImagePart]]] = {
    "text": _TextPart,
    "image_url": _ImagePart,
}


class OpenAiDialect(Surface):
    """``POST /v1/moderations``, which lies among the contract's own paths and is none of them."""

    name = "openai"
    prefixes = ("/v1/moderations",)

    def __init__(self) -> None:
        super().__init__()
        self.add("POST", "/v1/moderations", self._moderate)

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure as OpenAI's clients turn it into their exceptions."""
        del request
        code = _CODES.get(failure.reason, failure.reason.lower() or None)
        bad = failure.detail(error_details_pb2.BadRequest())
        error = {
            "message": failure.status.message,
            "type": _type_of(failure),
            "param": bad.field_violations[0].field if bad and bad.field_violations else None,
            "code": code,
        }
        body = orjson.dumps({"error": error})
        return Answer(failure.http_status, body, headers=answer_of(failure).headers)

    async def _moderate(self, request: Request, rpc: Rpc) -> Answer:
        model, given = _asked(request.json())
        if isinstance(given, str):
            results = [await _judged_text(given, rpc)]
        elif all(isinstance(entry, str) for entry in given):
            results = await _judged_texts(given, rpc)
        else:
            results = [await _judged_together(given, rpc)]
        answer = {
            "id": f"modr-{rpc.request_id}",
            "model": model,
            "results": [result.to_json() for result in results],
        }
        return Answer(200, orjson.dumps(answer))


def _asked(body: Any) -> tuple[str, str | list[Any]]:
    """Return the model's name and the input. Raises ``RpcFailure``."""
    if not isinstance(body, dict):
        raise misfit("", "must be an object")
    unknown = sorted(set(body) - {"input", "model"})
    if unknown:
        raise misfit(field_path(unknown[:1]), "is no parameter of this API")
    model, given = body.get("model"), body.get("input")
    if model is not None and not isinstance(model, str):
        raise misfit("model", "must be a string")
    if not isinstance(given, str | list):
        raise misfit("input", "must be a string, an array of strings, or an array of parts")
    if isinstance(given, list) and not given:
        raise misfit("input", "must not be empty")
    return model or DEFAULT_MODEL, given


async def _judged_text(text: str, rpc: Rpc) -> Result:
    result = Result()
    with _placed("input"):
        result.add(await rpc(_TEXT, ModerateTextRequest(text=text), ModerateTextResponse))
    return result


async def _judged_texts(texts: Sequence[str], rpc: Rpc) -> list[Result]:
    """Return a result for each text. The first that is refused refuses all."""
    results: list[Result] = []
    for batch in _batches(texts):
        requests = [ModerateTextRequest(text=text) for text in batch]
        answer = await rpc(
            _BATCH, BatchModerateTextRequest(requests=requests), BatchModerateTextResponse
        )
        for entry in answer.results:
            with _placed(f"input[{len(results)}]"):
                if entry.HasField("error"):
                    raise RpcFailure(entry.error)
            result = Result()
            result.add(entry.response)
            results.append(result)
    return results


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Give the texts in order, as many at a time as one call may hold."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = 4 * len(text)  # the most that its UTF-8 can be
        if batch and (len(batch) == _BATCH_TEXTS or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    yield batch


async def _judged_together(parts: Sequence[Any], rpc: Rpc) -> Result:
    """Return the one result of all parts. The first that is refused refuses all."""
    if len(parts) > MAX_PARTS:
        raise misfit("input", f"has {len(parts)} parts; the limit is {MAX_PARTS}")
    asked = [_part(part, f"input[{index}]") for index, part in enumerate(parts)]
    result, places = Result(), asyncio.Semaphore(PARTS_AT_ONCE)

    async def judge(index: int, part: ModerateTextRequest | ModerateImageRequest) -> None:
        async with places:
            result.add(await _judged_part(part, f"input[{index}]", rpc))

    try:
        async with asyncio.TaskGroup() as group:
            for index, part in enumerate(asked):
                group.create_task(judge(index, part))
    except* RpcFailure as refused:
        first = refused.exceptions[0]
    else:
        return result
    raise first


def _part(part: Any, field: str) -> ModerateTextRequest | ModerateImageRequest:
    kind = part.get("type") if isinstance(part, dict) else None
    shape = _PARTS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise misfit(f"{field}.type", "must be text or image_url")
    read = shaped(shape, part, field)
    if isinstance(read, _TextPart):
        return ModerateTextRequest(text=read.text)
    return ModerateImageRequest(media=media_of(read.image_url.url, f"{field}.image_url.url"))


async def _judged_part(
    part: ModerateTextRequest | ModerateImageRequest, field: str, rpc: Rpc
) -> Judgement:
    if isinstance(part, ModerateTextRequest):
        with _placed(f"{field}.text"):
            return await rpc(_TEXT, part, ModerateTextResponse)
    with _placed(f"{field}.image_url.url"):
        return await rpc(_IMAGE, part, ModerateImageResponse)


@contextmanager
def _placed(param: str) -> Iterator[None]:
    """Have a refusal name the caller's own parameter, where it is the caller's to mend."""
    try:
        yield
    except RpcFailure as failure:
        if failure.status.code == code_pb2.INVALID_ARGUMENT:
            failure.status = _renamed(failure, param)
        raise


def _renamed(failure: RpcFailure, param: str) -> status_pb2.Status:
    """Return the failure's status as one about ``param``."""
    known = failure.detail(error_details_pb2.BadRequest())
    violations = known.field_violations if known else ()
    problem = violations[0].description if violations else failure.status.message
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field=param, description=problem)
    about = AnyMessage()
    about.Pack(bad)
    details = [entry for entry in failure.status.details if entry.TypeName() != about.TypeName()]
    return status_pb2.Status(
        code=failure.status.code, message=f"{param}: {problem}", details=[*details, about]
    )


def _type_of(failure: RpcFailure) -> str:
    if failure.http_status == HTTP_STATUS[code_pb2.RESOURCE_EXHAUSTED]:
        return "insufficient_quota" if failure.reason == "INSUFFICIENT_CREDITS" else "requests"
    return (
        "server_error"
        if failure.http_status >= HTTP_STATUS[code_pb2.INTERNAL]
        else "invalid_request_error"
    )
