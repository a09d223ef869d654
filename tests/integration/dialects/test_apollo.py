"""Apollo's API over real sockets: keys, the printed requests, every refusal of a bad one."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc.aio
import httpx2
import pytest
from gavel.v1 import content_service_pb2_grpc as content_services
from gavel.v1 import verdict_pb2
from gavel.v1.content_service_pb2 import SubmitContentRequest, SubmitContentResponse
from google.longrunning import operations_pb2
from google.longrunning import operations_pb2_grpc as operation_services
from prometheus_client import CollectorRegistry

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.domain.errors import ErrorReason
from gaveld.transport.grpc.errors import Refusal
from gaveld.transport.rest import (
    ContractSurface,
    Gateway,
    GatewayOptions,
    RestMetrics,
    RestServer,
    RestServerOptions,
    Upstream,
    UpstreamOptions,
    contract_services,
)
from gaveld.transport.rest.dialects.acs import AcsDialect
from gaveld.transport.rest.dialects.apollo import ApolloDialect
from tests.conformance.trees import differences
from tests.content_house import ContentHouse
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.dialects.apollo_stand import (
    ADDRESS,
    COMMENT,
    CONTENT,
    GOLDEN,
    IMAGE,
    POLICY,
    PRINTED,
    Desk,
    errors_of,
    post,
    runs,
)
from tests.integration.dialects.conftest import Served, ServeDialects
from tests.integration.dialects.stand import run_python

BAN, FLAG = ("4b179456-8282-418f-93a5-d986d8631342", "BAN"), ("0d0c", "FLAGGED")


class Rules(content_services.ContentServiceServicer, operation_services.OperationsServicer):
    """A server that bans and flags all content, of whatever type; what is late is done by waiting.

    ``broken`` is how the work ends that is waited for, an error for one that is dead.
    """

    def __init__(self) -> None:
        self.asked: list[SubmitContentRequest] = []
        self.waited_for: list[str] = []
        self.metadata: dict[str, str] = {}
        self.is_late = False
        self.ending = operations_pb2.Operation(name="operations/1", done=True)

    async def SubmitContent(self, request, context):  # noqa: N802 - the RPC's name
        self.asked.append(request)
        self.metadata = dict(context.invocation_metadata())
        answer = SubmitContentResponse(content_id=request.content_id)
        answer.verdict.coverage.status = verdict_pb2.COVERAGE_STATUS_COMPLETE
        for action_id, name in (BAN, FLAG):
            answer.triggered_actions.add(action_id=action_id, name=name)
        if not self.ending.HasField("error"):
            self.ending.response.Pack(answer)
        waits = self.is_late or not request.sync
        return operations_pb2.Operation(name="operations/1") if waits else self.ending

    async def WaitOperation(self, request, context):  # noqa: N802 - the RPC's name
        self.waited_for.append(request.name)
        return self.ending


@pytest.fixture
async def rules() -> AsyncIterator[tuple[Rules, str, httpx2.AsyncClient]]:
    """The dialect in front of a server that takes every content type, its URL, and a client."""
    servicer = Rules()
    server = grpc.aio.server()
    content_services.add_ContentServiceServicer_to_server(servicer, server)
    operation_services.add_OperationsServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop, None)
        upstream = Upstream(UpstreamOptions((f"127.0.0.1:{port}",)))
        stack.push_async_callback(upstream.close)
        gateway = Gateway(
            GatewayOptions(),
            ContractSurface(contract_services()),
            upstream,
            RestMetrics(CollectorRegistry()),
            [ApolloDialect()],
        )
        rest = RestServer(RestServerOptions(port=0), gateway)
        url = f"http://127.0.0.1:{await rest.start()}"
        stack.push_async_callback(rest.stop)
        client = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60))
        yield servicer, url, client


@pytest.fixture
def desk() -> Desk:
    """A policy with the content types Comment and Image, and rules that ban and flag."""
    return Desk(ContentHouse(POLICY))


@pytest.fixture
async def served(serve_dialects: ServeDialects, desk: Desk) -> Served:
    """Gavel's own server with that policy."""
    return await serve_dialects(ApolloDialect(), AcsDialect(), services=desk.services)


@pytest.mark.parametrize(("kind", "path"), [("content", CONTENT), ("image", IMAGE)])
async def test_a_printed_request_is_answered_as_printed(rules, kind: str, path: str):
    """Law: the answer has the printed keys and types, and the status that the table promises."""
    servicer, _, client = rules
    body = json.loads(json.dumps(PRINTED["requests"][kind]))
    if kind == "image":
        body["content"]["url"] = ADDRESS
    for place in (path, path.rstrip("/")):
        answer = await post(client, body, place)
        assert answer.status_code == 200
        printed = PRINTED["answers"][kind] | {"status": 200}
        assert not list(differences(printed, answer.json()))
        assert answer.json() == {
            "content_id": "abc123",
            "status": 200,
            "data": {
                "workflowsRuns": [
                    {"id": BAN[0], "run": BAN[1]}, {"id": FLAG[0], "run": FLAG[1]},
                ],
            },
        }  # fmt: skip
    asked = servicer.asked[-1]
    assert (asked.content_id, asked.actor_id) == ("abc123", "def456")
    assert asked.content_type == body["contenttype"]
    if kind == "image":
        assert asked.fields["url"].image_value.uri == ADDRESS
    else:
        assert asked.fields["text"].string_value == "some text uploaded by a user"


