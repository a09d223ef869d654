"""Usage as the server counts it: whose calls, which of them, and how they ended."""

import asyncio

import grpc
import pytest
from gavel.v1 import category_service_pb2, moderation_service_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.count_usage import CountUsage
from gaveld.application.ports import RateLimit
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.usage import FakeUsageStore
from tests.integration.grpc_stand import GatedClassifier, Serve, failure_of

MODERATE = "/gavel.v1.ModerationService/ModerateText"
BATCH = "/gavel.v1.ModerationService/BatchModerateText"
LIST = "/gavel.v1.CategoryService/ListCategories"

Text = moderation_service_pb2.ModerateTextRequest


class Counted:
    """What a server counted, whatever the day."""

    def __init__(self) -> None:
        self._store = FakeUsageStore()
        self.usage = CountUsage(self._store)

    async def __call__(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        await self.usage.write()
        sums: dict[tuple[str, str], tuple[int, int, int]] = {}
        for entry in await self._store.read():
            of = (entry.project, entry.method)
            more = (entry.calls, entry.refused, entry.items)
            sums[of] = tuple(map(sum, zip(sums.get(of, (0, 0, 0)), more, strict=True)))
        return sums


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def test_each_project_has_its_own_calls_and_a_batch_counts_its_texts(
    serve: Serve, counted: Counted
):
    """Law: calls count for the key's project and the method, items as many as texts were sent."""
    store = FakeApiKeyStore()
    mine = {}
    for project in ("shop", "blog"):
        key, secret = new_api_key(project=project)
        await store.add(key)
        mine[project] = (("x-api-key", secret),)
    running = await serve(authenticate=Authenticate(store), count_usage=counted.usage)
    texts = [Text(text="hi") for _ in range(3)]
    batch = moderation_service_pb2.BatchModerateTextRequest(requests=texts)
    await running.moderation.ModerateText(Text(text="hi"), metadata=mine["shop"])
    await running.moderation.BatchModerateText(batch, metadata=mine["shop"])
    listing = category_service_pb2.ListCategoriesRequest()
    await running.categories.ListCategories(listing, metadata=mine["blog"])
    assert await counted() == {
        ("shop", MODERATE): (1, 0, 1),
        ("shop", BATCH): (1, 0, 3),
        ("blog", LIST): (1, 0, 1),
    }


async def test_what_is_refused_counts_apart_once_the_caller_is_known(
    serve: Serve, counted: Counted
):
    """Law: a call over the limit and a wrong one are the project's, one without a key nobody's."""
    store, limiter = FakeApiKeyStore(), FakeRateLimiter()
    key, secret = new_api_key(project="shop", rate_limit=RateLimit(2, 60))
    await store.add(key)
    running = await serve(
        authenticate=Authenticate(store), rate_limiter=limiter, count_usage=counted.usage
    )
    mine = (("x-api-key", secret),)
    moderate = running.moderation.ModerateText
    await moderate(Text(text="hi"), metadata=mine)
    assert (await failure_of(moderate(Text(), metadata=mine))).info.reason == "INVALID_ARGUMENT"
    limited = await failure_of(moderate(Text(text="hi"), metadata=mine))
    assert limited.info.reason == "RATE_LIMIT_EXCEEDED"
    missing = await failure_of(moderate(Text(text="hi")))
    assert missing.info.reason == "API_KEY_MISSING"
    assert await counted() == {("shop", MODERATE): (1, 2, 1)}


async def test_a_call_that_is_shed_counts_for_nobody(serve: Serve, counted: Counted):
    """Law: a server that is full does not ask who calls, so it counts nobody's call."""
    full = GrpcServerOptions(port=0, max_concurrent_calls=0, max_waiting_calls=0)
    running = await serve(options=full, count_usage=counted.usage)
    failure = await failure_of(running.moderation.ModerateText(Text(text="hi")))
    assert failure.info.reason == "SERVER_OVERLOADED"
    assert await counted() == {}


async def test_open_methods_count_for_nobody(serve: Serve, counted: Counted):
    """Law: probes are no project's use; without keys, all other calls are the default project's."""
    running = await serve(count_usage=counted.usage)
    probe = health_pb2_grpc.HealthStub(running.channel)
    await probe.Check(health_pb2.HealthCheckRequest())
    await failure_of(running.channel.unary_unary("/gavel.v1.ModerationService/No")(b""))
    await running.moderation.ModerateText(Text(text="hi"))
    assert await counted() == {("default", MODERATE): (1, 0, 1)}


async def test_a_call_that_its_caller_leaves_is_not_answered(
    serve: Serve, counted: Counted, monkeypatch: pytest.MonkeyPatch
):
    """Law: a call that was cancelled half-way is counted among those not answered."""
    gated, ended, count = GatedClassifier(), asyncio.Event(), counted.usage.refused

    def refused(project: str, method: str) -> None:
        count(project, method)
        ended.set()

    monkeypatch.setattr(counted.usage, "refused", refused)
    running = await serve(classifiers=(gated,), count_usage=counted.usage)
    call = running.moderation.ModerateText(Text(text="hi"))
    await gated.until_waiting(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await call.code() is grpc.StatusCode.CANCELLED
    async with asyncio.timeout(30):
        await ended.wait()
    assert await counted() == {("default", MODERATE): (0, 1, 0)}
