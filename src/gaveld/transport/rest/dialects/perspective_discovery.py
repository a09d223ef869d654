"""Describes Perspective's API in Google's discovery format, as its client libraries ask for it.

It names the address that it was asked at, so that a client built from it calls this gateway.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gaveld.transport.rest.failures import invalid
from gaveld.transport.rest.surfaces import Request

_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")

_TEXT: Final = MappingProxyType({"type": "string"})
_FLAG: Final = MappingProxyType({"type": "boolean"})
_NUMBER: Final = MappingProxyType({"type": "number", "format": "float"})
_PLACE: Final = MappingProxyType({"type": "integer", "format": "int32"})


def discovery_document(request: Request) -> Mapping[str, Any]:
    """Return the document. Raises ``RpcFailure`` for a version that isn't v1alpha1, or no host."""
    if request.parameter("version") not in {"", "v1alpha1"}:
        raise invalid("There is version v1alpha1, and no other.", "version")
    host = request.headers["host"]
    if not _HOST.fullmatch(host):
        raise invalid("The header host names no host.")
    forwarded = request.headers["x-forwarded-proto"]
    scheme = forwarded if forwarded in {"http", "https"} else request.scheme
    root = f"{scheme}://{host}/"
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "commentanalyzer:v1alpha1",
        "name": "commentanalyzer",
        "version": "v1alpha1",
        "title": "Perspective Comment Analyzer API, as Gavel serves it",
        "description": "Scores comments, and keeps people's opinions of scores.",
        "protocol": "rest",
        "rootUrl": root,
        "servicePath": "",
        "baseUrl": root,
        "basePath": "",
        "batchPath": "batch",
        "parameters": _PARAMETERS,
        "schemas": _SCHEMAS,
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeComment"),
                    "suggestscore": _method("suggestscore", "SuggestCommentScore"),
                }
            }
        },
    }


def _method(verb: str, messages: str) -> Mapping[str, Any]:
    return {
        "id": f"commentanalyzer.comments.{verb}",
        "path": f"v1alpha1/comments:{verb}",
        "flatPath": f"v1alpha1/comments:{verb}",
        "httpMethod": "POST",
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": f"{messages}Request"},
        "response": {"$ref": f"{messages}Response"},
    }


def _message(name: str, **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": name, "type": "object", "properties": properties}


def _ref(name: str) -> Mapping[str, Any]:
    return {"$ref": name}


def _list(items: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "array", "items": dict(items)}


def _map(name: str) -> Mapping[str, Any]:
    return {"type": "object", "additionalProperties": _ref(name)}


_PARAMETERS: Final = {
    "key": {"type": "string", "location": "query", "description": "The API key."},
    "alt": {"type": "string", "location": "query", "default": "json", "enum": ["json"]},
    "prettyPrint": {"type": "boolean", "location": "query", "default": "true"},
    "fields": {"type": "string", "location": "query"},
    "quotaUser": {"type": "string", "location": "query"},
}

_ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "comment": _ref("TextEntry"),
    "context": _ref("Context"),
    "languages": _list(_TEXT),
    "clientToken": dict(_TEXT),
    "sessionId": dict(_TEXT),
    "communityId": dict(_TEXT),
}

_SCHEMAS: Final = {
    message["id"]: message
    for message in (
        _message("TextEntry", text=dict(_TEXT), type=dict(_TEXT)),
        _message(
            "Context",
            entries=_list(_ref("TextEntry")),
            articleAndParentComment=_ref("ArticleAndParentComment"),
        ),
        _message(
            "ArticleAndParentComment", article=_ref("TextEntry"), parentComment=_ref("TextEntry")
        ),
        _message("AttributeParameters", scoreType=dict(_TEXT), scoreThreshold=dict(_NUMBER)),
        _message("Score", value=dict(_NUMBER), type=dict(_TEXT)),
        _message("SpanScore", begin=dict(_PLACE), end=dict(_PLACE), score=_ref("Score")),
        _message(
            "AttributeScores", summaryScore=_ref("Score"), spanScores=_list(_ref("SpanScore"))
        ),
        _message(
            "AnalyzeCommentRequest",
            **_ASKED,
            requestedAttributes=_map("AttributeParameters"),
            spanAnnotations=dict(_FLAG),
            doNotStore=dict(_FLAG),
            dropUnsupportedAttributes=dict(_FLAG),
        ),
        _message(
            "AnalyzeCommentResponse",
            attributeScores=_map("AttributeScores"),
            languages=_list(_TEXT),
            detectedLanguages=_list(_TEXT),
            clientToken=dict(_TEXT),
        ),
        _message("SuggestCommentScoreRequest", **_ASKED, attributeScores=_map("AttributeScores")),
        _message("SuggestCommentScoreResponse", clientToken=dict(_TEXT)),
    )
}
