"""Who may call, in every spelling of a key, and how often."""

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from gavel.v1 import moderation_service_pb2 as api
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import Period, Quota, RateLimit
from gaveld.domain.policies import CategoryRule, Policy
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.grpc_stand import Serve, failure_of

REQUEST = api.ModerateTextRequest(text="hello")
Metadata = tuple[tuple[str, str], ...]


async def kept(store: FakeApiKeyStore, **about: Any) -> str:
    """Make a key, keep it, and return what its owner shows."""
    key, text = new_api_key(**about)
    await store.add(key)
    return text


@pytest.mark.parametrize(
    "spelling",
    [
        lambda key: (("authorization", f"Bearer {key}"),),
        lambda key: (("authorization", f"bearer  {key} "),),
        lambda key: (("x-api-key", key),),
        lambda key: (("x-client-id", "acme"), ("x-client-secret", key)),
        lambda key: (("x-client-secret", key), ("authorization", "Basic YTpi")),
    ],
)
async def test_a_key_opens_the_door_in_every_spelling(serve: Serve, logs: LogCapture, spelling):
    """Law: each way to show a key finds the same project, and none puts the key in the log."""
    store = FakeApiKeyStore()
    secret = await kept(store, project="shop", client_id="acme")
    running = await serve(authenticate=Authenticate(store))
    metadata = spelling(secret)
    if metadata[0][0] == "x-client-secret":
        metadata = (*metadata, ("x-client-id", "acme"))
    await running.moderation.ModerateText(REQUEST, metadata=metadata)
    (line,) = (entry for entry in logs.entries if entry["event"] == "call")
    assert line["project"] == "shop"
    assert secret.rpartition("_")[2] not in str(logs.entries)


async def _refused(serve: Serve, store: FakeApiKeyStore, metadata: Metadata):
    running = await serve(authenticate=Authenticate(store))
    return await failure_of(running.moderation.ModerateText(REQUEST, metadata=metadata))


async def test_no_key_is_told_how_to_send_one(serve: Serve):
    """Law: without a key a call is UNAUTHENTICATED, and so is one whose headers hold none."""
    for metadata in ((), (("authorization", "Bearer "),), (("x-client-id", "acme"),)):
        failure = await _refused(serve, FakeApiKeyStore(), metadata)
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED
        assert failure.info.reason == "API_KEY_MISSING"


async def test_a_wrong_key_is_refused(serve: Serve):
    """Law: a key that nobody made, or another organisation's client id, is API_KEY_INVALID."""
    store = FakeApiKeyStore()
    secret = await kept(store, project="shop", client_id="acme")
    for metadata in (
        (("x-api-key", secret[:-1] + ("0" if secret[-1] != "0" else "1")),),
        (("x-api-key", "hunter2"),),
        (("x-client-id", "evil"), ("x-client-secret", secret)),
    ):
        failure = await _refused(serve, store, metadata)
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED
        assert failure.info.reason == "API_KEY_INVALID"


async def test_a_revoked_key_is_refused(serve: Serve):
    """Law: a revoked key says so."""
    store = FakeApiKeyStore()
    secret = await kept(store, project="shop")
    await store.revoke(secret.split("_")[1], datetime.now(UTC))
    failure = await _refused(serve, store, (("x-api-key", secret),))
    assert failure.info.reason == "API_KEY_REVOKED"


async def test_a_key_without_the_scope_is_known_and_refused(serve: Serve):
    """Law: a known caller without the scope is PERMISSION_DENIED."""
    store = FakeApiKeyStore()
    secret = await kept(store, project="shop", scopes=frozenset())
    failure = await _refused(serve, store, (("x-api-key", secret),))
    assert failure.code is grpc.StatusCode.PERMISSION_DENIED
    assert failure.info.reason == "SCOPE_MISSING"


