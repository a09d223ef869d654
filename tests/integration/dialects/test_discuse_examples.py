"""Discuse's own examples: what its document prints is sent as printed, and answered likewise."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.transport.rest.dialects.discuse import DiscuseDialect
from tests.certificates import self_signed
from tests.conformance.trees import differences
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fetch_target import PUBLIC, Names, Network, fetching, sends, target
from tests.integration.dialects.conftest import Served, ServeDialects
from tests.integration.dialects.stand import TraitClassifier, run
from tests.pictures import encoded, plain

GOLDEN = Path(__file__).parents[2] / "conformance" / "dialects" / "discuse"
REQUESTS = json.loads((GOLDEN / "requests.json").read_text())
ANSWER = json.loads((GOLDEN / "answer.json").read_text())
PRINTED_URL = "https://api.discuse.com"
POLICY = Policy("p@1", {"A1": CategoryRule(0.4)}, expected_languages=frozenset({"pl"}))
EMPTY: dict[str, Any] = {"result": {}}


@pytest.fixture
async def served(serve_dialects: ServeDialects, tmp_path: Path) -> AsyncIterator[Served]:
    """The dialect for those with the key "xxx" as printed; example.com has a picture."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", client_id="acme")
    await store.add(key)
    certificate, private_key = self_signed(tmp_path, "example.com")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, private_key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False  # the certificate is for the loopback
    files = {"/image.jpg": sends(encoded(plain("grey", (64, 48)), "JPEG"))}
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(target(files, tls=serving))
        names = Names(example_com=[[PUBLIC]])
        fetcher = await stack.enter_async_context(fetching(Network(host.port), names, tls=trusting))
        started = await serve_dialects(
            DiscuseDialect(),
            classifiers=[TraitClassifier()],
            policy=POLICY,
            fetcher=fetcher,
            authenticate=Authenticate(store),
        )
        started.client.headers.update({"x-client-id": "acme", "x-client-secret": secret})
        yield started


def command(served: Served, name: str) -> str:
    """A printed command with the base URL and the keys changed, and nothing else."""
    printed = (GOLDEN / name).read_text()
    assert PRINTED_URL in printed
    mine = printed.replace(PRINTED_URL, served.url)
    for header in ("x-client-id", "x-client-secret"):
        mine = mine.replace(f"{header}: xxx", f"{header}: {served.client.headers[header]}")
    assert "xxx" not in mine
    return mine


async def test_the_printed_body_has_the_printed_answer(served: Served):
    """Law: a text with an image is answered in all of the printed keys, types and order."""
    body = REQUESTS["request body format"]
    answer = (await served.client.post("/api/v1/check", json=body)).json()
    assert not list(differences(ANSWER, answer))
    assert list(answer) == list(ANSWER)
    for part in ("images", "sentiment", "language"):
        assert list(answer[part]) == list(ANSWER[part])
    assert isinstance(answer["trace_context"], str)
    assert answer["language"] == {"expected": "pl", "detected": "en", "hit": True}
    assert answer["images"]["result"]["category"] == "neutral"


async def test_a_body_without_media_says_so(served: Served):
    """Law: the printed fragment has nothing to check, which is told, and not called clean."""
    body = REQUESTS["user identification"]
    answer = await served.client.post("/api/v1/check", json=body)
    assert answer.status_code == 400
    assert "request.media" in answer.json()["error"]["message"]


async def test_the_printed_text_command_runs(served: Served):
    """Law: the printed command runs, with the comma too many that it is printed with."""
    answer = json.loads(await run("bash", "-e", "-c", command(served, "text.sh")))
    assert not list(differences({**ANSWER, "images": EMPTY}, answer))
    assert answer["sentiment"]["hit"] is False


async def test_the_printed_image_command_runs(served: Served):
    """Law: the printed command runs, with the empty address that it is printed with."""
    answer = json.loads(await run("bash", "-e", "-c", command(served, "images.sh")))
    unsaid = dict.fromkeys(("toxic", "profanity", "threat", "insult"))
    language = {"expected": None, "detected": None, "hit": False}
    like = {**ANSWER, "sentiment": {**unsaid, "hit": False}, "language": language}
    assert not list(differences(like, answer))
    assert answer["gifs"] == EMPTY
    assert answer["images"]["status"] == "ok"
