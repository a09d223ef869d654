"""Serves Perspective's API: comments scored attribute by attribute, and people's opinions kept.

A score is a trait that classifiers gave the text. One that they didn't is an error that names the
attribute, never a number.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from gavel.v1.content_pb2 import Context, Turn
from gavel.v1.feedback_service_pb2 import SubmitFeedbackRequest, SubmitFeedbackResponse
from gavel.v1.moderation_service_pb2 import ModerateTextRequest, ModerateTextResponse
from gavel.v1.verdict_pb2 import AttributeScores
from google.rpc import code_pb2

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.loose_json import read_loose_json
from gaveld.transport.rest.dialects.perspective_attributes import (
    TRAITS,
    CommentError,
    Languages,
    Scores,
    check_names,
)
from gaveld.transport.rest.dialects.perspective_discovery import discovery_document
from gaveld.transport.rest.dialects.perspective_shapes import (
    AnalyzeRequest,
    CommentContext,
    Requested,
    SuggestRequest,
    TextEntry,
)
from gaveld.transport.rest.dialects.shapes import S, misfit, shaped
from gaveld.transport.rest.failures import (
    HTTP_STATUS,
    RpcFailure,
    answer_of,
    malformed,
    status_json,
)
from gaveld.transport.rest.headers import Metadata
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.strict_json import MalformedJsonError
from gaveld.transport.rest.surfaces import Request, Surface

MAX_COMMENT_BYTES: Final = 20_480

_BAD_REQUEST: Final = HTTP_STATUS[code_pb2.INVALID_ARGUMENT]
_CHALLENGE: Final = "www-authenticate"
_MODERATE: Final = "/gavel.v1.ModerationService/ModerateText"
_SUBMIT: Final = "/gavel.v1.FeedbackService/SubmitFeedback"


class PerspectiveDialect(Surface):
    """``comments:analyze``, ``comments:suggestscore``, and what client libraries start by."""

    name = "perspective"
    prefixes = ("/v1alpha1", "/$discovery")

    def __init__(self) -> None:
        super().__init__()
        self._languages = Languages()
        self.add("POST", "/v1alpha1/comments:analyze", self._analyze)
        self.add("POST", "/v1alpha1/comments:suggestscore", self._suggest)
        self.add("GET", "/$discovery/rest", self._describe)

    def credentials(self, request: Request) -> Metadata:
        """Return the key of ``?key=`` or ``x-goog-api-key``, else what Gavel itself takes."""
        key = request.parameter("key") or request.headers["x-goog-api-key"]
        return (("x-api-key", key),) if key else super().credentials(request)

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure as Google's APIs have it."""
        del request
        details: Any = status_json(failure.status).get("details", [])
        if isinstance(failure, CommentError):
            details = [failure.comment_error, *details]
        error = {
            "code": failure.http_status,
            "message": failure.status.message,
            "status": code_pb2.Code.Name(failure.status.code),
            "details": details,
        }
        body = orjson.dumps({"error": error})
        headers = dict(answer_of(failure).headers)
        if _CHALLENGE in headers:  # Google's client for Python can't read one without a realm
            headers[_CHALLENGE] = 'Bearer realm="gavel"'
        return Answer(failure.http_status, body, headers=tuple(headers.items()))

    async def _analyze(self, request: Request, rpc: Rpc) -> Answer:
        asked = _read(AnalyzeRequest, request)
        text = _text(asked.comment)
        wanted = asked.requested_attributes
        if asked.drop_unsupported_attributes and wanted:
            wanted = {name: wanted[name] for name in wanted if name in TRAITS}
        else:
            check_names(wanted, "requestedAttributes")
        answer = await rpc(
            _MODERATE,
            ModerateTextRequest(
                text=text, do_not_store=asked.do_not_store, score_sentences=asked.span_annotations
            ),
            ModerateTextResponse,
        )
        scores = Scores(text, answer, asked.languages, self._languages)
        shown: dict[str, Any] = {}
        for name, parameters in wanted.items():
            problem = await scores.problem(name, rpc)
            if problem is None:
                shown |= _shown(name, parameters, scores, with_sentences=asked.span_annotations)
            elif not (asked.drop_unsupported_attributes and problem.http_status == _BAD_REQUEST):
                raise problem
        return _answer(
            attributeScores=shown,
            languages=list(asked.languages) or scores.detected,
            detectedLanguages=scores.detected,
            clientToken=asked.client_token,
        )

    async def _suggest(self, request: Request, rpc: Rpc) -> Answer:
        asked = _read(SuggestRequest, request)
        text = _text(asked.comment)
        check_names(asked.attribute_scores, "attributeScores")
        wanted = AttributeScores()
        for name, suggested in asked.attribute_scores.items():
            if suggested.summary_score is None:
                raise misfit(
                    f"attributeScores.{name}.summaryScore",
                    "is required: Gavel keeps opinions of whole comments, not of spans",
                )
            setattr(wanted, TRAITS[name].field, suggested.summary_score.value)
        await rpc(
            _SUBMIT,
            SubmitFeedbackRequest(
                text=text,
                context=_context(asked.context),
                attribute_scores=wanted,
                languages=asked.languages,
                community_id=asked.community_id,
            ),
            SubmitFeedbackResponse,
        )
        return _answer(clientToken=asked.client_token)

    async def _describe(self, request: Request, _: Rpc) -> Answer:
        return Answer(200, orjson.dumps(discovery_document(request)))


def _read(shape: type[S], request: Request) -> S:
    try:
        value = read_loose_json(request.body)
    except MalformedJsonError as error:
        raise malformed(str(error)) from None
    return shaped(shape, _without_nulls(value))


def _without_nulls(value: Any) -> Any:
    """Return the value without fields that are null, which in proto3 JSON means not given."""
    if isinstance(value, list):
        return [_without_nulls(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _without_nulls(entry) for name, entry in value.items() if entry is not None}
    return value


def _text(comment: TextEntry) -> str:
    if not comment.text.strip():
        raise CommentError("COMMENT_EMPTY", "Comment must be non-empty.", field="comment.text")
    size = len(comment.text.encode())
    if size > MAX_COMMENT_BYTES:
        raise CommentError(
            "COMMENT_TOO_LONG",
            f"The comment has {size} bytes; the limit is {MAX_COMMENT_BYTES}.",
            field="comment.text",
        )
    return comment.text


def _shown(
    name: str, parameters: Requested, scores: Scores, *, with_sentences: bool
) -> Mapping[str, Any]:
    """Return the attribute's entry; nothing for one below its threshold."""
    summary = scores.of_comment(name)
    if summary < (parameters.score_threshold or 0.0):
        return {}
    spans = scores.of_sentences(name) if with_sentences else [(0, scores.utf16_length, summary)]
    return {
        name: {
            "spanScores": [
                {"begin": begin, "end": end, "score": _score(value)} for begin, end, value in spans
            ],
            "summaryScore": _score(summary),
        }
    }


def _score(value: float) -> Mapping[str, Any]:
    return {"value": value, "type": "PROBABILITY"}


def _context(context: CommentContext) -> Context | None:
    if context == CommentContext():
        return None
    parents = context.article_and_parent_comment
    return Context(
        description=parents.article.text,
        parent_text=parents.parent_comment.text,
        turns=[Turn(text=entry.text) for entry in context.entries],
    )


def _answer(**fields: Any) -> Answer:
    """Return the fields that are set, as proto3 JSON has it."""
    return Answer(200, orjson.dumps({name: value for name, value in fields.items() if value}))
