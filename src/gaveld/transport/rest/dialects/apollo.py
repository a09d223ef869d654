"""Serves Apollo's API: typed content in, the actions that the policy's rules set off out.

Content types and rules are the policy's; without the one that a request names, it is refused. Every
action that rules set off is called back, whether or not the answer waited for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final

import orjson
from gavel.v1.content_pb2 import FieldList, FieldObject, FieldValue
from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse
from google.longrunning.operations_pb2 import Operation, WaitOperationRequest
from google.rpc import code_pb2, error_details_pb2
from pydantic import AliasChoices, Field

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.dialects.coverage import coverage_headers
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.shapes import Shape, field_path, misfit, shaped
from gaveld.transport.rest.failures import RpcFailure, answer_of, refusal
from gaveld.transport.rest.headers import Metadata
from gaveld.transport.rest.routing import Match
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.surfaces import Handler, Request, Surface
from gaveld.transport.rest.templates import Path

MAX_DEPTH: Final = 8

_SUBMIT: Final = "/gavel.v1.ContentService/SubmitContent"
_WAIT: Final = "/google.longrunning.Operations/WaitOperation"

_STATUS: Final = {"INSUFFICIENT_CREDITS": 402, "MEDIA_TOO_LARGE": 413, "TEXT_TOO_LARGE": 413}

_KINDS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid-user-input", "Invalid request"),
    401: ("authentication-failed-or-missing", "Invalid API Key"),
    402: ("insufficient-credits", "Insufficient credits"),
    403: ("permission-denied", "Permission denied"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    408: ("timeout", "The request took too long"),
    409: ("conflict", "Conflict"),
    413: ("too-large", "Content too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
    429: ("too-many-requests", "Too many requests"),
    499: ("cancelled", "Cancelled"),
    500: ("internal-server-error", "Internal error"),
    501: ("not-served", "Not served"),
    503: ("unavailable", "Service unavailable"),
    504: ("timeout", "Timed out"),
}
"""The word of an error's ``type`` and its title, by HTTP status."""

_TITLES: Final = {
    "UNKNOWN_CONTENT_TYPE": "Content type not found",
    "CONTENT_TYPE_MISMATCH": "Content does not match its content type",
}

_NAMES: Final = {"content_type": "contenttype", "actor_id": "user_id", "fields": "content"}
_NAME: Final = re.compile(rf"^(?:{'|'.join(_NAMES)})\b")
_KEY: Final = re.compile(r'\["([A-Za-z_][A-Za-z0-9_-]*)"\]')
_KIND: Final = re.compile(
    r"(?<=\])\.(?:list_value\.values|object_value\.fields|[a-z]+_value(?:\.(?:uri|data))?)"
)
"""How the contract writes a field's name, and its type, which callers here don't know."""

_STEP: Final = re.compile(r'"([^"]*)"|[^.\[\]"]+')


class _Asked(Shape):
    """A request, the same for every kind of content."""

    content_id: Annotated[str, Field(min_length=1)]
    user_id: str
    content_type: Annotated[
        str, Field(min_length=1, validation_alias=AliasChoices("contenttype", "contentType"))
    ]
    content: dict[str, Any]
    sync: bool = True


