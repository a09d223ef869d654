"""Gavel's own contract over REST: real servicers behind a gateway, and whatever OpenAPI allows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from prometheus_client import CollectorRegistry

from gaveld.transport.rest import (
    ContractSurface,
    Gateway,
    GatewayOptions,
    Pages,
    RestMetrics,
    RestServer,
    RestServerOptions,
    Upstream,
    UpstreamOptions,
    contract_services,
)


@pytest.fixture
async def rest(serve) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in front of a real server."""
    running = await serve()
    upstream = Upstream(UpstreamOptions((f"127.0.0.1:{running.ports.grpc}",)))
    services = contract_services()
    contract = ContractSurface(services)
    Pages(services, "0.0.0").serve(contract)
    gateway = Gateway(GatewayOptions(), contract, upstream, RestMetrics(CollectorRegistry()))
    server = RestServer(RestServerOptions(port=0), gateway)
    port = await server.start()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    await server.stop()
    await upstream.close()


async def test_a_text_is_moderated(rest):
    """Law: the call that the README shows answers with a verdict and what it rests on."""
    answer = await rest.post("/v1/text:moderate", json={"text": "I will kill you"})
    assert answer.status_code == 200
    assert answer.json()["verdict"]["action"] == "ACTION_BLOCK"
    assert answer.json()["requestId"] == answer.headers["x-request-id"]


async def test_a_broken_rule_is_told_by_field(rest):
    """Law: the server's own validation comes back whole."""
    answer = await rest.post("/v1/text:moderate", json={"text": ""})
    assert answer.status_code == 400
    violations = answer.json()["details"][1]["fieldViolations"]
    assert [(entry["field"], entry["reason"]) for entry in violations] == [
        ("text", "STRING_MIN_BYTES")
    ]


async def test_what_is_not_served_is_501(rest):
    """Law: a route of the contract that this server lacks is told apart from no route."""
    answer = await rest.get("/v1/projects/p/users/u")
    assert (answer.status_code, answer.json()["code"]) == (501, 12)


@pytest.mark.parametrize("depth", [20, 40, 90, 99])
async def test_deep_metadata_is_the_callers_fault(rest, depth):
    """Law: what protobuf can't carry is a 400, never a 500."""
    metadata = {}
    for _ in range(depth):
        metadata = {"a": metadata}
    answer = await rest.post("/v1/text:moderate", json={"text": "hi", "metadata": metadata})
    assert answer.status_code in {200, 400}
    assert (answer.status_code == 200) == (depth == 20)


async def test_the_page_runs_no_script_and_loads_nothing(rest):
    """Law: the documentation is one page, under a policy that allows its own style alone."""
    answer = await rest.get("/docs")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in answer.text
    assert "http" not in answer.text.replace("http-", "").split("<nav>")[0]
    assert "/v1/text:moderate" in answer.text
    assert "text is the text to judge" in answer.text


async def test_openapi_has_every_route_its_limits_and_its_comments(rest):
    """Law: the document is the contract: routes, limits, words."""
    document = (await rest.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    text = document["components"]["schemas"]["gavel.v1.ModerateTextRequest"]["properties"]["text"]
    assert text["description"].startswith("text is the text to judge")
    assert (text["minLength"], text["maxLength"]) == (1, 1 << 20)
    listed = document["paths"]["/v1/categories"]["get"]["parameters"]
    assert [entry["name"] for entry in listed] == ["pageSize", "pageToken"]
    assert {"/v1/projects/{project}/queues/{queue}/items/{item}:claim"} <= set(document["paths"])
    undescribed = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, entry in schema.get("properties", {}).items()
        if name.startswith("gavel.") and "description" not in entry
    ]
    assert undescribed == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=str)
async def test_nothing_that_openapi_describes_is_a_500(rest, mode):
    """Law: whatever fits the document, and whatever doesn't, gets an answer that is no 500."""
    schema = schemathesis.openapi.from_dict((await rest.get("/openapi.json")).json())
    operations = [
        result.ok() for result in schema.exclude(path_regex=":stream$").get_all_operations()
    ]
    assert len(operations) > 25
    answered, faults = 0, []
    for operation in operations:
        for case in cases_of(operation, mode):
            answer = await asyncio.to_thread(case.call, base_url=str(rest.base_url))
            answered += 1
            if answer.status_code >= 500 and answer.status_code != 501:
                faults.append((case.as_curl_command(), answer.status_code, answer.text[:200]))
    assert answered >= 80
    assert faults == []


def cases_of(operation, mode):
    """Some requests for an operation: such as its document allows, or such as it does not."""
    cases = []

    @settings(
        max_examples=4,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case):
        cases.append(case)

    with contextlib.suppress(Unsatisfiable):  # some operations can't be called wrongly
        collect()
    return cases
