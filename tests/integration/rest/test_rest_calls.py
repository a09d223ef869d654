"""What goes beside a request and its answer: names, keys, time, errors, and clients that leave."""

import asyncio
import json

import httpx2
import pytest

from gaveld.transport.rest import GatewayOptions

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_credentials_and_traces_reach_the_server(rest, probe):
    """Law: the headers that the server reads go on to it, and no other."""
    sent = {
        "authorization": "Bearer abc",
        "x-api-key": "k",
        "x-client-id": "i",
        "x-client-secret": "s",
        "traceparent": TRACE,
        "tracestate": "a=b",
        "x-request-id": "mine-1",
        "cookie": "c=1",
        "x-forwarded-for": "192.0.2.1",
        "grpc-metadata-x": "y",
    }
    answer = await rest.client.get("/probe/query", headers=sent)
    (metadata,) = probe.metadata
    passed = {name: metadata.get(name) for name in sent}
    kept = {name: value for name, value in passed.items() if value is not None}
    assert kept == {name: sent[name] for name in list(sent)[:7]}
    assert answer.headers["traceparent"] == TRACE


async def test_the_servers_name_of_the_call_comes_back(rest):
    """Law: the request id of an answer is the server's, and of a failure too."""
    answer = await rest.client.get("/probe/query")
    assert answer.headers["x-request-id"] == "named-by-the-server"
    failed = await rest.client.post("/probe/fail", json={"code": 5})
    assert failed.headers["x-request-id"] == "failed"


async def test_what_never_reached_a_server_is_named_too(rest, probe):
    """Law: a refused request has the caller's name, or a new one if that is ill-formed."""
    named = await rest.client.get("/nowhere", headers={"x-request-id": "mine-2"})
    assert named.headers["x-request-id"] == "mine-2"
    unnamed = await rest.client.get("/nowhere", headers={"x-request-id": "no spaces"})
    assert len(unnamed.headers["x-request-id"]) == 32
    assert probe.requests == []


@pytest.mark.parametrize(
    ("headers", "most"),
    [
        ({"grpc-timeout": "5S"}, 5),
        ({"grpc-timeout": "4000m"}, 4),
        ({"x-request-timeout": "3"}, 3),
        ({"x-request-timeout": "2500ms"}, 2.5),
        ({"x-request-timeout": "9s", "grpc-timeout": "2S"}, 2),
    ],
)
async def test_the_sooner_deadline_reaches_the_server(rest, probe, headers, most):
    """Law: the caller's deadline is the RPC's."""
    await rest.client.get("/probe/query", headers=headers)
    (left,) = probe.time_left
    assert 0 < left <= most + 0.01  # gRPC sends it in whole hundredths, rounded up


@pytest.mark.parametrize("name", ["grpc-timeout", "x-request-timeout"])
@pytest.mark.parametrize("value", ["", "x", "-1S", "1e3", "NaN", "123456789S"])
async def test_a_timeout_that_is_none_is_refused(rest, probe, name, value):
    """Law: a deadline that can't be read is an error, not no deadline."""
    answer = await rest.client.get("/probe/query", headers={name: value})
    assert answer.status_code == 400
    assert probe.requests == []


async def test_a_deadline_that_passes_is_504(rest, probe):
    """Law: when time is up the caller is told, and the work stops."""
    answer = await rest.client.get("/probe/hang", headers={"x-request-timeout": "100ms"})
    assert answer.status_code == 504
    assert reason(answer) == "DEADLINE_EXCEEDED"
    await asyncio.wait_for(probe.cancelled.wait(), 10)


async def test_a_client_that_leaves_ends_the_call(rest, probe):
    """Law: when the client goes away its RPC is cancelled, and it counts as 499."""
    call = asyncio.create_task(rest.client.get("/probe/hang"))
    await asyncio.wait_for(probe.hanging.wait(), 10)
    call.cancel()
    await asyncio.wait_for(probe.cancelled.wait(), 10)
    async with asyncio.timeout(10):
        await rest.gateway.until_idle()
    assert rest.metric("gavel_rest_requests_total", route="/probe/hang", status="499") == 1
    assert rest.metric("gavel_rest_in_flight_requests") == 0


async def test_retry_info_becomes_retry_after(rest):
    """Law: when the server says when to come back, so does the header, rounded up."""
    failure = {"code": 8, "message": "m", "reason": "R", "retryDelay": "1.2s"}
    answer = await rest.client.post("/probe/fail", json=failure)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    bare = await rest.client.post("/probe/fail", json={"code": 8, "reason": "R"})
    assert "retry-after" not in bare.headers


async def test_an_unreachable_server_is_503_and_keeps_its_address_to_itself(serve_rest):
    """Law: when no server can be reached the caller is told to try again, and not where it is."""
    rest = await serve_rest(targets=("127.0.0.1:1",))
    answer = await rest.client.get("/probe/query")
    assert (answer.status_code, reason(answer)) == (503, "TARGET_UNREACHABLE")
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text


