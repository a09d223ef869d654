"""Apollo's customer at a real server, by both of its documents and nothing that is ours.

They define content types, rules and actions, send texts and pictures to be judged now and later
with ``requests``, and take callbacks on a server of their own, verified with the published package.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
import yaml
from standardwebhooks import Webhook, WebhookVerificationError

from tests.callback_receiver import Arrival, Receiver, receiving, says
from tests.e2e.command import gavel
from tests.e2e.conftest import Server, running
from tests.integration.dialects.stand import run_python
from tests.pictures import encoded, plain, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRINTED = Path(__file__).parents[1] / "conformance" / "dialects" / "apollo"
BAN, FLAG = "4b179456-8282-418f-93a5-d986d8631342", "9f3d1a52-0a43-4c57-8a0c-2f6b1f7c9e11"
SECRETS = {BAN: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", FLAG: "our own secret, as plain text"}
INSULT = "You are a stupid fool, Ben"
PICTURES = {
    "/tickets.png": encoded(written("Free tickets for sale", height=36), "PNG"),
    "/grey.png": encoded(plain((120, 120, 120), (64, 48)), "PNG"),
}


def policy(receiver: Receiver) -> dict[str, Any]:
    """What the customer defined in Apollo's dashboard, as a policy."""
    hooks = f"http://127.0.0.1:{receiver.port}"
    return {
        "categories": {"H2": {"review": 0.5}},
        "media": {"fetch_hosts": ["127.0.0.1"]},
        "content_types": [
            {
                "name": "Comment",
                "fields": [
                    {"name": "text", "type": "string", "required": True},
                    {"name": "likes", "type": "int"},
                    {"name": "occasion", "type": "string", "exempt": True},
                ],
            },
            {"name": "Image", "fields": [{"name": "url", "type": "image", "required": True}]},
        ],
        "actions": [
            {
                "id": BAN,
                "name": "REVIEWED",
                "callback_url": f"{hooks}/reviewed?from=apollo",
                "headers": {"x-our-token": "t0p-secret"},
                "parameters": {"severity": 3, "teams": ["trust"]},
                "secret": SECRETS[BAN],
                "format": "apollo",
            },
            {
                "id": FLAG,
                "name": "FLAGGED",
                "callback_url": f"{hooks}/flagged",
                "secret": SECRETS[FLAG],
                "format": "apollo",
            },
        ],
        "rules": [
            {
                "name": "Insults",
                "content_types": ["Comment"],
                "condition": "scores.insult > 0.5",
                "actions": ["REVIEWED"],
            },
            {
                "name": "Popular insults",
                "content_types": ["Comment"],
                "condition": "scores.insult > 0.5 && has(content.likes) && content.likes > 100",
                "actions": ["REVIEWED", "FLAGGED"],
            },
            {
                "name": "Tickets",
                "content_types": ["Image"],
                "condition": 'known.ocr_text && ocr_text.contains("tickets")',
                "actions": ["FLAGGED"],
            },
        ],
    }


@dataclass
class Customer:
    """Somebody with a key, and a server that holds pictures and takes callbacks."""

    server: Server
    receiver: Receiver
    project: str
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.rest_port}"

    async def send(self, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
        """Send content as the documents do."""
        named = headers or {"x-api-key": self.key}
        return await asyncio.to_thread(
            requests.post, f"{self.url}{path}", headers=named, json=body, timeout=60
        )

    async def runs(self, path: str, body: dict[str, Any], **headers: str) -> list[tuple[str, str]]:
        """Send content to be judged now, and return the actions that it set off."""
        answer = await self.send(path, body, **headers)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["content_id"], told["status"]) == (body["content_id"], 200)
        return [(run["id"], run["run"]) for run in told["data"]["workflowsRuns"]]

    async def callbacks(self, count: int) -> list[tuple[Arrival, dict[str, Any]]]:
        """Return all callbacks once so many have come, each verified as its receiver would."""
        async with asyncio.timeout(60), self.receiver.arrived:
            await self.receiver.arrived.wait_for(lambda: len(self._posts) >= count)
        return [(arrival, self._told(arrival)) for arrival in self._posts]

    async def sent(self) -> list[dict[str, Any]]:
        """Return the callbacks to this customer as the operator sees them."""
        listed = await gavel("callbacks", "list", "--json", folder=self.server.log.parent)
        assert listed.status == 0, listed.errors
        return [sent for sent in json.loads(listed.output) if sent["project"] == self.project]

    @property
    def _posts(self) -> list[Arrival]:
        return [entry for entry in self.receiver.arrivals if entry.method == "POST"]

    def _told(self, arrival: Arrival) -> dict[str, Any]:
        if arrival.path == "/reviewed?from=apollo":
            return dict(Webhook(SECRETS[BAN]).verify(arrival.body, dict(arrival.headers)))
        assert arrival.path == "/flagged"
        return dict(Webhook(SECRETS[FLAG].encode()).verify(arrival.body, dict(arrival.headers)))


