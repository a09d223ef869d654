"""Every failure that Gavel can have, as the ACS dialect tells it."""

import json

import pytest
from gavel.v1.error_reason_pb2 import ErrorReason
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.acs import AcsDialect
from gaveld.transport.rest.failures import refusal
from gaveld.transport.rest.headers import Headers
from gaveld.transport.rest.surfaces import Request

DOCUMENTED = {
    400: {"invalid_request", "invalid_content"},
    401: {"invalid_api_key"},
    402: {"insufficient_credits"},
    413: {"content_too_large"},
    422: {"invalid_parameter"},
    429: {"rate_limit_exceeded"},
    500: {"internal_error"},
}
REQUEST = Request("POST", b"/api/v1/compliance/text", b"", Headers([]), "r-1")
REASONS = [name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()]  # noqa: SIM118 - protobuf's
CODES = [number for number in code_pb2.Code.values() if number != code_pb2.OK]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("field", ["", "content", "content[2].role", "amount"])
def test_every_failure_has_the_envelope(code: int, field: str):
    """Law: whatever fails, the body is the document's, and a documented status has its code."""
    for reason in REASONS:
        failure = refusal(code, reason, "It failed.", field=field)
        answer = AcsDialect().failure(REQUEST, failure)
        body = json.loads(answer.body)
        assert set(body) == {"error", "message", "code"}
        assert (body["error"], body["message"]) == (True, "It failed.")
        assert answer.status >= 400
        assert body["code"] in DOCUMENTED.get(answer.status, {body["code"]})


@pytest.mark.parametrize(
    ("code", "reason", "status", "word"),
    [
        (code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", 504, "timeout"),
        (code_pb2.UNAVAILABLE, "TARGET_UNREACHABLE", 503, "service_unavailable"),
        (code_pb2.UNAUTHENTICATED, "API_KEY_REVOKED", 401, "invalid_api_key"),
        (code_pb2.RESOURCE_EXHAUSTED, "SERVER_OVERLOADED", 429, "rate_limit_exceeded"),
        (code_pb2.FAILED_PRECONDITION, "MEDIA_FETCH_FAILED", 400, "invalid_content"),
        (code_pb2.INTERNAL, "INTERNAL", 500, "internal_error"),
        (code_pb2.DATA_LOSS, "", 500, "internal_error"),
        (code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", 501, "not_supported"),
    ],
)
def test_a_failure_has_its_word(code: int, reason: str, status: int, word: str):
    """Law: a failure is told by the status and the word that fit it best."""
    answer = AcsDialect().failure(REQUEST, refusal(code, reason, "It failed."))
    assert (answer.status, json.loads(answer.body)["code"]) == (status, word)
