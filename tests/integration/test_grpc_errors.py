"""Every face that an error has for a client, and what it leaves behind on the server."""

import grpc
import grpc.aio
import pytest
from gavel.v1 import category_service_pb2 as catalogue
from gavel.v1 import error_reason_pb2
from gavel.v1 import moderation_service_pb2 as api
from structlog.testing import LogCapture

from gaveld.application.moderate import ModerateText
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.integration.grpc_stand import Failure, Running, Serve, failure_of

REASONS = frozenset(error_reason_pb2.ErrorReason.keys())
MODERATE = "/gavel.v1.ModerationService/ModerateText"


def raw(running: Running, path: str = MODERATE):
    """Return a call of a method that sends bytes as they are."""
    return running.channel.unary_unary(path)


def assert_well_formed(failure: Failure) -> None:
    """Hold a failure to what the contract says of all errors."""
    assert failure.status is not None
    assert failure.info.domain == "gavel"
    assert f"ERROR_REASON_{failure.info.reason}" in REASONS
    assert failure.trailers["x-request-id"]


async def test_a_broken_rule_names_the_field_and_the_rule(serve: Serve):
    """Law: INVALID_ARGUMENT says which fields, by path, break which rule."""
    running = await serve()
    request = api.ModerateTextRequest(text="", blocked_terms=["fine", ""])
    request.fields["a b"].int_value = 1
    failure = await failure_of(running.moderation.ModerateText(request))
    assert_well_formed(failure)
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_ARGUMENT",
    )
    violations = {(v.field, v.reason) for v in failure.bad_request.field_violations}
    assert violations == {
        ("text", "STRING_MIN_BYTES"),
        ("blocked_terms[1]", "STRING_MIN_BYTES"),
        ('fields["a b"]', "STRING_PATTERN"),
    }


async def test_a_long_text_is_told_its_limit(serve: Serve):
    """Law: a text over the contract's limit is TEXT_TOO_LARGE with both sizes."""
    running = await serve()
    request = api.ModerateTextRequest(text="x" * ((1 << 20) + 1))
    failure = await failure_of(running.moderation.ModerateText(request))
    assert_well_formed(failure)
    assert failure.info.reason == "TEXT_TOO_LARGE"
    assert dict(failure.info.metadata) == {
        "field": "text",
        "limit_bytes": "1048576",
        "actual_bytes": "1048577",
    }


async def test_a_long_text_among_fields_is_told_its_limit_and_place(serve: Serve):
    """Law: a text is content wherever it stands, in lists and objects too."""
    running = await serve()
    request = api.ModerateTextRequest(text="x")
    request.fields["a"].list_value.values.add().object_value.fields["b"].string_value = "ü" * (
        1 << 20
    )
    failure = await failure_of(running.moderation.ModerateText(request))
    assert_well_formed(failure)
    assert failure.info.reason == "TEXT_TOO_LARGE"
    assert dict(failure.info.metadata) == {
        "field": 'fields["a"].list_value.values[0].object_value.fields["b"].string_value',
        "limit_bytes": "1048576",
        "actual_bytes": "2097152",
    }


async def test_a_message_over_the_limit_is_refused_and_not_retried(serve: Serve):
    """Law: a message too large is refused before it is parsed, and never to be repeated.

    One that is far too large is not read, and gets gRPC's own refusal, which has no details.
    """
    running = await serve(options=GrpcServerOptions(port=0, max_message_bytes=100_000))
    failure = await failure_of(raw(running)(b"\xff" * 100_001))
    assert_well_formed(failure)
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.info.reason == "MESSAGE_TOO_LARGE"
    assert failure.trailers["grpc-retry-pushback-ms"] == "-1"
    far_over = await failure_of(raw(running)(b"x" * 500_000))
    assert far_over.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert far_over.status is None
    assert "grpc-retry-pushback-ms" not in far_over.trailers


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a\x02\xff\xfe",  # text that is not UTF-8
        b"\x0a\x03\xed\xa0\x80",  # text that is a lone surrogate
        b"\x0a\x7f",  # cut off
        b"\x0b",  # a group that never ends
    ],
)
async def test_bytes_that_are_no_message_are_the_callers_fault(serve: Serve, message: bytes):
    """Law: what can't be parsed is INVALID_ARGUMENT, never INTERNAL, and the next call works."""
    running = await serve()
    failure = await failure_of(raw(running)(message))
    assert_well_formed(failure)
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "MALFORMED_MESSAGE",
    )
    await running.moderation.ModerateText(api.ModerateTextRequest(text="fine"))


