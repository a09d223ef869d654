"""Going down without losing a request, several targets, surfaces beside the contract."""

import asyncio

import httpx2
import pytest
from gavel.service_config import service_config_json
from google.protobuf.message_factory import GetMessageClass

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.surfaces import Surface
from gaveld.transport.rest.upstream import dialled
from tests.conformance.probe import ProbeServer
from tests.integration.rest.test_rest_calls import reason


async def test_a_request_in_progress_is_answered_before_the_end(rest, probe):
    """Law: a gateway that drains takes no connection, and answers what it has begun."""
    call = asyncio.create_task(rest.client.get("/probe/hang", headers={"grpc-timeout": "1S"}))
    await asyncio.wait_for(probe.hanging.wait(), 10)
    await rest.server.finish(grace_seconds=30)
    answer = await call
    assert answer.status_code == 504
    assert answer.headers["connection"] == "close"
    with pytest.raises(httpx2.ConnectError):
        await rest.client.get("/probe/query")


async def test_the_grace_ends(rest, probe):
    """Law: a request that does not end holds the end up for the grace and no longer."""
    call = asyncio.create_task(rest.client.get("/probe/hang"))
    await asyncio.wait_for(probe.hanging.wait(), 10)
    await asyncio.wait_for(rest.server.finish(grace_seconds=0.05), 10)
    await asyncio.wait_for(rest.server.stop(), 10)
    with pytest.raises(httpx2.HTTPError):
        await asyncio.wait_for(call, 10)


async def test_a_head_without_end_is_refused(rest):
    """Law: the line and the headers of a request are bounded, as its body is."""
    answer = await rest.client.get("/probe/query", headers={"x-long": "a" * (64 << 10)})
    assert answer.status_code == 400


async def test_calls_go_to_each_of_several_targets(serve_rest, probe):
    """Law: several targets take calls in turn, and a call is repeated where one has gone."""
    other = ProbeServer(probe.service)
    ports = [await probe.start(), await other.start()]
    config = service_config_json().replace('"healthCheckConfig": { "serviceName": "" },', "")
    rest = await serve_rest(
        targets=tuple(f"127.0.0.1:{port}" for port in ports), service_config=config
    )
    for _ in range(20):
        assert (await rest.client.get("/probe/query")).status_code == 200
    assert len(probe.requests) >= 5
    assert len(other.requests) >= 5
    await other.stop()
    for _ in range(20):
        assert (await rest.client.get("/probe/query")).status_code == 200


def test_targets_are_dialled_together():
    """Law: one target goes to gRPC as it is; several become one list of addresses."""
    assert dialled(["dns:///gavel:50051"]) == ("dns:///gavel:50051", "")
    assert dialled(["127.0.0.1:1", "127.0.0.2:2"]) == ("ipv4:127.0.0.1:1,127.0.0.2:2", "127.0.0.1")
    assert dialled(["[::1]:1", "[::1]:2"])[0] == "ipv6:[::1]:1,[::1]:2"
    for wrong in ([], ["a", "b"], ["127.0.0.1:x", "127.0.0.1:2"], ["127.0.0.1:1", "[::1]:2"]):
        with pytest.raises(ValueError, match="target"):
            dialled(wrong)


class Parrot(Surface):
    """A dialect: its own paths, spelling of keys, and errors."""

    name = "parrot"
    prefixes = ("/parrot",)

    def __init__(self, method, message) -> None:
        super().__init__()
        self._method, self._message = method, message
        self.add("POST", "/parrot/{voice}:speak", self._speak)

    def credentials(self, request):
        return (("x-api-key", request.parameter("key")),)

    def failure(self, request, failure):
        text = f"squawk {failure.reason}"
        return Answer(failure.http_status, text.encode(), "text/plain", failure.headers)

    async def _speak(self, request, rpc):
        if request.json() == "crash":
            raise LookupError
        words = self._message(name=request.variables["voice"], text=request.json())
        answer = await rpc(self._method, words)
        return Answer(200, f"{answer.name}: {answer.text}".encode(), "text/plain")


@pytest.fixture
async def parrot(serve_rest, probe):
    """A gateway with a dialect."""
    method = probe.service.methods_by_name["ByBody"]
    dialect = Parrot("/probe.v1.Probe/ByBody", GetMessageClass(method.input_type))
    return await serve_rest(dialects=(dialect,))


async def test_a_dialect_has_its_own_words(parrot, probe):
    """Law: a surface beside the contract calls RPCs with its own spelling of keys."""
    answer = await parrot.client.post("/parrot/polly:speak?key=abc", content=b'"hello"')
    assert answer.text == "polly: hello"
    assert probe.metadata[0]["x-api-key"] == "abc"
    assert answer.headers["x-request-id"] == "named-by-the-server"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "text"),
    [
        ("POST", "/parrot/nowhere", b"", 404, "squawk UNKNOWN_ROUTE"),
        ("GET", "/parrot/polly:speak", b"", 405, "squawk METHOD_NOT_ALLOWED"),
        ("POST", "/parrot/polly:speak", b"{", 400, "squawk MALFORMED_MESSAGE"),
        ("POST", "/parrot/%ff:speak", b'""', 400, "squawk INVALID_ARGUMENT"),
        (
            "POST",
            "/parrot/polly:speak",
            b'"' + b"x" * (7 << 20) + b'"',
            413,
            "squawk MESSAGE_TOO_LARGE",
        ),
        ("POST", "/parrot/polly:speak", b'"crash"', 500, "squawk INTERNAL"),
    ],
)
async def test_a_dialect_renders_every_failure(parrot, method, path, content, status, text):
    """Law: below its prefix a surface's own envelope is the only one, whatever failed."""
    answer = await parrot.client.request(method, path, content=content)
    assert (answer.status_code, answer.text) == (status, text)


async def test_beyond_its_prefix_a_dialect_says_nothing(parrot):
    """Law: a prefix ends where a segment does."""
    answer = await parrot.client.get("/parrots")
    assert reason(answer) == "UNKNOWN_ROUTE"
