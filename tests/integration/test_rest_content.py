"""Submitting content over REST: the operation and what is packed in it, as JSON."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry

from gaveld.adapters.storage.policies import YamlPolicyStore
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.domain.policies import Policy
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
from tests.content_house import POLICY
from tests.integration.content_stand import ContentStand, content_stand
from tests.integration.grpc_stand import Serve
from tests.unit.repo.test_docs import blocks
from tests.unit.repo.tree import read

TYPE = "type.googleapis.com/gavel.v1."
COMMENT = {
    "contentId": "c1",
    "actorId": "ann",
    "contentType": "Comment",
    "fields": {"text": {"stringValue": "you fool"}, "age": {"intValue": "12"}},
    "metadata": {"thread": "t1"},
}


@asynccontextmanager
async def rest_stand(
    serve: Serve, folder: Path, policy: Policy = POLICY
) -> AsyncIterator[tuple[httpx2.AsyncClient, ContentStand]]:
    """A client of a gateway in front of a server that takes content."""
    async with AsyncExitStack() as stack:
        stand = await stack.enter_async_context(content_stand(serve, folder, policy))
        upstream = Upstream(UpstreamOptions((f"127.0.0.1:{stand.running.ports.grpc}",)))
        stack.push_async_callback(upstream.close)
        surface = ContractSurface(contract_services())
        metrics = RestMetrics(CollectorRegistry())
        gateway = Gateway(GatewayOptions(), surface, upstream, metrics, ())
        server = RestServer(RestServerOptions(port=0), gateway)
        url = f"http://127.0.0.1:{await server.start()}"
        stack.push_async_callback(server.stop)
        yield await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60)), stand


async def test_an_answer_comes_with_its_operation(serve, tmp_path):
    """Law: what an operation holds is JSON like any other answer, and says of what type it is."""
    async with rest_stand(serve, tmp_path) as (client, _):
        answer = await client.post("/v1/content:submit", json={**COMMENT, "sync": True})
        assert answer.status_code == 200
        operation = answer.json()
        assert operation["done"] is True
        assert operation["metadata"]["@type"] == f"{TYPE}SubmitContentMetadata"
        assert operation["metadata"]["state"] == "SUBMIT_CONTENT_STATE_DONE"
        response = operation["response"]
        assert response["@type"] == f"{TYPE}SubmitContentResponse"
        assert response["contentId"] == "c1"
        assert response["verdict"]["action"] == "ACTION_REVIEW"
        assert response["findings"][0]["fieldPath"] == "text"
        assert response["fieldResults"][0]["filteredText"] == "you fool"
        assert response["metadata"] == {"thread": "t1"}
        assert response["decideTime"].endswith("Z")


async def test_what_is_decided_later_is_fetched_by_its_name(serve, tmp_path):
    """Law: an operation that waits has no response, and its name leads to it when it has one."""
    async with rest_stand(serve, tmp_path) as (client, stand):
        waiting = (await client.post("/v1/content:submit", json=COMMENT)).json()
        assert "done" not in waiting
        assert "response" not in waiting
        assert waiting["metadata"]["state"] == "SUBMIT_CONTENT_STATE_WAITING"
        again = (await client.get(f"/v1/{waiting['name']}")).json()
        assert again == waiting
        stand.start_work()
        done = await client.post(f"/v1/{waiting['name']}:wait", json={"timeout": "20s"})
        assert done.json()["response"]["verdict"]["action"] == "ACTION_REVIEW"


async def test_why_a_field_was_not_judged_is_said(serve, tmp_path):
    """Law: an error within an answer is JSON like any other error."""
    async with rest_stand(serve, tmp_path) as (client, _):
        avatar = {"imageValue": {"data": base64.b64encode(b"no picture").decode()}}
        asked = {**COMMENT, "fields": {**COMMENT["fields"], "avatar": avatar}, "sync": True}
        answer = await client.post("/v1/content:submit", json=asked)
        result = answer.json()["response"]["fieldResults"][0]
        assert result["fieldPath"] == "avatar"
        info = result["error"]["details"][0]
        assert info["reason"] == "MEDIA_UNSUPPORTED"
        assert info["metadata"]["field"] == "fields.avatar"


async def test_the_guides_example_is_served(serve, tmp_path):
    """Law: what the guide shows does what the guide says."""
    guide = read("docs/content.md")
    (policy,), (request,), (form,) = (blocks(guide, kind) for kind in ("yaml", "json", "text"))
    (tmp_path / "policy.yaml").write_text(f"name: guide\ncategories: {{}}\n{policy}", "utf-8")
    store = YamlPolicyStore(tmp_path / "policy.yaml", validate_term_lists, listed_domain)
    (tmp_path / "data").mkdir()
    policies = await store.current("default")
    async with rest_stand(serve, tmp_path / "data", policies) as (client, _):
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/content:submit", content=request, headers=headers)
        response = answer.json()["response"]
        assert response["contentSha256"] == hashlib.sha256(form.strip().encode()).hexdigest()
        assert [entry["name"] for entry in response["triggeredActions"]] == ["Hide comment"]


async def test_every_field_at_fault_is_named(serve, tmp_path):
    """Law: a refusal over REST names what does not fit, as over gRPC."""
    async with rest_stand(serve, tmp_path) as (client, _):
        wrong = {**COMMENT, "fields": {"age": {"stringValue": "x"}, "hue": {"boolValue": True}}}
        answer = await client.post("/v1/content:submit", json=wrong)
        assert answer.status_code == 400
        info, bad = answer.json()["details"][:2]
        assert info["reason"] == "CONTENT_TYPE_MISMATCH"
        assert {entry["field"]: entry["reason"] for entry in bad["fieldViolations"]} == {
            "fields.text": "MISSING",
            "fields.age": "MISTYPED",
            "fields.hue": "UNKNOWN",
        }


async def test_lone_surrogates_never_come_in(serve, tmp_path):
    """Law: text that is no Unicode is refused at the door."""
    async with rest_stand(serve, tmp_path) as (client, stand):
        body = (
            b'{"contentId": "c1", "contentType": "Comment",'
            b' "fields": {"text": {"stringValue": "\\ud800"}}}'
        )
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/content:submit", content=body, headers=headers)
        assert answer.status_code == 400
        assert not (await stand.parts.jobs.list()).jobs
