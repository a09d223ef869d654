"""Perspective's API at the gateway: keys, limits, unknown paths, and connections."""

import asyncio
import http.client
import json

import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.transport.rest import GatewayOptions
from gaveld.transport.rest.dialects.perspective import PerspectiveDialect
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.perspective_stand import ANALYZE, asked, error_of
from tests.integration.dialects.stand import TraitClassifier


@pytest.fixture
async def served(serve_dialects: ServeDialects):
    """A server that scores every trait."""
    return await serve_dialects(PerspectiveDialect(), classifiers=[TraitClassifier()])


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?key={}", {}),
        ("", {"x-goog-api-key": "{}"}),
        ("", {"authorization": "Bearer {}"}),
        ("?key={}", {"authorization": "Bearer other"}),
    ],
)
async def test_a_key_is_taken_where_google_takes_it(serve_dialects, logs, query, headers):
    """Law: each spelling opens the door, and none puts the key in the log."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop")
    await store.add(key)
    served = await serve_dialects(
        PerspectiveDialect(), classifiers=[TraitClassifier()], authenticate=Authenticate(store)
    )
    headers = {name: value.format(secret) for name, value in headers.items()}
    answer = await served.client.post(ANALYZE + query.format(secret), json=asked(), headers=headers)
    assert answer.status_code == 200
    assert secret not in str(logs.entries)


@pytest.mark.parametrize("query", ["", "?key=", "?key=wrong", "?key=%00"])
async def test_a_missing_or_wrong_key_is_401(serve_dialects, query):
    """Law: a key problem can't be taken for a problem with the comment."""
    served = await serve_dialects(
        PerspectiveDialect(), authenticate=Authenticate(FakeApiKeyStore())
    )
    error = await error_of(served, asked(), ANALYZE + query)
    assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")


async def test_too_many_calls_are_told_when_to_come_again(serve_dialects):
    """Law: a rate limit is 429 with Retry-After, and Google's name for it."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", rate_limit=RateLimit(1, 60))
    await store.add(key)
    served = await serve_dialects(
        PerspectiveDialect(), authenticate=Authenticate(store), rate_limiter=FakeRateLimiter()
    )
    answers = [
        await served.client.post(f"{ANALYZE}?key={secret}", json=asked("hello")) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) >= 1
    assert answers[1].json()["error"]["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", ANALYZE, 405),
        ("POST", "/v1alpha1/comments:praise", 404),
        ("POST", "/$discovery/rest", 405),
        ("GET", "/$discovery/rest?version=v2", 400),
    ],
)
async def test_what_is_not_there_is_refused_in_googles_form(served, method, path, status):
    """Law: the dialect answers for its paths, in its form, also where it has no route."""
    answer = await served.client.request(method, path)
    assert answer.status_code == answer.json()["error"]["code"] == status


async def test_a_body_that_is_too_large_is_413(serve_dialects):
    """Law: the gateway's own limit comes in Google's form, too."""
    options = GatewayOptions(max_body_bytes=1_024)
    served = await serve_dialects(PerspectiveDialect(), gateway_options=options)
    assert (await error_of(served, asked("a" * 2_000)))["code"] == 413


async def test_many_comments_go_over_one_connection(served):
    """Law: a batch needs one connection; the gateway leaves it open."""
    host = served.url.removeprefix("http://")

    def send() -> set[int]:
        connection = http.client.HTTPConnection(host, timeout=60)
        sockets = set()
        for index in range(50):
            connection.request("POST", ANALYZE, json.dumps(asked(f"comment {index}")))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            sockets.add(connection.sock.getsockname()[1] if connection.sock else 0)
        connection.close()
        return sockets

    ports = await asyncio.to_thread(send)
    assert len(ports) == 1
    assert 0 not in ports
