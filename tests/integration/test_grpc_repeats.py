"""Reviews that are asked for again under one request id, over a real socket."""

import asyncio

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1.content_pb2 import Turn
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.application.api_keys import Authenticate, new_api_key
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.credits import FakeCredits
from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Running, Serve, failure_of

REQUEST = api.ReviewTextRequest(content="I will kill you", verbose=2, request_id="order-17")


async def shop(serve: Serve, reviewer: FakeReviewer, balance: int) -> tuple[Running, dict]:
    """Serve one reviewer to one project, and return the server and what each call sends along."""
    key, secret = new_api_key(project="shop")
    store = FakeApiKeyStore()
    await store.add(key)
    running = await serve(
        reviewers=[reviewer],
        authenticate=Authenticate(store),
        balances=FakeCredits(shop=balance),
    )
    return running, {"metadata": (("authorization", f"Bearer {secret}"),)}


async def test_a_repeat_is_answered_and_paid_once(serve: Serve):
    """Law: the same review to the last field, one look at the content, and one credit."""
    reviewer = FakeReviewer("one", {"kill": ("H3", 5.0)})
    running, call = await shop(serve, reviewer, balance=1)
    first = await running.compliance.ReviewText(REQUEST, **call)
    assert first.review.score == 1
    assert await running.compliance.ReviewText(REQUEST, **call) == first
    assert len(reviewer.tasks) == 1
    failure = await failure_of(
        running.compliance.ReviewText(api.ReviewTextRequest(content="another"), **call)
    )
    assert failure.info.reason == "INSUFFICIENT_CREDITS"


async def test_calls_without_a_request_id_are_calls_of_their_own(serve: Serve):
    """Law: only a name in the request says that a call is a repeat, no header and no content."""
    reviewer = FakeReviewer("one")
    running = await serve(reviewers=[reviewer])
    request = api.ReviewTextRequest(content="fine")
    for _ in range(2):
        await running.compliance.ReviewText(request, metadata=(("x-request-id", "trace-1"),))
    assert len(reviewer.tasks) == 2


async def test_the_second_of_two_at_once_outlives_the_first(serve: Serve):
    """Law: a caller that goes away takes nothing from one who repeated its call meanwhile."""
    reviewer = FakeReviewer("one", gate=asyncio.Event())
    running, call = await shop(serve, reviewer, balance=1)
    first = running.compliance.ReviewText(REQUEST, **call)
    await reviewer.until_asked()
    second = asyncio.ensure_future(running.compliance.ReviewText(REQUEST, **call))
    labels = {"grpc_type": "unary", "grpc_service": "gavel.v1.ComplianceService"}
    health = health_pb2_grpc.HealthStub(running.channel)
    while running.metric("gavel_server_in_flight_calls", grpc_method="ReviewText", **labels) < 2:
        await health.Check(health_pb2.HealthCheckRequest())
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    reviewer.gate.set()
    assert (await second).review.panel.counted_count == 1


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("ReviewText", api.ReviewTextRequest(content="other", request_id="order-17")),
        ("ReviewText", api.ReviewTextRequest(content=REQUEST.content, request_id="order-17")),
        (
            "ReviewChat",
            api.ReviewChatRequest(content=REQUEST.content, verbose=2, request_id="order-17"),
        ),
        (
            "ReviewConversation",
            api.ReviewConversationRequest(content=[Turn(text="hi")], request_id="order-17"),
        ),
    ],
)
async def test_a_request_id_means_one_request(serve: Serve, method: str, request_):
    """Law: other content, other wishes or another method under the id is ALREADY_EXISTS by name."""
    running = await serve(reviewers=[FakeReviewer("one")])
    await running.compliance.ReviewText(REQUEST)
    failure = await failure_of(getattr(running.compliance, method)(request_))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    assert dict(failure.info.metadata) == {"request_id": "order-17"}
    assert [entry.field for entry in failure.bad_request.field_violations] == ["request_id"]


async def test_a_first_try_that_failed_is_tried_again(serve: Serve):
    """Law: a failure is not remembered under its request id, and was not paid."""
    reviewer = FakeReviewer("one", failure=ValueError())
    running, call = await shop(serve, reviewer, balance=1)
    failure = await failure_of(running.compliance.ReviewText(REQUEST, **call))
    assert failure.code is grpc.StatusCode.UNAVAILABLE
    reviewer.failure = None
    assert (await running.compliance.ReviewText(REQUEST, **call)).review.panel.counted_count == 1