async def test_the_log_names_a_known_key_that_was_refused(serve: Serve, logs: LogCapture):
    """Law: a revoked or scopeless key shows in the log by its id, and by nothing if ill-guessed."""
    store = FakeApiKeyStore()
    revoked = await kept(store, project="shop")
    await store.revoke(revoked.split("_")[1], datetime.now(UTC))
    scopeless = await kept(store, project="shop", scopes=frozenset())
    good = await kept(store, project="shop", client_id="acme")
    guessed = revoked[:-1] + ("0" if revoked[-1] != "0" else "1")
    for metadata in (
        (("x-api-key", revoked),),
        (("x-api-key", scopeless),),
        (("x-api-key", guessed),),
        (("x-client-id", "evil"), ("x-client-secret", good)),
        (),
    ):
        await _refused(serve, store, metadata)
    lines = [entry for entry in logs.entries if entry["event"] == "call"]
    ids = [revoked.split("_")[1], scopeless.split("_")[1], "", "", ""]
    assert [line["key_id"] for line in lines] == ids
    assert {line["project"] for line in lines} == {""}
    assert not any(key.split("_")[2] in str(lines) for key in (revoked, scopeless, good))


async def test_a_keys_project_decides_the_policy(serve: Serve):
    """Law: a call is judged by the policy of its key's project."""
    store = FakeApiKeyStore()
    secret = await kept(store, project="strict")
    strict = Policy("strict@1", {"H3": CategoryRule(block=0.1)})
    running = await serve(authenticate=Authenticate(store), policies={"strict": strict})
    answer = await running.moderation.ModerateText(REQUEST, metadata=(("x-api-key", secret),))
    assert answer.verdict.policy_revision == "strict@1"


async def test_probes_need_no_key(serve: Serve):
    """Law: health is open to anyone, because probes have no key."""
    running = await serve(authenticate=Authenticate(FakeApiKeyStore()))
    stub = health_pb2_grpc.HealthStub(running.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_key_is_held_to_its_allowance(serve: Serve):
    """Law: calls over a key's limit are told how long to wait; other keys are not concerned."""
    store, limiter = FakeApiKeyStore(), FakeRateLimiter()
    limit = RateLimit(2, per_seconds=60)
    limited = await kept(store, project="shop", rate_limit=limit)
    free = await kept(store, project="shop")
    running = await serve(authenticate=Authenticate(store), rate_limiter=limiter)
    metadata = (("x-api-key", limited),)
    for _ in range(2):
        await running.moderation.ModerateText(REQUEST, metadata=metadata)
    failure = await failure_of(running.moderation.ModerateText(REQUEST, metadata=metadata))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.info.reason == "RATE_LIMIT_EXCEEDED"
    assert failure.retry is not None
    assert failure.retry.retry_delay.ToSeconds() == 60
    assert failure.trailers["grpc-retry-pushback-ms"] == "60000"
    await running.moderation.ModerateText(REQUEST, metadata=(("x-api-key", free),))
    limiter.now += 61
    await running.moderation.ModerateText(REQUEST, metadata=metadata)


async def test_a_key_is_held_to_its_quota_beside_its_rate(serve: Serve):
    """Law: the refusal names the limit that is reached; what the rate refuses draws nothing."""
    store, limiter = FakeApiKeyStore(), FakeRateLimiter()
    secret = await kept(
        store, project="shop", rate_limit=RateLimit(2, 60), quota=Quota(3, Period.DAY)
    )
    running = await serve(authenticate=Authenticate(store), rate_limiter=limiter)
    metadata = (("x-api-key", secret),)

    async def refusal() -> tuple[str, int]:
        failure = await failure_of(running.moderation.ModerateText(REQUEST, metadata=metadata))
        assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert failure.info.reason == "RATE_LIMIT_EXCEEDED"
        assert failure.info.metadata["scope"] == "key"
        return failure.info.metadata["limit"], failure.retry.retry_delay.ToSeconds()

    for _ in range(2):
        await running.moderation.ModerateText(REQUEST, metadata=metadata)
    assert await refusal() == ("2/60s", 60)
    limiter.now += 61
    await running.moderation.ModerateText(REQUEST, metadata=metadata)
    assert await refusal() == ("3/day", 86_400 - 61)
    limiter.now += 86_400 - 61
    await running.moderation.ModerateText(REQUEST, metadata=metadata)
