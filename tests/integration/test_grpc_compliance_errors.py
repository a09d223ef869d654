"""The document's error table over a real socket, in the contract's words."""

import asyncio

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1 import content_pb2
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.transport.grpc.call import Call
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.credits import FakeCredits
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Serve, failure_of

Code = grpc.StatusCode
PANEL = (FakeReviewer("one"), FakeReviewer("two"))
FINE = api.ReviewTextRequest(content="fine")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (api.ReviewTextRequest(), "content"),
        (api.ReviewTextRequest(content="x", amount=11), "amount"),
        (api.ReviewTextRequest(content="x", amount=0), "amount"),
        (api.ReviewTextRequest(content="x", verbose=3), "verbose"),
        (api.ReviewTextRequest(content="x", decision_method=9), "decision_method"),
        (api.ReviewTextRequest(content="x", excluded_categories=["a1"]), "excluded_categories[0]"),
        (api.ReviewTextRequest(content="x", custom_prompt=" "), "custom_prompt"),
    ],
)
async def test_invalid_request_and_invalid_parameter(serve: Serve, request_, field: str):
    """Law: what is missing or out of range is INVALID_ARGUMENT, and the field is named."""
    running = await serve(reviewers=PANEL)
    failure = await failure_of(running.compliance.ReviewText(request_))
    assert (failure.code, failure.info.reason) == (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert failure.bad_request.field_violations[0].field == field


async def test_invalid_content(serve: Serve):
    """Law: content that is none of its kind is INVALID_ARGUMENT, with the turn that is wrong."""
    running = await serve(reviewers=PANEL)
    bad_time = content_pb2.Turn(text="x")
    bad_time.time.seconds = 1 << 60
    for turns, field in (
        ([], "content"),
        ([content_pb2.Turn(text="x"), content_pb2.Turn()], "content[1].text"),
        ([content_pb2.Turn(text="x", role="The Boss")], "content[0].role"),
        ([bad_time], "content[0].time"),
    ):
        request = api.ReviewConversationRequest(content=turns)
        failure = await failure_of(running.compliance.ReviewConversation(request))
        assert failure.code is Code.INVALID_ARGUMENT
        assert failure.bad_request.field_violations[0].field == field


async def test_an_unknown_category_is_refused_by_name(serve: Serve):
    """Law: a rule id that does not exist is UNKNOWN_CATEGORY with the id, never ignored."""
    running = await serve(reviewers=PANEL)
    request = api.ReviewTextRequest(content="x", excluded_categories=["A1", "Z9"])
    failure = await failure_of(running.compliance.ReviewText(request))
    assert (failure.code, failure.info.reason) == (Code.INVALID_ARGUMENT, "UNKNOWN_CATEGORY")
    assert failure.info.metadata["category_id"] == "Z9"
    assert failure.bad_request.field_violations[0].field == "excluded_categories[1]"


async def test_invalid_api_key(serve: Serve):
    """Law: a missing or wrong key is UNAUTHENTICATED, each with its reason."""
    running = await serve(reviewers=PANEL, authenticate=Authenticate(FakeApiKeyStore()))
    for metadata, reason in (
        ((), "API_KEY_MISSING"),
        ((("authorization", "Bearer gavel_x_y"),), "API_KEY_INVALID"),
    ):
        failure = await failure_of(running.compliance.ReviewText(FINE, metadata=metadata))
        assert (failure.code, failure.info.reason) == (Code.UNAUTHENTICATED, reason)


async def test_insufficient_credits(serve: Serve):
    """Law: who can't pay is RESOURCE_EXHAUSTED, told balance and cost, and not to retry."""
    purse = FakeCredits(default=3)
    running = await serve(reviewers=PANEL, balances=purse)
    await running.compliance.ReviewText(FINE)
    failure = await failure_of(running.compliance.ReviewText(FINE))
    assert (failure.code, failure.info.reason) == (
        Code.RESOURCE_EXHAUSTED,
        "INSUFFICIENT_CREDITS",
    )
    assert dict(failure.info.metadata) == {"balance": "1", "cost": "2"}
    assert failure.trailers["grpc-retry-pushback-ms"] == "-1"
    assert purse.balances == {"default": 1}


@pytest.mark.parametrize(
    ("method", "request_", "field", "limit"),
    [
        ("ReviewText", api.ReviewTextRequest(content="x" * 1_048_577), "content", 1_048_576),
        ("ReviewChat", api.ReviewChatRequest(content="é" * 32_769), "content", 65_536),
        ("ReviewSearch", api.ReviewSearchRequest(content="x" * 4_097), "content", 4_096),
        (
            "ReviewConversation",
            api.ReviewConversationRequest(
                content=[content_pb2.Turn(text="x"), content_pb2.Turn(text="x" * 65_537)]
            ),
            "content[1].text",
            65_536,
        ),
    ],
)
async def test_content_too_large(serve: Serve, method, request_, field: str, limit: int):
    """Law: content over its limit is TEXT_TOO_LARGE, with its place and both sizes."""
    running = await serve(reviewers=PANEL)
    failure = await failure_of(getattr(running.compliance, method)(request_))
    assert (failure.code, failure.info.reason) == (Code.INVALID_ARGUMENT, "TEXT_TOO_LARGE")
    assert failure.info.metadata["field"] == field
    assert failure.info.metadata["limit_bytes"] == str(limit)
    assert int(failure.info.metadata["actual_bytes"]) > limit


async def test_a_long_prompt_is_no_long_content(serve: Serve):
    """Law: only content is TEXT_TOO_LARGE; a setting that is too long is a bad argument."""
    running = await serve(reviewers=PANEL)
    request = api.ReviewTextRequest(content="x", custom_prompt="x" * 16_385)
    failure = await failure_of(running.compliance.ReviewText(request))
    assert failure.info.reason == "INVALID_ARGUMENT"


async def test_rate_limit_exceeded(serve: Serve):
    """Law: a key that calls too often is RESOURCE_EXHAUSTED, and told when to call again."""
    key, secret = new_api_key(
        project="shop",
        client_id="shop",
        scopes=frozenset({"moderate"}),
        rate_limit=RateLimit(1, 60),
    )
    store = FakeApiKeyStore()
    await store.add(key)
    running = await serve(
        reviewers=PANEL, authenticate=Authenticate(store), rate_limiter=FakeRateLimiter()
    )
    metadata = (("authorization", f"Bearer {secret}"),)
    await running.compliance.ReviewText(FINE, metadata=metadata)
    failure = await failure_of(running.compliance.ReviewText(FINE, metadata=metadata))
    assert (failure.code, failure.info.reason) == (Code.RESOURCE_EXHAUSTED, "RATE_LIMIT_EXCEEDED")
    assert failure.retry is not None
    assert failure.retry.retry_delay.ToSeconds() == 60


async def test_internal_error(serve: Serve, logs: LogCapture, monkeypatch: pytest.MonkeyPatch):
    """Law: what nobody foresaw is INTERNAL and says nothing of itself."""

    async def fail(*_args: object, **_kwargs: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(ReviewCompliance, "__call__", fail)
    running = await serve(reviewers=PANEL)
    failure = await failure_of(running.compliance.ReviewText(FINE))
    assert (failure.code, failure.info.reason) == (Code.INTERNAL, "INTERNAL")
    assert "canary" not in failure.message + str(logs.entries)


async def test_no_reviewer_that_answers_is_unavailable(serve: Serve):
    """Law: a panel without a ballot fails, says when to try again, and is never "safe"."""
    running = await serve(reviewers=[FakeReviewer("broken", failure=ValueError())])
    failure = await failure_of(running.compliance.ReviewText(FINE))
    assert (failure.code, failure.info.reason) == (Code.UNAVAILABLE, "REVIEWERS_UNAVAILABLE")
    assert dict(failure.info.metadata) == {"asked": "1", "failed": "1"}
    assert failure.retry is not None


async def test_the_deadline_ends_slow_reviewers(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    """Law: reviewers that outlast the deadline have failed, and the answer still arrives."""
    monkeypatch.setattr(Call, "reserve_seconds", lambda _: 20.0)  # whatever else the machine does
    slow = FakeReviewer("slow", gate=asyncio.Event())
    running = await serve(reviewers=[FakeReviewer("quick"), slow])
    answer = await running.compliance.ReviewText(FINE, timeout=20.5)
    assert answer.review.panel.failed_count == 1
    assert slow.cancelled == 1


async def test_a_custom_prompt_that_nobody_reads(serve: Serve):
    """Law: FAILED_PRECONDITION names what to configure; no verdict by the default rules."""
    running = await serve(reviewers=PANEL)
    request = api.ReviewTextRequest(content="x", custom_prompt="No pricing talk.")
    failure = await failure_of(running.compliance.ReviewText(request))
    assert (failure.code, failure.info.reason) == (
        Code.FAILED_PRECONDITION,
        "CUSTOM_PROMPT_UNSUPPORTED",
    )
    assert dict(failure.info.metadata) == {"configure": "panel.chat_models"}


async def test_a_server_without_reviewers(serve: Serve):
    """Law: where nobody can be asked, the operator's setting is named."""
    failure = await failure_of((await serve()).compliance.ReviewText(FINE))
    assert (failure.code, failure.info.reason) == (Code.FAILED_PRECONDITION, "FEATURE_DISABLED")
    assert dict(failure.info.metadata) == {"setting": "panel.chat_models"}
