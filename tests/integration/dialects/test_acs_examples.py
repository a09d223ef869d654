"""The ACS document's own examples: what it prints is sent as printed, and answered likewise."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.transport.rest.dialects.acs import DETAILED, AcsDialect
from tests.certificates import self_signed
from tests.conformance.trees import differences
from tests.embedded_panel import Panel
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.reviewer import FakeReviewer
from tests.fetch_target import PUBLIC, Names, Network, fetching, sends, target
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.stand import run, run_javascript, run_python
from tests.media_house import POLICY, MediaParts
from tests.pictures import encoded, plain
from tests.videos import BLUE, video

GOLDEN = Path(__file__).parents[2] / "conformance" / "dialects" / "acs"
REQUESTS = json.loads((GOLDEN / "requests.json").read_text())
ANSWERS = json.loads((GOLDEN / "answers.json").read_text())
PRINTED_URL = "https://test-compliance-api.umbrosus.com/api/v1/compliance"
JPEG = encoded(plain("blue", (64, 48)), "JPEG")


class Service:
    """The dialect, at a URL and with a key of its own; example.com has a picture and a video."""

    def __init__(self, served: Any, key: str) -> None:
        self.client, self._url, self._key = served.client, served.url, key
        self.client.headers["authorization"] = f"Bearer {key}"

    async def post(self, example: str) -> Any:
        """Send an example as printed."""
        entry = REQUESTS[example]
        return await self.client.post(f"/api/v1/compliance/{entry['endpoint']}", json=entry["body"])

    def program(self, name: str) -> str:
        """A printed program with the base URL and the key changed, and nothing else."""
        printed = (GOLDEN / name).read_text()
        assert PRINTED_URL in printed
        mine = printed.replace(PRINTED_URL, f"{self._url}/api/v1/compliance")
        return mine.replace("your_api_key_here", self._key).replace("YOUR_API_KEY", self._key)


@pytest.fixture
async def service(serve_dialects: ServeDialects, tmp_path: Path) -> AsyncIterator[Service]:
    """A panel of ten with another who reads instructions, for those who have the key."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop")
    await store.add(key)
    certificate, private_key = self_signed(tmp_path, "example.com")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, private_key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False  # the certificate is for the loopback
    files = {
        "/image.jpg": sends(JPEG),
        "/user-upload.jpg": sends(JPEG),
        "/video.mp4": sends(video(scenes=((0.0, BLUE),))),
    }
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(target(files, tls=serving))
        names = Names(example_com=[[PUBLIC]])
        fetcher = await stack.enter_async_context(fetching(Network(host.port), names, tls=trusting))
        panel = Panel(FakePanelScorer({"kill": ("H1", 0.9)}))
        reader = FakeReviewer("reader", reads_custom_prompts=True)
        served = await serve_dialects(
            AcsDialect(),
            reviewers=[*panel.reviewers, reader],
            policy=POLICY,
            media=MediaParts(),
            fetcher=fetcher,
            authenticate=Authenticate(store),
        )
        yield Service(served, secret)


def printed_review(verbose: int) -> dict[str, Any]:
    """The printed answer, without what a lower level of detail leaves out."""
    flagged = [ANSWERS["flagged_category"]]
    ballot = ANSWERS["review"]["agent_decisions"][0] | {"flagged_categories": flagged}
    shown = ANSWERS["review"] | {"flagged_categories": flagged, "agent_decisions": [ballot]}
    if verbose < DETAILED:
        del shown["agent_decisions"]
    return dict(shown)


async def test_every_printed_request_is_answered_as_printed(service: Service):
    """Law: each printed request has an answer of the printed keys and types, in their order."""
    truncated = {name for name in REQUESTS if "..." in str(REQUESTS[name]["body"]["content"])}
    assert len(truncated) == 2
    for name in REQUESTS.keys() - truncated:
        answer = await service.post(name)
        assert answer.status_code == 200, (name, answer.text)
        body = answer.json()
        asked = REQUESTS[name]["body"]
        like = printed_review(asked.get("verbose", 1))
        assert not list(differences(like, body)), name
        assert list(body) == [key for key in ANSWERS["review"] if key in like]
        assert body["decision"] == "safe", (name, body)
        assert body["decision_method"] == asked.get("decision_method", "average")
        if "agent_decisions" in body:
            assert len(body["agent_decisions"]) == asked["amount"]


