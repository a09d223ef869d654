"""Serves Discuse's one route: a text, pictures and GIFs checked together, with hits by threshold.

A score that Gavel doesn't have is null, and a part that was not checked has no status: it is never
called clean.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from gavel.v1.check_service_pb2 import (
    CheckPart,
    CheckRequest,
    CheckResponse,
    CheckStatus,
    ImageCheck,
)
from gavel.v1.content_pb2 import Media
from gavel.v1.policy_pb2 import CheckThresholds
from pydantic import BeforeValidator, Field

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.coverage import coverage_headers
from gaveld.transport.rest.dialects.loose_json import read_loose_json
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.patience import Patience
from gaveld.transport.rest.dialects.shapes import Shape, misfit, shaped
from gaveld.transport.rest.failures import RpcFailure, answer_of, malformed
from gaveld.transport.rest.headers import TRACEPARENT, Metadata, timeout_of
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.strict_json import MalformedJsonError
from gaveld.transport.rest.surfaces import Request, Surface

MAX_PICTURES: Final = 16
MAX_TRACE_CHARACTERS: Final = 512

_CHECK: Final = "/gavel.v1.CheckService/Check"
_CREDENTIALS: Final = ("x-client-id", "x-client-secret")
_STATUSES: Final = {
    CheckStatus.CHECK_STATUS_OK: "ok",
    CheckStatus.CHECK_STATUS_ERROR: "error",
    CheckStatus.CHECK_STATUS_NOT_CHECKED: "",
}


def _worded(value: Any) -> Any:
    return str(value) if type(value) is int else value


Threshold = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, BeforeValidator(_worded), Field(max_length=256)]


class _Media(Shape):
    text: str | None = None
    image_url: list[str] | None = None
    gif_url: list[str] | None = None


class _Content(Shape):
    media: _Media
    user_id: Name | None = None


class _Settings(Shape):
    """Thresholds for this request alone. The key says which project it is, not ``project_id``."""

    project_id: Name | None = None
    sentiment: Threshold | None = None
    toxicity: Threshold | None = None
    profanity: Threshold | None = None
    threat: Threshold | None = None
    insult: Threshold | None = None
    spam: Threshold | None = None
    images: Threshold | None = None
    images_porn: Threshold | None = None
    images_sexual: Threshold | None = None


class _Asked(Shape):
    """A request. What is null counts as not given."""

    request: _Content
    settings: _Settings | None = None
    trace_context: Annotated[str, Field(max_length=MAX_TRACE_CHARACTERS)] | None = None


class DiscuseDialect(Surface):
    """``/api/v1/check``. ``patience`` is how it waits for a server that is busy."""

    name = "discuse"
    prefixes = ("/api/v1/check",)

    def __init__(self, patience: Patience | None = None) -> None:
        super().__init__()
        self._patience = patience or Patience()
        self.add("POST", "/api/v1/check", self._check)

    def credentials(self, request: Request) -> Metadata:
        """Return ``x-client-id`` and ``x-client-secret``; one without the other is none."""
        found = tuple((name, request.headers[name]) for name in _CREDENTIALS)
        return found if all(value for _, value in found) else ()

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure as an object that has its status, its reason and what to do."""
        del request
        error = {
            "status": failure.http_status,
            "code": failure.reason or "UNKNOWN",
            "message": failure.status.message,
        }
        body = orjson.dumps({"error": error})
        return Answer(failure.http_status, body, headers=answer_of(failure).headers)

    async def _check(self, request: Request, rpc: Rpc) -> Answer:
        wanted = _wanted(_read(request), request.headers[TRACEPARENT])
        answer = await self._patience.call(
            lambda: rpc(_CHECK, wanted, CheckResponse), timeout_of(request.headers)
        )
        body = orjson.dumps(check_json(answer))
        return Answer(200, body, headers=coverage_headers(answer.verdict.coverage))