async def test_the_printed_python_runs(rules):
    """Law: the printed program works with base URL and key changed, and its ellipsis filled in."""
    servicer, url, _ = rules
    printed = (GOLDEN / "text.py.txt").read_text()
    program = printed.replace("https://api.apolloapi.com", url).replace("APIKEY", "my-key")
    program = program.replace("<... all other fields in your 'Comment' content type>", "'likes': 3")
    said = await run_python(f"{program}\nprint(response.status_code, response_dict['data'])")
    assert said.startswith("200 {'workflowsRuns': [{'id': '4b179456")
    assert servicer.metadata["x-api-key"] == "my-key"
    assert servicer.asked[0].fields["likes"].int_value == 3


async def test_values_keep_their_types(rules):
    """Law: fields arrive with the types that they have in JSON; null counts as not there."""
    servicer, _, client = rules
    content = {
        "title": "", "likes": -(2**63), "score": 0.5, "pinned": False, "gone": None,
        "tags": ["a", 1], "author": {"name": "x", "none": None},
    }  # fmt: skip
    assert (await post(client, COMMENT | {"content": content})).status_code == 200
    fields = servicer.asked[0].fields
    assert set(fields) == set(content) - {"gone"}
    assert fields["title"].WhichOneof("kind") == "string_value"
    assert fields["likes"].int_value == -(2**63)
    assert fields["score"].float_value == 0.5
    assert fields["pinned"].WhichOneof("kind") == "bool_value"
    assert [entry.WhichOneof("kind") for entry in fields["tags"].list_value.values] == [
        "string_value", "int_value",
    ]  # fmt: skip
    assert set(fields["author"].object_value.fields) == {"name"}


async def test_the_same_content_sent_first_for_later_is_waited_for(rules):
    """Law: whoever wants the answer now gets it when the stored work is done."""
    servicer, _, client = rules
    servicer.is_late = True
    answer = await post(client, COMMENT)
    assert [run["run"] for run in answer.json()["data"]["workflowsRuns"]] == ["BAN", "FLAGGED"]
    assert servicer.waited_for == ["operations/1"]


@pytest.mark.parametrize(
    ("is_done", "status", "title"), [(True, 503, "Service unavailable"), (False, 504, "Timed out")]
)
async def test_stored_work_that_comes_to_nothing_is_told(rules, is_done, status, title):
    """Law: work that died is the failure it died of, and one that takes too long is not done."""
    servicer, _, client = rules
    servicer.is_late = True
    servicer.ending = operations_pb2.Operation(name="operations/1", done=is_done)
    if is_done:
        servicer.ending.error.CopyFrom(
            Refusal(grpc.StatusCode.UNAVAILABLE, ErrorReason.STORAGE_UNAVAILABLE, "Not now.").status
        )
    else:
        servicer.SubmitContent = servicer.WaitOperation
    (error,) = errors_of(await post(client, COMMENT))
    assert (error["status"], error["title"]) == (status, title)


async def test_without_storage_it_is_not_served(serve_dialects: ServeDialects):
    """Law: where nothing can be stored, content is refused and never half judged."""
    served = await serve_dialects(ApolloDialect())
    (error,) = errors_of(await post(served.client, COMMENT))
    assert (error["status"], error["title"]) == (501, "Not served")


