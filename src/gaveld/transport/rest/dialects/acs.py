"""Serves the Automated Content Safety API: content of seven kinds, reviewed by a panel.

It counts no votes and knows no rule: a panel's review comes back in this API's own words, as much
of it as ``verbose`` asks for.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import orjson
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1.content_pb2 import Media, Turn
from gavel.v1.review_pb2 import AgentDecision, Decision, DecisionMethod, FlaggedCategory, Review
from google.rpc import code_pb2, error_details_pb2

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.coverage import coverage_headers
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.shapes import Shape, misfit, shaped
from gaveld.transport.rest.failures import RpcFailure, answer_of, invalid, refusal
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Request, Surface

STANDARD: Final = 1
DETAILED: Final = 2
MOST_REVIEWERS: Final = 10
MOST_TURNS: Final = 1_000

_METHODS: Final = MappingProxyType(
    {
        "average": DecisionMethod.DECISION_METHOD_AVERAGE,
        "any": DecisionMethod.DECISION_METHOD_ANY,
        "all": DecisionMethod.DECISION_METHOD_ALL,
        "score": DecisionMethod.DECISION_METHOD_SCORE,
    }
)
_METHOD_NAMES: Final = {value: name for name, value in _METHODS.items()}
_DECISIONS: Final = {
    Decision.DECISION_SAFE: "safe",
    Decision.DECISION_UNSAFE: "unsafe",
    Decision.DECISION_FAILED: "failed",
}
_ROLE: Final = re.compile("[a-z][a-z0-9_]{0,31}")
_TURN_TEXT: Final = re.compile(r"(content\[\d+\])\.text")

_BAD_REQUEST: Final = 400
_TOO_LARGE: Final = (413, "content_too_large")
_BAD_CONTENT: Final = (400, "invalid_content")
_BAD_PARAMETER: Final = (422, "invalid_parameter")
_NOT_HERE: Final = (501, "not_supported")

_BY_REASON: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "TEXT_TOO_LARGE": _TOO_LARGE,
        "MEDIA_TOO_LARGE": _TOO_LARGE,
        "MESSAGE_TOO_LARGE": _TOO_LARGE,
        "MEDIA_UNSUPPORTED": _BAD_CONTENT,
        "MEDIA_CORRUPT": _BAD_CONTENT,
        "MEDIA_ADDRESS_REFUSED": _BAD_CONTENT,
        "MEDIA_FETCH_FAILED": _BAD_CONTENT,
        "UNKNOWN_CATEGORY": _BAD_PARAMETER,
        "CUSTOM_PROMPT_UNSUPPORTED": _BAD_PARAMETER,
        "INSUFFICIENT_CREDITS": (402, "insufficient_credits"),
        "FEATURE_DISABLED": _NOT_HERE,
        "CLASSIFIER_NOT_INSTALLED": _NOT_HERE,
    }
)
_BY_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request",
        401: "invalid_api_key",
        403: "permission_denied",
        404: "not_found",
        405: "method_not_allowed",
        408: "timeout",
        415: "unsupported_media_type",
        429: "rate_limit_exceeded",
        499: "cancelled",
        501: "not_supported",
        503: "service_unavailable",
        504: "timeout",
    }
)
"""What the document's table has no word for is named likewise; what is left is internal_error."""


class _Asked(Shape):
    """A request. What is null counts as not given."""

    content: Any
    amount: int | None = None
    context: str | None = None
    decision_method: str | None = None
    excluded_categories: list[str] | None = None
    custom_prompt: str | None = None
    verbose: int | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """One endpoint: its last word, the RPC behind it, and how its content is read."""

    name: str
    rpc: str
    request: Callable[..., Any]
    content: Callable[[Any], str | Media | list[Turn]]


