"""Serves ContentMod's API: a text or a picture, judged at once.

What is judged later (deferral, callbacks, queues, signed uploads) is not served, and says so.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from gavel.v1.moderation_service_pb2 import (
    ModerateImageRequest,
    ModerateImageResponse,
    ModerateTextRequest,
    ModerateTextResponse,
)
from gavel.v1.verdict_pb2 import SentimentLabel
from google.rpc import code_pb2, error_details_pb2
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.contentmod_judgement import Judged
from gaveld.transport.rest.dialects.coverage import coverage_headers
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.shapes import Shape, misfit, shaped
from gaveld.transport.rest.failures import RpcFailure, answer_of, refusal
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request, Surface

MAX_META_BYTES: Final = 16_384

_TEXT: Final = "/gavel.v1.ModerationService/ModerateText"
_IMAGE: Final = "/gavel.v1.ModerationService/ModerateImage"

_STATUS: Final = {
    "INSUFFICIENT_CREDITS": 402,
    "MEDIA_TOO_LARGE": 413,
    "TEXT_TOO_LARGE": 413,
    "MEDIA_UNSUPPORTED": 415,
}
"""Where a client that reads the status alone needs another than the gateway's own."""

_CODES: Final = {"UNKNOWN_METHOD": "not_served", "UNKNOWN_ROUTE": "not_found"}

_FIELD: Final = re.compile(r"\b(?:media(?:\.uri|\.data)?|blocked_terms|actor_id)\b")
_FIELDS: Final = {"blocked_terms": "options.bannedWords", "actor_id": "options.actorId"}

_MOODS: Final = {
    SentimentLabel.SENTIMENT_LABEL_NEGATIVE: "negative",
    SentimentLabel.SENTIMENT_LABEL_NEUTRAL: "neutral",
    SentimentLabel.SENTIMENT_LABEL_POSITIVE: "positive",
}


class _Options(Shape):
    """What a call may ask for. Null counts as not given."""

    model_config = ConfigDict(alias_generator=to_camel)

    meta: Any = None
    metadata: Any = None
    callback_url: str | None = None
    defer: bool | None = None
    actor_id: str | None = None

    @property
    def echoed(self) -> Any:
        """What the answer's ``meta`` is: any JSON."""
        return self.metadata if self.meta is None else self.meta


class _TextOptions(_Options):
    banned_words: Sequence[str] | None = None


class _AskedText(Shape):
    text: str
    options: _TextOptions | None = None


class _AskedImage(Shape):
    image: str
    options: _Options | None = None


class ContentModDialect(Surface):
    """``POST /text`` and ``POST /image``, and what is not served yet."""

    name = "contentmod"
    prefixes = ("/text", "/image", "/queues", "/public")

    def __init__(self) -> None:
        super().__init__()
        self.add("POST", "/text", self._text)
        self.add("POST", "/image", self._image)
        for http_method, template, feature in (
            ("GET", "/text/{id}", "The result of a deferred moderation"),
            ("POST", "/queues/{queue_id}", "A queue"),
            ("GET", "/queues/{queue_id}/items/{id}", "A queue"),
            ("POST", "/public/{uuid}", "Signed upload"),
        ):
            self.add(http_method, template, partial(_refuse, feature))

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure in this dialect's form, naming the fields as its callers know them."""
        del request
        status = _STATUS.get(failure.reason, failure.http_status)
        bad = failure.detail(error_details_pb2.BadRequest())
        field = _renamed(bad.field_violations[0].field) if bad and bad.field_violations else ""
        code = _CODES.get(failure.reason, failure.reason.lower() or "internal")
        error = {"status": status, "code": code, "message": _renamed(failure.status.message)}
        if field:
            error["field"] = field
        return _answer(status, {"error": error}, answer_of(failure).headers)

    async def _text(self, request: Request, rpc: Rpc) -> Answer:
        asked = shaped(_AskedText, request.json())
        options = asked.options or _TextOptions()
        _check(options)
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
        asked = shaped(_AskedImage, request.json())
        options = asked.options or _Options()
        _check(options)
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


def text_json(
    answer: ModerateTextResponse, text: str, request_id: str, time: datetime
) -> dict[str, Any]:
    """Return the answer about a text, without what is the caller's own to echo."""
    judged = Judged(answer)
    has_mood = answer.HasField("sentiment")
    return {
        "id": request_id,
        **judged.shared(),
        "sentiment": _MOODS.get(answer.sentiment.label) if has_mood else None,
        "sentimentScore": round(answer.sentiment.score, 2) if has_mood else None,
        "summary": {"profanity": judged.is_profane, **judged.summary()},
        "filteredContent": answer.filtered_text,
        "content": text,
        "original": text,
        "request": {
            "requestId": request_id,
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
    }


def image_json(answer: ModerateImageResponse) -> dict[str, Any]:
    """Return the answer about a picture, without what is the caller's own to echo."""
    judged = Judged(answer)
    return {
        "summary": judged.summary(),
        **judged.shared(),
        "description": answer.description,
    }


def _check(options: _Options) -> None:
    """Refuse what would be judged later, and more metadata than is echoed."""
    if options.defer:
        raise _not_served("Deferred moderation (options.defer)")
    if options.callback_url:
        raise _not_served("A callback (options.callbackUrl)")
    for name, given in (("meta", options.meta), ("metadata", options.metadata)):
        if given is not None and len(_json(given)) > MAX_META_BYTES:
            raise misfit(f"options.{name}", f"has more than {MAX_META_BYTES} bytes of JSON")


async def _refuse(feature: str, _: Request, __: Rpc) -> Answer:
    raise _not_served(feature)


def _not_served(feature: str) -> RpcFailure:
    return refusal(code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", f"{feature} is not served yet.")


def _renamed(said: str) -> str:
    return _FIELD.sub(lambda name: _FIELDS.get(name[0], "image"), said)


def _answer(status: int, shown: dict[str, Any], headers: Any) -> Answer:
    return Answer(status, _json(shown), headers=headers)


def _json(value: Any) -> bytes:
    """Return a value as JSON; orjson would refuse whole numbers that callers may have in meta."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