@pytest.mark.parametrize(
    "header",
    [
        {"x-api-key": "{}"},
        {"authorization": "TOKEN {}"},
        {"authorization": "Token {}"},
        {"authorization": "Bearer {}"},
        {"x-api-key": "{}", "authorization": "Token other"},
    ],
)
async def test_a_key_is_taken_as_each_page_spells_it(
    serve_dialects, desk: Desk, header: dict[str, str]
):
    """Law: each spelling opens the door."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop")
    await store.add(key)
    served = await serve_dialects(
        ApolloDialect(), authenticate=Authenticate(store), services=desk.services
    )
    headers = {name: value.format(secret) for name, value in header.items()}
    answer = await served.client.post(CONTENT, json=COMMENT, headers=headers)
    assert runs(answer) == []


async def test_keys_are_held_to_their_rights(serve_dialects: ServeDialects, desk: Desk):
    """Law: no key and a wrong one are 401, one without the scope 403, one too fast 429."""
    store = FakeApiKeyStore()
    slow, slow_secret = new_api_key(project="shop", rate_limit=RateLimit(1, 60))
    lame, lame_secret = new_api_key(project="shop", scopes=frozenset())
    await store.add(slow)
    await store.add(lame)
    served = await serve_dialects(
        ApolloDialect(),
        authenticate=Authenticate(store),
        rate_limiter=FakeRateLimiter(),
        services=desk.services,
    )
    given = ("", "TOKEN wrong", "Basic abc", f"Token {lame_secret}", *[f"Token {slow_secret}"] * 2)
    tries = [
        await served.client.post(CONTENT, json=COMMENT, headers={"authorization": value})
        for value in given
    ]
    titles = [
        (answer.status_code, "" if answer.is_success else errors_of(answer)[0]["title"])
        for answer in tries
    ]
    assert titles == [
        (401, "Invalid API Key"),
        (401, "Invalid API Key"),
        (401, "Invalid API Key"),
        (403, "Permission denied"),
        (200, ""),
        (429, "Too many requests"),
    ]
    assert int(tries[-1].headers["retry-after"]) >= 1


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in COMMENT.items() if key != name}


def deep(levels: int) -> Any:
    return {"a": deep(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (without("content_id"), "/content_id"),
        (without("user_id"), "/user_id"),
        (without("contenttype"), "/contenttype"),
        (without("content"), "/content"),
        (COMMENT | {"content_id": ""}, "/content_id"),
        (COMMENT | {"content_id": 5}, "/content_id"),
        (COMMENT | {"content_id": "a" * 257}, "/content_id"),
        (COMMENT | {"user_id": "a" * 257}, "/user_id"),
        (COMMENT | {"contenttype": ""}, "/contenttype"),
        (COMMENT | {"contenttype": None}, "/contenttype"),
        (COMMENT | {"contenttype": "a" * 129}, "/contenttype"),
        (COMMENT | {"content": "text"}, "/content"),
        (COMMENT | {"content": {}}, "/content"),
        (COMMENT | {"content": {"text": None}}, "/content"),
        (COMMENT | {"content": {"text": "a", "tags": ["a"] * 257}}, "/content/tags"),
        (COMMENT | {"content": {"tags": [None]}}, "/content/tags/0"),
        (COMMENT | {"content": {"likes": 2**63}}, "/content/likes"),
        (COMMENT | {"content": deep(9)}, "/content" + "/a" * 9),
        (COMMENT | {"content": {"no name": "x"}}, "/content/no name"),
        (COMMENT | {"content": {"actor_id": [None]}}, "/content/actor_id/0"),
        (COMMENT | {"sync": "true"}, "/sync"),
        (COMMENT | {"surprise": 1}, "/surprise"),
        ([], None),
        (b"", None),
        (b'{"content_id": "a", "content_id": "b"}', None),
        (b'{"content_id": "\\ud800"}', None),
        (b"\xff", None),
        (b"[" * 5000, None),
    ],
)
async def test_bad_requests_point_at_the_field(served: Served, body: Any, pointer: str | None):
    """Law: a bad request is the caller's fault, and the pointer says where, in its own names."""
    (error,) = errors_of(await post(served.client, body))
    assert (error["status"], error["title"]) == (400, "Invalid request")
    assert error.get("pointer") == pointer
    assert not {"actor_id", "content_type", "fields", "map"} & set(error["detail"].split())
    assert "_value" not in error["detail"]


@pytest.mark.parametrize("sync", [True, False])
async def test_a_text_too_long_is_too_large(served: Served, sync: bool):
    """Law: more than is judged of a text is 413, wherever it stands, and its field is named."""
    long = "a" * ((1 << 20) + 1)
    for content, field in (
        ({"text": long}, "text"),
        ({"text": "a", "tags": ["b", long]}, "tags/1"),
    ):
        (error,) = errors_of(
            await post(served.client, COMMENT | {"content": content, "sync": sync})
        )
        assert (error["status"], error["title"]) == (413, "Content too large")
        assert error["pointer"] == f"/content/{field}"
        assert "1048576 bytes" in error["detail"]


async def test_a_picture_that_is_none_is_refused(served: Served):
    """Law: the picture's address is held to its form before anything is asked."""
    body = PRINTED["requests"]["image"]
    (error,) = errors_of(await post(served.client, body, IMAGE))
    assert (error["status"], error["pointer"]) == (400, "/content/url")


async def test_http_itself_is_refused_in_this_apis_form(serve_dialects: ServeDialects):
    """Law: unknown paths, other methods, encodings and too large bodies have the same envelope."""
    served = await serve_dialects(
        ApolloDialect(), gateway_options=GatewayOptions(max_body_bytes=1_024)
    )
    assert errors_of(await served.client.post("/api/v1/content/5"))[0]["title"] == "Not found"
    assert errors_of(await served.client.post("/api/v1/content//"))[0]["title"] == "Not found"
    wrong_method = await served.client.get(CONTENT)
    assert errors_of(wrong_method)[0]["status"] == 405
    assert wrong_method.headers["allow"] == "POST"
    large = await post(served.client, COMMENT | {"content": {"text": "a" * 2_000}})
    assert errors_of(large)[0]["title"] == "Content too large"
    packed = await served.client.post(CONTENT, json={}, headers={"content-encoding": "gzip"})
    assert errors_of(packed)[0]["status"] == 415


async def test_its_neighbours_keep_their_paths(served: Served):
    """Law: other dialects below /api/v1, and the contract, are not in its way."""
    neighbour = await served.client.post("/api/v1/compliance/image", json={})
    assert neighbour.json()["error"] is True
    own = await served.client.get("/api/v1/contents")
    assert own.json()["code"] == 5