async def answer(arrival: Arrival, writer: asyncio.StreamWriter) -> None:
    """What the customer's server says: its pictures, and that it took a callback."""
    if arrival.method == "GET":
        picture = PICTURES[arrival.path]
        await says(200, picture, content_type="image/png")(arrival, writer)
    else:
        await says(204)(arrival, writer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server for all, which asks for keys and may call back on this machine."""
    environment = {
        "GAVEL_AUTH__ENABLED": "true",
        "GAVEL_CALLBACKS__INTERNAL_HOSTS": '["127.0.0.1"]',
        "GAVEL_PANEL__EMBEDDED": "false",
    }
    async with running(tmp_path_factory.mktemp("server"), environment) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def customer(asking_server: Server, tmp_path: Path) -> AsyncIterator[Customer]:
    """Somebody with a project of their own, and a policy in force there."""
    async with receiving(answer) as receiver:
        project = f"shop-{uuid.uuid4().hex[:8]}"
        made = await gavel(
            "keys", "create", "--project", project, "--scope", "moderate", "--scope", "policy",
            folder=asking_server.log.parent, environment={"GAVEL_AUTH__ENABLED": "true"},
        )  # fmt: skip
        key = made.output.strip()
        document = tmp_path / "policy.yaml"
        document.write_text(yaml.safe_dump(policy(receiver)))
        applied = await gavel(
            "policy", "apply", str(document), "--target", asking_server.address, "--key", key
        )
        assert applied.status == 0, applied.errors
        yield Customer(asking_server, receiver, project, key)


def comment(text: str, content_id: str, **content: Any) -> dict[str, Any]:
    return {
        "content_id": content_id,
        "user_id": "def456",
        "contenttype": "Comment",
        "content": {"text": text, **content},
        "sync": True,
    }


async def test_texts_by_the_text_document(customer: Customer):
    """Law: the printed program runs, actions come back and are called back, now and later."""
    printed = (PRINTED / "text.py.txt").read_text().replace("APIKEY", customer.key)
    program = printed.replace("https://api.apolloapi.com", customer.url)
    program = program.replace("<... all other fields in your 'Comment' content type>", "'likes': 3")
    said = await run_python(f"{program}\nprint(response.status_code, response_dict)")
    assert said == ("200 {'content_id': 'abc123', 'status': 200, 'data': {'workflowsRuns': []}}\n")

    path = "/api/v1/content/"
    assert await customer.runs(path, comment(INSULT, "c1")) == [(BAN, "REVIEWED")]
    popular = comment(f"{INSULT}!", "c2", likes=101)
    assert await customer.runs(path, popular) == [(BAN, "REVIEWED"), (FLAG, "FLAGGED")]
    later = await customer.send(path, comment(f"{INSULT}!!", "c3") | {"sync": False})
    assert (later.status_code, later.content) == (204, b"")
    harmless = await customer.send(path, comment("What a lovely day", "c4") | {"sync": False})
    assert (harmless.status_code, harmless.content) == (204, b"")

    told = await customer.callbacks(4)
    assert sorted((entry.path.partition("?")[0], body["content_id"]) for entry, body in told) == [
        ("/flagged", "c2"),
        ("/reviewed", "c1"),
        ("/reviewed", "c2"),
        ("/reviewed", "c3"),
    ]
    for arrival, body in told:
        about = {
            "content": {"id": body["content_id"], "content_type": "Comment"},
            "content_id": body["content_id"],
            "user_id": "def456",
        }
        if arrival.path == "/flagged":
            assert body == about
            assert "x-our-token" not in arrival.headers
        else:
            assert body == about | {"custom": {"severity": 3, "teams": ["trust"]}}
            assert arrival.headers["x-our-token"] == "t0p-secret"
        assert arrival.headers["content-type"] == "application/json"
        assert arrival.headers["webhook-id"] != "forged"
    assert len({entry.headers["webhook-id"] for entry, _ in told}) == 4


async def test_pictures_by_the_image_document(customer: Customer):
    """Law: pictures at public addresses are judged by what is in them, now and later."""
    hosted = f"http://127.0.0.1:{customer.receiver.port}"
    path, headers = "/api/v1/image/", {"Authorization": f"TOKEN {customer.key}"}

    def image(name: str, content_id: str) -> dict[str, Any]:
        return {
            "content_id": content_id,
            "user_id": "def456",
            "contenttype": "Image",
            "content": {"url": f"{hosted}{name}"},
            "sync": True,
        }

    assert await customer.runs(path, image("/grey.png", "p1"), **headers) == []
    tickets = image("/tickets.png", "p2")
    assert await customer.runs(path, tickets, **headers) == [(FLAG, "FLAGGED")]
    later = await customer.send(path, image("/tickets.png", "p3") | {"sync": False}, **headers)
    assert (later.status_code, later.content) == (204, b"")
    # The content type makes a picture of the address on the other route, too.
    other = await customer.send("/api/v1/content/", image("/tickets.png", "p4"), **headers)
    assert [run["run"] for run in other.json()["data"]["workflowsRuns"]] == ["FLAGGED"]

    told = await customer.callbacks(3)
    assert sorted(body["content_id"] for _, body in told) == ["p2", "p3", "p4"]
    for _, body in told:
        assert body["content"] == {"id": body["content_id"], "content_type": "Image"}
        assert body["user_id"] == "def456"


async def test_the_same_content_runs_again_on_another_occasion(customer: Customer):
    """Law: what is sent again is decided once; what was reported since is run through all rules."""
    path = "/api/v1/content/"
    for _ in range(2):
        assert await customer.runs(path, comment(INSULT, "c1")) == [(BAN, "REVIEWED")]
    reported = comment(INSULT, "c1", occasion="reported")
    assert await customer.runs(path, reported) == [(BAN, "REVIEWED")]
    told = await customer.callbacks(2)
    assert [body["content_id"] for _, body in told] == ["c1", "c1"]
    ids = [entry["id"] for entry in await customer.sent()]
    assert sorted(ids) == sorted(entry.headers["webhook-id"] for entry, _ in told)


async def test_what_does_not_fit_and_who_may_not(customer: Customer):
    """Law: every field at fault is named, whoever has no key is told so, and nothing is sent."""
    path = "/api/v1/content/"
    odd = comment("fine", "c1", likes="many", surprise=1)
    del odd["content"]["text"]
    for body in (odd, odd | {"sync": False}):
        refused = await customer.send(path, body)
        assert refused.status_code == 400
        errors = refused.json()["errors"]
        assert sorted(error["pointer"] for error in errors) == [
            "/content/likes", "/content/surprise", "/content/text",
        ]  # fmt: skip
    stranger = await customer.send(path, comment(INSULT, "c1"), **{"x-api-key": "APIKEY"})
    assert stranger.status_code == 401
    assert stranger.json()["errors"][0]["title"] == "Invalid API Key"
    unknown = await customer.send(path, comment(INSULT, "c1") | {"contenttype": "Post"})
    assert unknown.json()["errors"][0]["title"] == "Content type not found"
    assert customer.receiver.arrivals == []


async def test_a_callback_that_was_tampered_with_is_found_out(customer: Customer):
    """Law: another body, id or secret does not verify; the operator sees what was sent."""
    assert await customer.runs("/api/v1/content/", comment(INSULT, "c1"))
    ((arrival, _),) = await customer.callbacks(1)
    verifier, headers = Webhook(SECRETS[BAN]), dict(arrival.headers)
    for body, given in (
        (arrival.body.replace(b"c1", b"c2"), headers),
        (arrival.body, headers | {"webhook-id": "msg_0"}),
        (arrival.body, headers | {"webhook-timestamp": "1"}),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, given)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[FLAG].encode()).verify(arrival.body, headers)

    (sent,) = await customer.sent()
    assert sent["id"] == arrival.headers["webhook-id"]
    assert (sent["action_id"], sent["host"]) == (BAN, "127.0.0.1")
    assert "t0p-secret" not in customer.server.log.read_text()