class ApolloDialect(Surface):
    """``POST /api/v1/content/`` and ``POST /api/v1/image/``, with or without the last slash."""

    name = "apollo"
    prefixes = ("/api/v1/content", "/api/v1/image")

    def __init__(self) -> None:
        super().__init__()
        self.add("POST", "/api/v1/content", partial(_submit, _value))
        self.add("POST", "/api/v1/image", partial(_submit, _picture_or_value))

    def find(self, http_method: str, path: Path) -> Match[Handler]:
        """Return the route of a request line; the slash at its end is no part of it."""
        parts = path.parts[:-1] if path.parts[-1] == "" else path.parts
        return super().find(http_method, Path(parts))

    def credentials(self, request: Request) -> Metadata:
        """Return the key: in ``x-api-key``, or in ``Authorization`` after TOKEN or Bearer."""
        scheme, _, token = request.headers["authorization"].partition(" ")
        key = request.headers["x-api-key"]
        if not key and scheme.lower() in {"token", "bearer"}:
            key = token.strip()
        return (("x-api-key", key),) if key else super().credentials(request)

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return a failure as a list of errors, one for each field at fault."""
        status = _STATUS.get(failure.reason, failure.http_status)
        kind, title = _KINDS.get(status, _KINDS[500])
        shared = {
            "status": status,
            "type": [f"/errors/{kind}"],
            "title": _TITLES.get(failure.reason, title),
        }
        named = {"requestId": failure.request_id or request.request_id}
        errors = [shared | problem | named for problem in _problems(failure)]
        body = orjson.dumps({"status": status, "errors": errors})
        return Answer(status, body, headers=answer_of(failure).headers)


Convert = Callable[[Any, str, int], FieldValue]


async def _submit(convert: Convert, request: Request, rpc: Rpc) -> Answer:
    asked = shaped(_Asked, request.json())
    fields = _fields(asked.content, "content", 1, convert)
    if not fields:
        raise misfit("content", "must have a field that is not null")
    operation = await rpc(
        _SUBMIT,
        SubmitContentRequest(
            content_id=asked.content_id,
            actor_id=asked.user_id,
            content_type=asked.content_type,
            fields=fields,
            sync=asked.sync,
        ),
        Operation,
    )
    if not asked.sync:
        return Answer(204)
    decided = await _decided(operation, rpc)
    body = orjson.dumps(answer_json(decided))
    return Answer(200, body, headers=coverage_headers(decided.verdict.coverage))


async def _decided(operation: Operation, rpc: Rpc) -> SubmitContentResponse:
    """Return what was decided; the same content, sent before to be decided later, is waited for."""
    if not operation.done:
        operation = await rpc(_WAIT, WaitOperationRequest(name=operation.name), Operation)
    if not operation.done:
        said = "The same content was sent before, and is still waiting to be judged."
        raise refusal(code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", said)
    if operation.HasField("error"):
        raise RpcFailure(operation.error, request_id=rpc.request_id)
    decided = SubmitContentResponse()
    operation.response.Unpack(decided)
    return decided


def answer_json(decided: SubmitContentResponse) -> dict[str, Any]:
    """Return the answer: each action that the rules set off, once, in the rules' order."""
    runs = [{"id": run.action_id, "run": run.name} for run in decided.triggered_actions]
    return {"content_id": decided.content_id, "status": 200, "data": {"workflowsRuns": runs}}


def _fields(
    given: Mapping[str, Any], at: str, depth: int, convert: Convert
) -> dict[str, FieldValue]:
    """Return an object's fields; one that is null counts as not there."""
    return {
        name: convert(value, f"{at}.{field_path([name])}", depth)
        for name, value in given.items()
        if value is not None
    }


def _picture_or_value(value: Any, at: str, depth: int) -> FieldValue:
    """Return ``content.url`` as a picture, and everything else as what it is."""
    if at == "content.url" and isinstance(value, str):
        return FieldValue(image_value=media_of(value, at))
    return _value(value, at, depth)


def _value(value: Any, at: str, depth: int) -> FieldValue:
    """Return a value of the type that it has in JSON. Raises ``RpcFailure`` for what has none."""
    if depth > MAX_DEPTH:
        raise misfit(at, f"nests deeper than {MAX_DEPTH} levels")
    match value:
        case str():
            return FieldValue(string_value=value)
        case bool():
            return FieldValue(bool_value=value)
        case int():
            if not -(2**63) <= value < 2**63:
                raise misfit(at, "must fit in 64 bits")
            return FieldValue(int_value=value)
        case float():
            return FieldValue(float_value=value)
        case list():
            items = [_value(item, f"{at}[{place}]", depth + 1) for place, item in enumerate(value)]
            return FieldValue(list_value=FieldList(values=items))
        case dict():
            fields = _fields(value, at, depth + 1, _value)
            return FieldValue(object_value=FieldObject(fields=fields))
        case _:
            raise misfit(at, "must not be null")


def _problems(failure: RpcFailure) -> Iterator[dict[str, str]]:
    """Give what is wrong, and where; once, and nowhere, if no field is at fault."""
    bad = failure.detail(error_details_pb2.BadRequest())
    if bad is None or not bad.field_violations:
        yield {"detail": _renamed(failure.status.message)}
        return
    for violation in bad.field_violations:
        field, said = _renamed(violation.field), _renamed(violation.description)
        detail = said if not field or said.startswith(field) else f"{field} {said}"
        yield {"detail": detail, "pointer": _pointer(field)}


def _renamed(said: str) -> str:
    """Return a path, or what is said of one, by the name that this API has for its first part."""
    named = _NAME.sub(lambda name: _NAMES[name[0]], said)
    return _KEY.sub(r".\1", _KIND.sub("", named))


def _pointer(field: str) -> str:
    """Return the JSON pointer of a path such as ``content.tags[2]``."""
    steps = (step[1] if step[1] is not None else step[0] for step in _STEP.finditer(field))
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