async def test_a_body_that_is_too_large_is_413(serve_rest, probe):
    """Law: a body over the limit is refused, whether it says its size or not."""
    rest = await serve_rest(options=GatewayOptions(max_body_bytes=1024))
    large = json.dumps({"text": "x" * 2000}).encode()

    async def pieces():
        for _ in range(8):
            yield b" " * 200

    headers = {"content-type": "application/json"}
    for content in (large, pieces()):
        answer = await rest.client.post("/probe/body", content=content, headers=headers)
        assert (answer.status_code, reason(answer)) == (413, "MESSAGE_TOO_LARGE")
    assert probe.requests == []
    fits = await rest.client.post("/probe/body", json={"text": "x" * 900})
    assert fits.status_code == 200


async def test_bodies_together_are_bounded(serve_rest, probe):
    """Law: beyond what may be held at once, a request is turned away and told to come back."""
    rest = await serve_rest(options=GatewayOptions(max_bytes_in_flight=1000))
    answer = await rest.client.post("/probe/body", json={"text": "x" * 2000})
    assert (answer.status_code, reason(answer)) == (429, "SERVER_OVERLOADED")
    assert answer.headers["retry-after"] == "1"
    for _ in range(3):  # what a request held is free again
        fits = await rest.client.post("/probe/body", json={"text": "x" * 800})
        assert fits.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_other_content_types_are_415(rest, probe, headers):
    """Law: a body is JSON in UTF-8 and uncompressed, or it is not read."""
    answer = await rest.client.post("/probe/body", content=b"{}", headers=headers)
    assert (answer.status_code, reason(answer)) == (415, "CONTENT_TYPE_UNSUPPORTED")
    assert probe.requests == []


async def test_metrics_have_templates_and_never_paths(rest):
    """Law: what is counted is the route's template; a path that is none counts as unknown."""
    await rest.client.get("/probe/texts/kitten")
    await rest.client.get("/kitten")
    template = {"route": "/probe/texts/{text}", "status": "200"}
    assert rest.metric("gavel_rest_requests_total", **template) == 1
    assert rest.metric("gavel_rest_requests_total", route="unknown", status="404") == 1
    labels = [sample.labels for family in rest.registry.collect() for sample in family.samples]
    assert "kitten" not in str(labels)


async def test_browsers_may_call_from_where_they_are_allowed(serve_rest):
    """Law: there is no CORS unless an origin is configured, and then for that one alone."""
    preflight = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-goog-api-key,x-stainless-os",
    }
    closed = await serve_rest()
    refused = await closed.client.options("/probe/body", headers=preflight)
    assert refused.status_code == 405
    assert "access-control-allow-origin" not in refused.headers
    opened = await serve_rest(
        server_options={"cors_origins": ("https://app.example",)}, targets=("127.0.0.1:1",)
    )
    allowed = await opened.client.options("/probe/body", headers=preflight)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-stainless-os" in allowed.headers["access-control-allow-headers"]
    shown = await opened.client.get("/nowhere", headers={"origin": "https://app.example"})
    assert "x-gavel-coverage" in shown.headers["access-control-expose-headers"]
    other = await opened.client.get("/nowhere", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data; boundary=a"])
async def test_pages_of_other_origins_send_nothing_unasked(serve_rest, probe, kind):
    """Law: what browsers send without asking is taken from our page and allowed ones alone."""
    rest = await serve_rest(options=GatewayOptions(allowed_origins=("https://app.example",)))
    call = {"url": "/probe/body", "content": b"{}"}
    for origin in ("https://evil.example", "null"):
        headers = {"origin": origin, "content-type": kind}
        answer = await rest.client.post(**call, headers=headers)
        assert (answer.status_code, reason(answer)) == (403, "ORIGIN_REFUSED")
    assert not probe.requests
    for origin in ("https://app.example", f"http://127.0.0.1:{rest.port}"):
        headers = {"origin": origin, "content-type": kind}
        answer = await rest.client.post(**call, headers=headers)
        assert answer.status_code == (415 if kind else 200)


def reason(answer):
    """The reason in an error's ErrorInfo."""
    return answer.json()["details"][0]["reason"]


async def test_more_calls_at_once_than_a_connection_takes_are_all_answered(rest, probe):
    """Law: a server's limit of a hundred calls a connection is never the callers' to feel."""
    probe.gate.clear()
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=rest.client.base_url, limits=limits) as client:
        asked = [asyncio.create_task(client.get("/probe/query")) for _ in range(250)]
        while len(probe.requests) + sum(task.done() for task in asked) < len(asked):
            await asyncio.wait(asked, timeout=0.01)
        probe.gate.set()
        answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