def check_json(answer: CheckResponse) -> dict[str, Any]:
    """Return a check as the document has it, with all of its keys."""
    worst_image = answer.worst_image_index if answer.HasField("worst_image_index") else None
    worst_gif = answer.worst_gif_index if answer.HasField("worst_gif_index") else None
    return {
        "trace_context": answer.trace_context,
        "links": _part(answer.links),
        "badwords": _part(answer.badwords),
        "antivirus": _part(answer.antivirus),
        "language": _language(answer),
        "images": _pictures(answer.images, worst_image),
        "gifs": _pictures(answer.gifs, worst_gif),
        "sentiment": _sentiment(answer),
        "hits": answer.hits,
    }


def _part(part: CheckPart) -> dict[str, Any]:
    return {"status": _STATUSES[part.status], "hit": part.hit}


def _language(answer: CheckResponse) -> dict[str, Any]:
    language = answer.language
    return {
        "expected": ",".join(language.expected) or None,
        "detected": language.detected.code or None,
        "hit": language.hit,
    }


def _sentiment(answer: CheckResponse) -> dict[str, Any]:
    scores = answer.sentiment.scores
    return {
        "toxic": _set(scores, "toxicity"),
        "profanity": _set(scores, "profanity"),
        "threat": _set(scores, "threat"),
        "insult": _set(scores, "insult"),
        "hit": answer.sentiment.hit,
    }


def _pictures(pictures: Sequence[ImageCheck], worst: int | None) -> dict[str, Any]:
    """Return the worst picture's numbers; it is all right only where every picture was scored."""
    if not pictures:
        return {"result": {}}
    shown = ImageCheck() if worst is None else pictures[worst]
    result = {"category": shown.category, "confidence": shown.confidence} if shown.category else {}
    return {
        "result": result,
        "status": "ok" if all(entry.category for entry in pictures) else "error",
        "porn": _sum(shown, "porn", "hentai"),
        "sexual": _sum(shown, "sexual"),
        "neutral": _sum(shown, "neutral", "drawing"),
        "hit": any(entry.hit for entry in pictures),
    }


def _sum(picture: ImageCheck, *classes: str) -> float | None:
    """Return the probability of classes together; drawings count with what they show."""
    found = [score for name in classes if (score := _set(picture.scores, name)) is not None]
    return min(1.0, sum(found)) if found else None


def _set(scores: Any, name: str) -> float | None:
    return getattr(scores, name) if scores.HasField(name) else None


def _read(request: Request) -> _Asked:
    try:
        value = read_loose_json(request.body)
    except MalformedJsonError as error:
        raise malformed(str(error)) from None
    return shaped(_Asked, value)


def _wanted(asked: _Asked, traceparent: str) -> CheckRequest:
    media = asked.request.media
    images, gifs = _media(media.image_url, "image_url"), _media(media.gif_url, "gif_url")
    if not (media.text or images or gifs):
        raise misfit("request.media", "has nothing to check: no text, no image and no GIF")
    thresholds = (asked.settings or _Settings()).model_dump(
        exclude={"project_id"}, exclude_none=True
    )
    told = traceparent if len(traceparent) <= MAX_TRACE_CHARACTERS else ""
    return CheckRequest(
        text=media.text or "",
        images=images,
        gifs=gifs,
        actor_id=asked.request.user_id or "",
        thresholds=CheckThresholds(**thresholds) if thresholds else None,
        trace_context=asked.trace_context or told,
    )


def _media(addresses: list[str] | None, name: str) -> list[Media]:
    """Return the pictures at the addresses, of which empty ones don't count."""
    found = [
        media_of(address.strip(), f"request.media.{name}[{place}]")
        for place, address in enumerate(addresses or ())
        if address.strip()
    ]
    if len(found) > MAX_PICTURES:
        raise misfit(f"request.media.{name}", f"may have {MAX_PICTURES} entries")
    return found
