"""The programs of the migration guide, run as they stand but for the address."""

import asyncio
import json
import re

import pytest
from googleapiclient import discovery, errors

from gaveld.application.api_keys import Authenticate
from gaveld.transport.rest.dialects.perspective import PerspectiveDialect
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.feedback import FakeFeedbackStore
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.stand import TraitClassifier, run, run_javascript, run_python
from tests.unit.repo.tree import ROOT

GUIDE = (ROOT / "docs/migrating-from-perspective.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8080"


def programs(language: str) -> list[str]:
    """The guide's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
async def served(serve_dialects: ServeDialects):
    """A server that scores every trait and keeps opinions."""
    return await serve_dialects(
        PerspectiveDialect(), classifiers=[TraitClassifier()], feedback=FakeFeedbackStore()
    )


def summary(printed: str, name: str = "TOXICITY") -> float:
    """The score in what a program printed."""
    return json.loads(printed)["attributeScores"][name]["summaryScore"]["value"]


def moved(program: str, url: str) -> str:
    """The program with the one line changed."""
    assert program.count(ADDRESS) == 1
    return program.replace(ADDRESS, url)


async def test_python_programs_work(served):
    """Law: requests and Google's own client print scores when their address is Gavel's."""
    first, second = programs("python")
    assert summary(await run_python(moved(first, served.url))) == 0.9
    assert summary(await run_python(moved(second, served.url))) == 0.125


async def test_javascript_programs_work(served):
    """Law: fetch, and a class in the manner of perspective-api-client, print scores in Node."""
    first, second = programs("javascript")
    assert summary(await run_javascript(moved(first, served.url)), "INSULT") == 0.9
    assert summary(await run_javascript(moved(second, served.url)), "THREAT") == 0.125


async def test_the_curl_line_works(served):
    """Law: curl with JSON as loose as in Perspective's documents prints a score."""
    (line,) = programs("shell")
    assert summary(await run("sh", "-c", moved(line, served.url))) == 0.9


def built(url: str):
    """Google's client, built from the discovery document."""
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey="key",
        discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
        cache_discovery=False,
    )


async def test_googles_client_suggests_scores_and_raises_its_errors(served):
    """Law: both methods are described, and a refusal is the client's HttpError with its reason."""

    def work() -> None:
        with built(served.url) as client:
            comments = client.comments()
            body = {
                "comment": {"text": "I like it."},
                "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
                "clientToken": "t",
            }
            assert comments.suggestscore(body=body).execute() == {"clientToken": "t"}
            refused = {"comment": {"text": "a"}, "requestedAttributes": {"FLIRTATION": {}}}
            with pytest.raises(errors.HttpError, match="FLIRTATION") as caught:
                comments.analyze(body=refused).execute()
            assert caught.value.status_code == 400

    await asyncio.to_thread(work)


async def test_googles_client_raises_its_error_for_a_wrong_key(serve_dialects):
    """Law: the client, whose HTTP library reads challenges in its own way, says 401."""
    served = await serve_dialects(
        PerspectiveDialect(), authenticate=Authenticate(FakeApiKeyStore())
    )

    def work() -> None:
        with built(served.url) as client, pytest.raises(errors.HttpError) as caught:
            client.comments().analyze(
                body={"comment": {"text": "a"}, "requestedAttributes": {"INSULT": {}}}
            ).execute()
        assert caught.value.status_code == 401

    await asyncio.to_thread(work)


@pytest.mark.parametrize(
    ("headers", "root"),
    [
        ({"host": "gavel.example:8443"}, "http://gavel.example:8443/"),
        ({"host": "gavel.example", "x-forwarded-proto": "https"}, "https://gavel.example/"),
        ({"host": "gavel.example", "x-forwarded-proto": "gopher"}, "http://gavel.example/"),
    ],
)
async def test_the_description_names_the_address_it_was_asked_at(served, headers, root):
    """Law: a client that was built through a proxy calls through that proxy."""
    answer = await served.client.get("/$discovery/rest?version=v1alpha1", headers=headers)
    assert answer.json()["rootUrl"] == root


async def test_a_host_that_is_none_is_not_repeated(served):
    """Law: the description holds no address that its reader didn't really ask at."""
    answer = await served.client.get("/$discovery/rest", headers={"host": "a/b@c"})
    assert answer.status_code == 400


def test_every_figure_of_the_guide_is_in_the_model_card():
    """Law: the guide claims no figure that the model's own card doesn't have."""
    shipped = ROOT / "src/gaveld/adapters/text/transformer_model/shipped"
    card = (shipped / "MODEL_CARD.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (0\.\d+) \| ([^|]+) \|([^|]*)\|$", GUIDE, re.MULTILINE)
    labels = {"IDENTITY_ATTACK": "identity_hate", "SEXUALLY_EXPLICIT": "sexual"}
    assert len(rows) == 8
    for name, known, strange, lowest in rows:
        label = labels.get(name, name.lower())
        measured = re.search(
            rf"^\| {label} \| public \| \d+ \| \d+ \| ([\d.]+) ", card, re.MULTILINE
        )
        assert measured
        assert f"{float(measured[1]):.3f}" == known
        left_out = re.search(
            rf"^\| {label} \| \d+ \| \d+ \| ([\d.]+) \| [^|]+ \| ([\d.]+) \(", card, re.MULTILINE
        )
        told = (left_out[1], left_out[2]) if left_out else ("not measured", "")
        assert told == (strange, lowest.strip())
    thresholds = re.findall(r"^\| (0\.\d+) \| ([\d.]+%) \| ([\d.]+%) \|$", GUIDE, re.MULTILINE)
    assert len(thresholds) == 3
    for threshold, flagged, found in thresholds:
        assert re.search(
            rf"^\| toxicity \| \w+ \| {threshold} \| {flagged} \| {found} \|$", card, re.MULTILINE
        )
