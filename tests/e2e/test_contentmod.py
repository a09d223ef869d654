"""ContentMod's customer at a real server: everything of its documents, with keys and callbacks."""

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from tests.callback_receiver import Arrival, Receiver, receiving
from tests.e2e.command import gavel
from tests.e2e.conftest import Server, running
from tests.pictures import encoded, plain, written

INSULT = "You are a stupid fool, Ben"
ACTION = "5f0c2d1e-0000-4000-8000-00000000000a"
ACTION_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PICTURE = encoded(plain((90, 90, 90), (64, 48)), "PNG")
POSTER = encoded(written("Free tickets for sale", height=36), "PNG")
WAIT_SECONDS = 60

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Customer:
    """Somebody with a key of ContentMod's kind, a server of their own, and people who review."""

    server: Server
    api: httpx2.AsyncClient
    receiver: Receiver
    project: str
    key_id: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.rest_port}"

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.api.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def result(self, moderation_id: str) -> dict[str, Any]:
        """Ask for a deferred result until it is there."""
        return await self._poll(f"/text/{moderation_id}", {"status": "processing"})

    async def judged_item(self, queue: str, item_id: str) -> dict[str, Any]:
        """Ask for a queue item until it waits for people."""
        return await self._poll(f"/queues/{queue}/items/{item_id}", {"status": "processing"})

    async def _poll(self, path: str, unfinished: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                answer = await self.api.get(path)
                assert answer.status_code in (200, 202), answer.text
                body = answer.json()
                if body | unfinished != body:
                    return dict(body)
                assert body["id"] in path

    async def run(self, *arguments: str) -> str:
        """Run ``gavel`` where the server runs; return its output."""
        done = await gavel(*arguments, folder=self.server.log.parent)
        assert done.status == 0, done.errors
        return done.output.strip()

    async def uploaded(self, *, body: bytes, media_type: str, **query: str) -> httpx2.Response:
        """Upload as a page in a browser does: without a key, by a signature."""
        secret = query.pop("secret")
        upload_id = query.pop("upload_id", str(uuid.uuid4()))
        signed = {
            "publicKey": self.key_id,
            "datetime": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "expires": "60",
            **query,
        }
        signature = sign(secret, self.url, upload_id, signed)
        address = f"{self.url}/public/{upload_id}?{urlencode({'signature': signature, **signed})}"
        async with httpx2.AsyncClient(timeout=WAIT_SECONDS) as page:
            return await page.post(address, content=body, headers={"content-type": media_type})


def sign(secret: str, host: str, upload_id: str, query: dict[str, str]) -> str:
    """Sign an upload as the documents say; in ContentMod's client this is a dozen lines too."""
    key = f"cmod{secret}".encode()
    for part in (
        query["datetime"],
        f"pub-{query['publicKey']}",
        f"exp-{query['expires']}",
        f"type-{query['type']}",
        "contentmod_request",
        f"{host}/public/{upload_id}",
    ):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def verified(arrival: Arrival, secret: str) -> dict[str, Any]:
    """The body of a callback whose signature the published package finds right."""
    return dict(Webhook(secret).verify(arrival.body, dict(arrival.headers)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server for all, which asks for keys and may call back on this machine."""
    environment = {
        "GAVEL_AUTH__ENABLED": "true",
        "GAVEL_CALLBACKS__INTERNAL_HOSTS": '["127.0.0.1"]',
    }
    async with running(tmp_path_factory.mktemp("server"), environment) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def customer(asking_server: Server) -> AsyncIterator[Customer]:
    """Somebody with a project of their own."""
    project = f"shop-{uuid.uuid4().hex[:8]}"
    scopes = [part for scope in ("moderate", "review", "policy") for part in ("--scope", scope)]
    folder = asking_server.log.parent
    made = await gavel("keys", "create", "--project", project, *scopes, folder=folder)
    key = made.output.strip()
    api = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{asking_server.rest_port}",
        headers={"authorization": f"Bearer {key}"},
        timeout=WAIT_SECONDS,
    )
    async with receiving() as receiver, api:
        yield Customer(asking_server, api, receiver, project, key.split("_")[1])


async def test_a_deferred_text_comes_by_poll_and_by_callback(customer: Customer):
    """Law: the id at once; then the same result by both ways, of the shape of a prompt answer."""
    meta = {"post": 10**20, "tags": ["a", None]}
    asked = {"text": INSULT, "options": {"actorId": "ben", "meta": meta}}
    prompt = await customer.post("/text", asked)
    address = f"http://127.0.0.1:{customer.receiver.port}/moderated"
    options = {**asked["options"], "callbackUrl": address}
    deferred = await customer.post("/text", asked | {"options": options})
    assert set(deferred) == {"id"}
    polled = await customer.result(deferred["id"])
    (arrival,) = await customer.receiver.wait_for(1)
    secret = await customer.run("callbacks", "secret", customer.project)
    told = verified(arrival, secret)
    assert (arrival.path, told["event"]) == ("/moderated", "moderation.completed")
    assert told["data"] == polled
    assert set(polled) == set(prompt)
    changing = {"id", "request"}
    assert {name: polled[name] for name in set(polled) - changing} == {
        name: prompt[name] for name in set(prompt) - changing
    }
    assert (polled["id"], polled["meta"], polled["content"]) == (deferred["id"], meta, INSULT)


async def test_a_deferred_picture_is_judged_like_a_prompt_one(customer: Customer):
    """Law: `defer` alone sends nothing anywhere; the result is fetched, and is the prompt one."""
    for picture in (PICTURE, POSTER):
        image = base64.b64encode(picture).decode()
        prompt = await customer.post("/image", {"image": image})
        deferred = await customer.post("/image", {"image": image, "options": {"defer": True}})
        polled = await customer.result(deferred["id"])
        assert polled == {**prompt, "id": deferred["id"], "actorId": None}
        assert polled["hash"] == hashlib.sha256(picture).hexdigest()
    assert "tickets" in prompt["description"]
    assert prompt["summary"]["language"] == "en"
    assert customer.receiver.arrivals == []


async def test_people_decide_on_a_queues_items(customer: Customer):
    """Law: what is put into a queue is judged, decided by a person, and told to the queue's own."""
    address = f"http://127.0.0.1:{customer.receiver.port}/reviewed"
    policy = {
        "categories": {"H2": {"review": 0.4, "block": 0.99}},
        "reviewQueues": [{"id": "team-a", "actionId": ACTION}],
        "actions": [
            {
                "id": ACTION,
                "name": "Tell the shop",
                "callbackUrl": address,
                "headers": {"x-shop": "one"},
                "secret": ACTION_SECRET,
                "format": "CALLBACK_FORMAT_CONTENTMOD",
            }
        ],
    }
    await customer.post("/v1/projects/-/policy:apply", {"policy": policy})
    put = await customer.post(
        "/queues/Team-A",  # of any case
        {"type": "text", "content": INSULT, "meta": {"post": 7}, "actorId": "ben"},
    )
    assert put["status"] in ("processing", "pending")
    item = await customer.judged_item("team-a", put["id"])
    assert (item["status"], item["content"], "accepted" in item) == ("pending", INSULT, False)
    assert item["moderation"]["isSafe"] is False
    queue = "/v1/projects/-/queues/team-a"
    claimed = await customer.post(f"{queue}:claim", {"reviewer": "ann"})
    assert claimed["name"].endswith(put["id"])
    said = {"reviewer": "ann", "decision": "REVIEW_ITEM_DECISION_REJECT", "reason": "Rude."}
    await customer.post(f"{queue}/items/{put['id']}:decide", said)
    (arrival,) = await customer.receiver.wait_for(1)
    told = verified(arrival, ACTION_SECRET)
    assert (arrival.headers["x-shop"], told["event"]) == ("one", "queue.review.completed")
    data = told["data"]
    assert (data["id"], data["status"], data["accepted"]) == (put["id"], "rejected", False)
    assert (data["content"], data["moderation"]["meta"]) == (INSULT, {"post": 7})
    decided = await customer.judged_item("team-a", put["id"])
    assert (decided["status"], decided["accepted"]) == ("rejected", False)
    assert INSULT not in json.dumps(decided)  # nobody need see it any more
    user = (await customer.api.get("/v1/projects/-/users/ben")).json()
    assert user["windows"][0]["flagCount"] == "1"
    assert user["strikes"] == pytest.approx(1, abs=0.01)
    # The policy keeps no content, so nobody learns from it either.
    assert INSULT not in await customer.run("feedback", "export")


async def test_a_page_uploads_by_a_signature_alone(customer: Customer):
    """Law: a signature lets one upload in, of its kind, once; what is not signed is a 401."""
    secret = await customer.run("keys", "upload-secret", customer.key_id)
    upload_id = str(uuid.uuid4())
    signed = {"secret": secret, "upload_id": upload_id, "type": "text"}
    query = {**signed, "metadata": '{"form": 3}'}
    body = json.dumps({"content": INSULT}).encode()
    answer = await customer.uploaded(body=body, media_type="application/json", **query)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["content"], shown["meta"], shown["isSafe"]) == (INSULT, {"form": 3}, False)
    again = await customer.uploaded(body=body, media_type="application/json", **query)
    assert again.json()["id"] == shown["id"]
    other = await customer.uploaded(body=b"Another text", media_type="text/plain", **signed)
    assert other.status_code == 409
    assert (await customer.result(shown["id"]))["hash"] == shown["hash"]
    picture = await customer.uploaded(
        body=PICTURE, media_type="image/png", secret=secret, type="image"
    )
    assert picture.json()["hash"] == hashlib.sha256(PICTURE).hexdigest()
    for wrong in (
        {"secret": "guess", "type": "text"},
        {"secret": secret, "type": "text", "publicKey": "nobody"},
        {"secret": secret, "type": "text", "datetime": "2026-01-01T00:00:00Z"},
    ):
        refused = await customer.uploaded(body=b"Hello", media_type="text/plain", **wrong)
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            401,
            "upload_signature_invalid",
        )


async def test_what_is_not_there_is_a_404_and_no_key_a_401(customer: Customer):
    """Law: statuses alone tell a client what happened."""
    for path in ("/text/none", "/queues/team-a/items/none"):
        assert (await customer.api.get(path)).status_code == 404
    async with httpx2.AsyncClient(base_url=customer.url, timeout=WAIT_SECONDS) as stranger:
        for method, path in (
            ("GET", "/text/none"),
            ("POST", "/queues/team-a"),
            ("GET", "/queues/team-a/items/none"),
        ):
            body = {"type": "text", "content": "x"}
            assert (await stranger.request(method, path, json=body)).status_code == 401