async def test_the_printed_base64_is_cut_off(service: Service):
    """Law: what is printed with an ellipsis is no picture; with a whole one in its place it is."""
    for name in ("example request (base64 image)", "images in base64"):
        refused = await service.post(name)
        assert refused.status_code == 400
        assert not list(differences(ANSWERS["error"], refused.json()))
        assert refused.json()["code"] == "invalid_content"
        entry = REQUESTS[name]
        whole = f"data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}"
        answer = await service.client.post(
            f"/api/v1/compliance/{entry['endpoint']}", json=entry["body"] | {"content": whole}
        )
        assert not list(differences(printed_review(2), answer.json()))


async def test_harm_has_the_printed_form(service: Service):
    """Law: flagged categories are printed as the document prints them, for each reviewer too."""
    answer = await service.client.post(
        "/api/v1/compliance/text", json={"content": "I will kill you", "verbose": 2}
    )
    body = answer.json()
    assert (body["decision"], body["flagged_categories"][0]["id"]) == ("unsafe", "H1")
    assert body["flagged_categories"][0]["name"] == ANSWERS["flagged_category"]["name"]
    assert not list(differences(printed_review(2), body))


async def test_a_wrong_key_has_the_printed_form(service: Service):
    """Law: the printed error is ours: its keys, its code."""
    service.client.headers["authorization"] = "Bearer YOUR_API_KEY"
    answer = await service.post("example request (text)")
    assert answer.status_code == 401
    assert not list(differences(ANSWERS["error"], answer.json()))
    assert answer.json()["code"] == ANSWERS["error"]["code"]


async def test_a_failed_reviewer_has_the_printed_form(serve_dialects: ServeDialects):
    """Law: a reviewer that failed is shown with the printed keys and no others."""
    broken = FakeReviewer("Reviewer 3", failure=RuntimeError("broken"))
    served = await serve_dialects(AcsDialect(), reviewers=[FakeReviewer("Reviewer 1"), broken])
    body = {"content": "hello", "verbose": 2}
    answer = await served.client.post("/api/v1/compliance/text", json=body)
    failed = answer.json()["agent_decisions"][1]
    assert not list(differences(ANSWERS["failed_reviewer"], failed))
    assert failed["decision"] == "failed"


async def test_php_escapes_slashes(service: Service):
    """Law: JSON as PHP writes it, with its slashes escaped, is read as meant."""
    body = json.dumps(REQUESTS["php image"]["body"]).replace("/", "\\/")
    answer = await service.client.post("/api/v1/compliance/image", content=body)
    assert answer.json()["decision"] == "safe"


async def test_the_printed_python_runs(service: Service):
    """Law: the printed Python program works with its base URL and its key changed."""
    said = (await run_python(service.program("sample.py.txt"))).splitlines()
    assert said[0] == "Decision: safe"
    assert said[1].startswith("Reason: ")
    assert said[2:] == ["Image Decision: safe", "Conversation Decision: safe"]


async def test_the_printed_javascript_runs(service: Service):
    """Law: the printed JavaScript program works with its base URL and its key changed."""
    said = (await run_javascript(service.program("sample.js"))).splitlines()
    assert said[0] == "Decision: safe"
    assert said[2:] == ["Image Decision: safe", "Conversation Decision: safe"]


async def test_the_printed_curl_runs(service: Service):
    """Law: the four printed commands work with base URL and key changed."""
    said = await run("bash", "-e", "-c", service.program("sample.sh"))
    decoder, answers = json.JSONDecoder(), []
    while said:
        answer, end = decoder.raw_decode(said)
        answers.append(answer)
        said = said[end:]
    assert [entry["decision"] for entry in answers] == ["safe"] * 4
    assert [len(entry["agent_decisions"]) for entry in answers] == [10, 10, 8, 1]
    for entry in answers:
        assert not list(differences(printed_review(2), entry))