class AcsDialect(Surface):
    """``/api/v1/compliance/{text,comment,chat,conversation,search,image,video}``."""

    name = "acs"
    prefixes = ("/api/v1/compliance",)

    def __init__(self) -> None:
        super().__init__()
        for kind in _KINDS:
            self.add("POST", f"/api/v1/compliance/{kind.name}", partial(self._review, kind))

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure in the document's envelope, with the document's code."""
        del request
        status, code = _named(failure)
        error = {
            "error": True,
            "message": _TURN_TEXT.sub(r"\1.content", failure.status.message),
            "code": code,
        }
        return Answer(status, orjson.dumps(error), headers=answer_of(failure).headers)

    async def _review(self, kind: _Kind, request: Request, rpc: Rpc) -> Answer:
        asked = _read(request)
        _check_ranges(asked)
        verbose = STANDARD if asked.verbose is None else asked.verbose
        answer: Any = await rpc(
            f"/gavel.v1.ComplianceService/{kind.rpc}",
            kind.request(
                content=kind.content(asked.content),
                amount=asked.amount,
                context=asked.context,
                decision_method=_METHODS.get(asked.decision_method or ""),
                excluded_categories=asked.excluded_categories,
                custom_prompt=asked.custom_prompt,
                verbose=verbose,
            ),
        )
        body = orjson.dumps(review_json(answer.review, verbose))
        return Answer(200, body, headers=coverage_headers(answer.review.coverage))


def review_json(review: Review, verbose: int) -> dict[str, Any]:
    """Return a review as the document has it, in the detail of ``verbose``, 0 to 2."""
    shown: dict[str, Any] = {"decision": _DECISIONS[review.decision]}
    if verbose >= STANDARD:
        shown["reason"] = review.reason
        shown["score"] = review.score
        shown["decision_method"] = _METHOD_NAMES[review.decision_method]
        shown["flagged_categories"] = [_category(entry) for entry in review.flagged_categories]
    if verbose >= DETAILED:
        shown["agent_decisions"] = [_agent(entry) for entry in review.agent_decisions]
    shown["execution_time"] = _seconds(review.execution_time)
    return shown


def _agent(ballot: AgentDecision) -> dict[str, Any]:
    """Return one reviewer's ballot; one that failed flagged nothing, and has no list of it."""
    shown: dict[str, Any] = {
        "agent_name": ballot.agent_name,
        "decision": _DECISIONS[ballot.decision],
        "reason": ballot.reason,
    }
    if ballot.decision != Decision.DECISION_FAILED:
        shown["flagged_categories"] = [_category(entry) for entry in ballot.flagged_categories]
    return shown | {"time": _seconds(ballot.time)}


def _category(entry: FlaggedCategory) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "score": round(entry.score, 2),
        "count": entry.count,
    }


def _seconds(seconds: float) -> float:
    return round(seconds, 3)


def _read(request: Request) -> _Asked:
    value = request.json()
    try:
        asked = shaped(_Asked, value)
    except RpcFailure as failure:
        # Without the field: what has the wrong type is a bad request, and no parameter's value.
        raise invalid(failure.status.message) from None
    if asked.content is None:
        raise invalid("content is required.")
    return asked


def _check_ranges(asked: _Asked) -> None:
    if asked.amount is not None and not 1 <= asked.amount <= MOST_REVIEWERS:
        raise misfit("amount", f"must be 1 to {MOST_REVIEWERS}")
    if asked.verbose is not None and not 0 <= asked.verbose <= DETAILED:
        raise misfit("verbose", f"must be 0 to {DETAILED}")
    if asked.decision_method is not None and asked.decision_method not in _METHODS:
        raise misfit("decision_method", f"must be one of {', '.join(_METHODS)}")


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise misfit("content", "must be a string here")
    if not content.strip():
        raise misfit("content", "is empty")
    return content


def _media(content: Any) -> Media:
    return media_of(_text(content), "content")


def _turns(content: Any) -> list[Turn]:
    if not isinstance(content, list):
        raise misfit("content", 'must be an array of {"role", "content"} here')
    if not content:
        raise misfit("content", "is empty")
    if len(content) > MOST_TURNS:
        raise refusal(
            code_pb2.INVALID_ARGUMENT,
            "TEXT_TOO_LARGE",
            f"content may have {MOST_TURNS} turns.",
            field="content",
        )
    return [_turn(entry, f"content[{place}]") for place, entry in enumerate(content)]


def _turn(entry: Any, field: str) -> Turn:
    if not isinstance(entry, dict) or set(entry) != {"role", "content"}:
        raise misfit(field, 'must be an object of "role" and "content" and nothing else')
    role, text = entry["role"], entry["content"]
    if not isinstance(role, str) or not _ROLE.fullmatch(role):
        raise misfit(f"{field}.role", "must be a word such as user or assistant, in lower case")
    if not isinstance(text, str) or not text.strip():
        raise misfit(f"{field}.content", "must be a string that is not empty")
    return Turn(role=role, text=text)


def _named(failure: RpcFailure) -> tuple[int, str]:
    """Return the HTTP status and the code that the document has for a failure."""
    if failure.reason in _BY_REASON:
        return _BY_REASON[failure.reason]
    status = failure.http_status
    bad = failure.detail(error_details_pb2.BadRequest())
    field = bad.field_violations[0].field if bad and bad.field_violations else ""
    if status == _BAD_REQUEST and field:
        return _BAD_CONTENT if field.startswith("content") else _BAD_PARAMETER
    code = _BY_STATUS.get(status)
    return (status, code) if code else (500, "internal_error")


_KINDS: Final = (
    _Kind("text", "ReviewText", api.ReviewTextRequest, _text),
    _Kind("comment", "ReviewComment", api.ReviewCommentRequest, _text),
    _Kind("chat", "ReviewChat", api.ReviewChatRequest, _text),
    _Kind("conversation", "ReviewConversation", api.ReviewConversationRequest, _turns),
    _Kind("search", "ReviewSearch", api.ReviewSearchRequest, _text),
    _Kind("image", "ReviewImage", api.ReviewImageRequest, _media),
    _Kind("video", "ReviewVideo", api.ReviewVideoRequest, _media),
)
