"""Apollo's error envelope: every failure that Gavel can have comes in it."""

import json
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gaveld.transport.rest.dialects.apollo import ApolloDialect
from gaveld.transport.rest.failures import HTTP_STATUS, RpcFailure, internal, refusal
from gaveld.transport.rest.headers import Headers
from gaveld.transport.rest.surfaces import Request

REQUEST = Request("POST", b"/api/v1/content/", b"", Headers([]), "r-1")


def shown(failure: RpcFailure) -> dict[str, Any]:
    return dict(json.loads(ApolloDialect().failure(REQUEST, failure).body))


@pytest.mark.parametrize("code", sorted(set(HTTP_STATUS) - {code_pb2.OK}))
def test_every_code_has_the_envelope(code: int):
    """Law: one error with status, type, title, detail and request id; Retry-After beside it."""
    failure = refusal(code, "SOME_REASON", "It can't be.", retry_after_seconds=1.2)
    answer = ApolloDialect().failure(REQUEST, failure)
    body = json.loads(answer.body)
    (error,) = body["errors"]
    assert answer.status == body["status"] == error["status"] == HTTP_STATUS[code]
    assert list(error) == ["status", "type", "title", "detail", "requestId"]
    assert (error["detail"], error["requestId"]) == ("It can't be.", "r-1")
    is_our_fault = answer.status == 500
    assert (error["title"] == "Internal error") is is_our_fault
    assert ("retry-after", "2") in answer.headers


@pytest.mark.parametrize(
    ("reason", "status", "title"),
    [
        ("INSUFFICIENT_CREDITS", 402, "Insufficient credits"),
        ("TEXT_TOO_LARGE", 413, "Content too large"),
        ("MEDIA_TOO_LARGE", 413, "Content too large"),
        ("MESSAGE_TOO_LARGE", 413, "Content too large"),
        ("CONTENT_TYPE_UNSUPPORTED", 415, "Unsupported media type"),
    ],
)
def test_some_reasons_have_a_status_of_their_own(reason: str, status: int, title: str):
    """Law: what a repeat can't mend doesn't look like an overload."""
    body = shown(refusal(code_pb2.RESOURCE_EXHAUSTED, reason, "No."))
    assert (body["status"], body["errors"][0]["title"]) == (status, title)


def test_each_field_at_fault_is_an_error_of_its_own():
    """Law: every missing, mistyped and unknown field is listed with its pointer."""
    bad, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    info.reason, info.domain = "CONTENT_TYPE_MISMATCH", "gavel"
    bad.field_violations.add(field="fields.age", description="must be an int")
    bad.field_violations.add(field='fields["a/b"].tags[2]', description="is unknown")
    details = [AnyMessage(), AnyMessage()]
    for packed, detail in zip(details, (info, bad), strict=True):
        packed.Pack(detail)
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="no", details=details)
    errors = shown(RpcFailure(status, request_id="r-2"))["errors"]
    assert {error["title"] for error in errors} == {"Content does not match its content type"}
    assert {error["requestId"] for error in errors} == {"r-2"}
    assert [error["pointer"] for error in errors] == ["/content/age", "/content/a~1b/tags/2"]
    assert errors[0]["detail"] == "content.age must be an int"


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ('fields["text"].string_value', "/content/text"),
        ('fields["tags"].list_value.values[3].string_value', "/content/tags/3"),
        ('fields["a"].object_value.fields["b-c"].int_value', "/content/a/b-c"),
        ('fields["url"].image_value.uri', "/content/url"),
        ('fields["string_value"].string_value', "/content/string_value"),
        ('fields["no name"]', "/content/no name"),
        ("actor_id", "/user_id"),
    ],
)
def test_fields_are_named_as_callers_know_them(field: str, pointer: str):
    """Law: how the contract writes a value of a type doesn't reach a caller of this API."""
    failure = refusal(code_pb2.INVALID_ARGUMENT, "INVALID_ARGUMENT", f"{field}: bad", field=field)
    (error,) = shown(failure)["errors"]
    assert error["pointer"] == pointer
    assert "_value" not in error["detail"].replace("content.string_value", "")


def test_a_defect_is_500():
    """Law: what broke inside is told as such, with the name under which the log has it."""
    body = shown(internal("r-1"))
    assert body["status"] == 500
    assert "r-1" in body["errors"][0]["detail"]