async def test_too_much_metadata_is_refused(serve: Serve):
    """Law: metadata to echo has at most 16,384 bytes."""
    running = await serve()
    request = api.ModerateTextRequest(text="hello")
    request.metadata.update({"blob": "x" * 17_000})
    failure = await failure_of(running.moderation.ModerateText(request))
    assert_well_formed(failure)
    assert failure.info.reason == "METADATA_TOO_LARGE"


async def test_an_unknown_category_is_named_with_its_field(serve: Serve):
    """Law: overrides of a category that does not exist are refused, never ignored."""
    running = await serve()
    request = api.ModerateTextRequest(text="hello")
    request.policy_overrides.categories["Z9"].enabled = False
    failure = await failure_of(running.moderation.ModerateText(request))
    assert_well_formed(failure)
    assert failure.info.reason == "UNKNOWN_CATEGORY"
    assert failure.info.metadata["category_id"] == "Z9"
    (violation,) = failure.bad_request.field_violations
    assert violation.field == 'policy_overrides.categories["Z9"]'


async def test_a_foreign_page_token_is_refused(serve: Serve):
    """Law: a page token that no page gave out is an error, not an empty page."""
    running = await serve()
    failure = await failure_of(
        running.categories.ListCategories(catalogue.ListCategoriesRequest(page_token="x"))
    )
    assert_well_formed(failure)
    assert failure.info.reason == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize(
    "path",
    [
        "/gavel.v1.ModerationService/ModerateSmell",
        "/gavel.v1.ComplianceService/ReviewImage",
        "/gavel.v1.ComplianceService/ReviewVideo",
        "/gavel.v1.PolicyService/GetPolicy",
        "/nowhere",
        "//",
    ],
)
async def test_a_method_that_is_not_served_says_so(serve: Serve, path: str):
    """Law: an RPC that is not served is UNIMPLEMENTED, of any kind, and makes no metric."""
    running = await serve()
    failure = await failure_of(raw(running, path)(b""))
    assert_well_formed(failure)
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "UNKNOWN_METHOD",
    )
    stream = running.channel.stream_stream(path)(iter(()))
    with pytest.raises(grpc.aio.AioRpcError):
        await anext(aiter(stream))
    methods = {
        sample.labels["grpc_method"]
        for metric in running.registry.collect()
        for sample in metric.samples
        if "grpc_method" in sample.labels
    }
    assert methods == {
        "ModerateText",
        "BatchModerateText",
        "ModerateImage",
        "ReviewText",
        "ReviewComment",
        "ReviewChat",
        "ReviewConversation",
        "ReviewSearch",
        "StreamConversation",
        "ListCategories",
        "Check",
        "SubmitFeedback",
        "List",
        "Watch",
        "ServerReflectionInfo",
        "unknown",
    }
    labels = {
        "grpc_type": "unknown",
        "grpc_service": "unknown",
        "grpc_method": "unknown",
        "grpc_code": "UNIMPLEMENTED",
    }
    assert running.metric("grpc_server_handled_total", **labels) == 2


async def test_an_unforeseen_failure_is_internal_and_its_cause_is_logged(
    serve: Serve, logs: LogCapture, monkeypatch: pytest.MonkeyPatch
):
    """Law: the caller gets the request id, the log type and place, nobody the exception's text."""

    async def fail(*_args: object, **_kwargs: object) -> None:
        raise KeyError("canary-in-exception")

    monkeypatch.setattr(ModerateText, "__call__", fail)
    running = await serve()
    failure = await failure_of(
        running.moderation.ModerateText(api.ModerateTextRequest(text="hello", request_id="r-9"))
    )
    assert_well_formed(failure)
    assert failure.code is grpc.StatusCode.INTERNAL
    assert failure.info.metadata["request_id"] == "r-9"
    assert "canary" not in failure.message
    (line,) = (entry for entry in logs.entries if entry["event"] == "call failed")
    assert line["cause"].startswith("KeyError at ")
    assert line["request_id"] == "r-9"
    assert "canary" not in str(logs.entries)


async def test_calls_before_the_models_are_warm_are_told_to_wait(serve: Serve):
    """Law: until the server is announced nothing is judged, and the refusal says when to retry."""
    running = await serve(announce=False)
    failure = await failure_of(
        running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    )
    assert_well_formed(failure)
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "SERVER_NOT_READY",
    )
    assert failure.retry is not None
    await running.server.announce()
    await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
