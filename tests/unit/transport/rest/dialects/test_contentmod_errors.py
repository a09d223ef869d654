"""ContentMod's error envelope: every failure that Gavel can have comes in it."""

import json

import pytest
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.contentmod import ContentModDialect
from gaveld.transport.rest.failures import HTTP_STATUS, internal, refusal
from gaveld.transport.rest.headers import Headers
from gaveld.transport.rest.surfaces import Request

REQUEST = Request("POST", b"/text", b"", Headers([]), "r-1")


@pytest.mark.parametrize("code", sorted(set(HTTP_STATUS) - {code_pb2.OK}))
def test_every_code_has_the_envelope(code: int):
    """Law: the status says what HTTP says, the reason is in lower case, the message is ours."""
    failure = refusal(code, "SOME_REASON", "It can't be.", retry_after_seconds=1.2)
    answer = ContentModDialect().failure(REQUEST, failure)
    assert answer.status == HTTP_STATUS[code]
    assert json.loads(answer.body) == {
        "error": {"status": answer.status, "code": "some_reason", "message": "It can't be."}
    }
    assert ("retry-after", "2") in answer.headers


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("INSUFFICIENT_CREDITS", 402),
        ("MEDIA_TOO_LARGE", 413),
        ("TEXT_TOO_LARGE", 413),
        ("MESSAGE_TOO_LARGE", 413),
        ("MEDIA_UNSUPPORTED", 415),
        ("CONTENT_TYPE_UNSUPPORTED", 415),
    ],
)
def test_some_reasons_have_a_status_of_their_own(reason: str, status: int):
    """Law: a client that reads the status alone learns whether a repeat can help."""
    failure = refusal(code_pb2.RESOURCE_EXHAUSTED, reason, "No.")
    assert ContentModDialect().failure(REQUEST, failure).status == status


def test_a_defect_is_500():
    """Law: what broke inside is told as such, with the name under which the log has it."""
    answer = ContentModDialect().failure(REQUEST, internal("r-1"))
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (500, "internal")
    assert "r-1" in error["message"]


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("text", "text"),
        ("media", "image"),
        ("media.uri", "image"),
        ("media.data", "image"),
        ("blocked_terms[3]", "options.bannedWords[3]"),
        ("actor_id", "options.actorId"),
        ("callback_url", "options.callbackUrl"),
        ("metadata", "options.meta"),
        ('fields["text"].string_value', "text"),
        ("fields[image].image_value.uri", "image"),
        ("fields.image", "image"),
    ],
)
def test_fields_are_named_as_callers_know_them(field: str, shown: str):
    """Law: the contract's own names don't reach a caller of this API."""
    assert named(b"/text", field) == shown


@pytest.mark.parametrize(
    ("path", "field", "shown"),
    [
        (b"/queues/q", 'fields["text"].string_value', "content"),
        (b"/queues/q", "fields[image].image_value.data", "content"),
        (b"/queues/q", "actor_id", "actorId"),
        (b"/queues/q", "metadata", "meta"),
        (b"/queues/Q", "parent", "queueId"),
        (b"/public/u", "upload_id", "uuid"),
        (b"/public/u", "request_id", "uuid"),
        (b"/public/u", "signature.public_key", "publicKey"),
        (b"/public/u", "signature.signed_time", "datetime"),
        (b"/public/u", "signature.expires", "expires"),
        (b"/public/u", "signature.signature", "signature"),
        (b"/public/u", "image.data", "image"),
        (b"/public/u", "metadata", "metadata"),
    ],
)
def test_fields_are_named_as_each_route_has_them(path: bytes, field: str, shown: str):
    """Law: what one route calls an option is a field of another."""
    assert named(path, field) == shown


def named(path: bytes, field: str) -> str:
    failure = refusal(code_pb2.INVALID_ARGUMENT, "INVALID_ARGUMENT", f"{field}: bad", field=field)
    request = Request("POST", path, b"", Headers([]), "r-1")
    error = json.loads(ContentModDialect().failure(request, failure).body)["error"]
    assert error["message"] == f"{error['field']}: bad"
    return str(error["field"])
