"""The ACS dialect over real sockets: its levels of detail, its media, and every error it has."""

import asyncio
import base64
from typing import Any

import httpx2
import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.transport.grpc.server import GrpcServerOptions
from gaveld.transport.rest import GatewayOptions
from gaveld.transport.rest.dialects.acs import AcsDialect
from tests.embedded_panel import Panel
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.credits import FakeCredits
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.reviewer import FakeReviewer
from tests.integration.dialects.conftest import ServeDialects
from tests.media_house import POLICY as MEDIA_POLICY
from tests.media_house import MediaParts
from tests.pictures import encoded, plain
from tests.videos import ordinary

WORDS = {"kill": ("H3", 4.0), "darn": ("L1", 3.0)}
KINDS = ("text", "comment", "chat", "conversation", "search", "image", "video")
RED = encoded(plain("red", (64, 48)), "PNG")
BLUE = encoded(plain("blue", (64, 48)), "PNG")


def panel(**named: Any) -> list[FakeReviewer]:
    """Ten reviewers of which the odd ones find words."""
    return [FakeReviewer(f"Reviewer {n}", WORDS if n % 2 else {}, **named) for n in range(1, 11)]


async def acs(serve: ServeDialects, **server: Any) -> httpx2.AsyncClient:
    """A client of the dialect, before a panel of ten."""
    return (await serve(AcsDialect(), **{"reviewers": panel(), **server})).client


async def post(client: httpx2.AsyncClient, kind: str, **body: Any) -> httpx2.Response:
    return await client.post(f"/api/v1/compliance/{kind}", json=body)


def told(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of an error, whose envelope must be the document's."""
    body = answer.json()
    assert set(body) == {"error", "message", "code"}
    assert body["error"] is True
    assert body["message"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, body["code"]


async def test_each_level_of_detail_has_its_keys(serve_dialects: ServeDialects):
    """Law: 0 has the decision and the time, 1 the why, which is the default, and 2 who said so."""
    client = await acs(serve_dialects)
    least = await post(client, "text", content="I will kill", verbose=0)
    assert list(least.json()) == ["decision", "execution_time"]
    unsaid = (await post(client, "text", content="I will kill")).json()
    standard = ["decision", "reason", "score", "decision_method", "flagged_categories"]
    assert list(unsaid) == [*standard, "execution_time"]
    full = (await post(client, "text", content="I will kill", verbose=2)).json()
    assert list(full) == [*standard, "agent_decisions", "execution_time"]
    assert (unsaid["decision"], unsaid["decision_method"]) == ("unsafe", "average")
    assert full["score"] == 5
    assert full["flagged_categories"] == [{"id": "H3", "name": "Threats", "score": 4.0, "count": 5}]
    first, second, *_ = full["agent_decisions"]
    assert list(first) == ["agent_name", "decision", "reason", "flagged_categories", "time"]
    assert (first["agent_name"], first["decision"]) == ("Reviewer 1", "unsafe")
    assert first["flagged_categories"] == [
        {"id": "H3", "name": "Threats", "score": 4.0, "count": 1}
    ]
    assert (second["decision"], second["flagged_categories"]) == ("safe", [])
    assert isinstance(full["execution_time"], float)


@pytest.mark.parametrize(
    ("method", "decision"),
    [("average", "unsafe"), ("any", "unsafe"), ("all", "safe"), ("score", "safe")],
)
async def test_each_decision_method_counts_its_own_way(
    serve_dialects: ServeDialects, method: str, decision: str
):
    """Law: five of ten votes are half, more than none, and not all; the answer names the method."""
    client = await acs(serve_dialects)
    body = (await post(client, "chat", content="kill", decision_method=method)).json()
    assert (body["decision"], body["decision_method"]) == (decision, method)


async def test_options_reach_the_panel(serve_dialects: ServeDialects):
    """Law: amount, context and excluded categories count; null is the default."""
    reviewers = panel()
    client = await acs(serve_dialects, reviewers=reviewers)
    fewer = await post(
        client, "comment", content="kill darn", amount=3, context="on a video", verbose=2,
        excluded_categories=["H3"], custom_prompt=None, decision_method=None,
    )  # fmt: skip
    assert [entry["id"] for entry in fewer.json()["flagged_categories"]] == ["L1"]
    assert len(fewer.json()["agent_decisions"]) == 3
    assert reviewers[0].tasks[0].context == "on a video"
    every = await post(
        client, "comment", content="hi", amount=None, context=None, verbose=2,
        excluded_categories=None,
    )  # fmt: skip
    assert len(every.json()["agent_decisions"]) == 10


async def test_a_failed_reviewer_is_shown_and_not_counted(serve_dialects: ServeDialects):
    """Law: who failed is in the list at level 2, with no categories, and outside of the count."""
    reviewers = panel()
    reviewers[2].failure = RuntimeError("broken")
    client = await acs(serve_dialects, reviewers=reviewers)
    body = (await post(client, "text", content="hello", verbose=2)).json()
    assert body["decision"] == "safe"
    failed = body["agent_decisions"][2]
    assert list(failed) == ["agent_name", "decision", "reason", "time"]
    assert (failed["agent_name"], failed["decision"]) == ("Reviewer 3", "failed")


async def test_pictures_and_videos_come_in_three_spellings(serve_dialects: ServeDialects):
    """Law: base64, a data URL and broken lines are the same file; a video goes the same way."""
    media = {"reviewers": Panel().reviewers, "policy": MEDIA_POLICY, "media": MediaParts()}
    inline = base64.b64encode(RED).decode()
    client = await acs(serve_dialects, **media)
    for content in (
        inline,
        f"data:image/png;base64,{inline}",
        base64.encodebytes(RED).decode(),
        inline.rstrip("="),
    ):
        body = (await post(client, "image", content=content)).json()
        assert (body["decision"], body["flagged_categories"][0]["id"]) == ("unsafe", "A1")
    harmless = await post(client, "image", content=base64.b64encode(BLUE).decode())
    assert harmless.json()["decision"] == "safe"
    assert harmless.headers["x-gavel-coverage"] == "complete"
    film = base64.b64encode(ordinary()).decode()
    video = await post(client, "video", content=f"data:video/mp4;base64,{film}", verbose=2)
    assert video.status_code == 200
    assert len(video.json()["agent_decisions"]) == 10
    broken = await post(client, "image", content=base64.b64encode(b"no picture").decode())
    assert told(broken) == (400, "invalid_content")
    elsewhere = await post(client, "image", content="http://127.0.0.1/a.png")
    assert told(elsewhere) == (400, "invalid_content")


WRONG_FORMS = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"[]", "body"),
    (b'"text"', "body"),
    (b'{"content": "a", "content": "b"}', "twice"),
    (b'{"content": "\\ud800"}', "JSON"),
    (b'{"amount": 10}', "content is required"),
    (b'{"content": null}', "content is required"),
    (b'{"content": "a", "amount": "ten"}', "amount"),
    (b'{"content": "a", "amount": 2.5}', "amount"),
    (b'{"content": "a", "amount": true}', "amount"),
    (b'{"content": "a", "context": 1}', "context"),
    (b'{"content": "a", "excluded_categories": "A1"}', "excluded_categories"),
    (b'{"content": "a", "excluded_categories": [1]}', "excluded_categories[0]"),
    (b'{"content": "a", "verbos": 2}', "verbos"),
]


async def test_a_request_in_a_wrong_form(serve_dialects: ServeDialects):
    """Law: what is missing or of a wrong type is 400 invalid_request, which names it."""
    client = await acs(serve_dialects)
    for raw, says in WRONG_FORMS:
        answer = await client.post("/api/v1/compliance/text", content=raw)
        assert told(answer) == (400, "invalid_request"), raw
        assert says in answer.json()["message"], raw


OUT_OF_RANGE = [
    {"amount": 0},
    {"amount": 11},
    {"amount": -1},
    {"amount": 10**30},
    {"verbose": 3},
    {"verbose": -1},
    {"decision_method": "median"},
    {"decision_method": ""},
    {"excluded_categories": ["ZZ"]},
    {"excluded_categories": ["Z9"]},
    {"context": "x" * 16_385},
]


async def test_a_value_out_of_range(serve_dialects: ServeDialects):
    """Law: a value that is none of those allowed is 422 invalid_parameter, which names it."""
    client = await acs(serve_dialects)
    for body in OUT_OF_RANGE:
        answer = await post(client, "text", content="hello", **body)
        assert told(answer) == (422, "invalid_parameter"), body
        message = answer.json()["message"]
        assert next(iter(body)) in message or "Z9" in message


WRONG_CONTENT = [
    ("text", ["a"]),
    ("text", {"text": "a"}),
    ("text", 5),
    ("text", ""),
    ("chat", " \n"),
    ("search", [{"role": "user", "content": "a"}]),
    ("conversation", "hello"),
    ("conversation", []),
    ("conversation", ["hello"]),
    ("conversation", [{"role": "user"}]),
    ("conversation", [{"role": "user", "content": ""}]),
    ("conversation", [{"role": "Dr. Who", "content": "a"}]),
    ("conversation", [{"role": "user", "content": ["a"]}]),
    ("conversation", [{"role": "user", "content": "a", "mood": "b"}]),
    ("image", "ftp://example.com/a.png"),
    ("image", "data:image/png,abc"),
    ("image", "!"),
    ("image", ["https://example.com/a.png"]),
    ("video", "https://example.com/a b.mp4"),
]


async def test_content_in_a_wrong_form(serve_dialects: ServeDialects):
    """Law: content that the endpoint can't take is 400 invalid_content, which never quotes it."""
    client = await acs(serve_dialects, media=MediaParts())
    for kind, content in WRONG_CONTENT:
        answer = await post(client, kind, content=content)
        assert told(answer) == (400, "invalid_content"), content
        assert "Who" not in answer.json()["message"]


TOO_LARGE = [
    ("text", "x" * ((1 << 20) + 1)),
    ("comment", "x" * 65_537),
    ("chat", "x" * 65_537),
    ("search", "x" * 4_097),
    ("conversation", [{"role": "user", "content": "x" * 65_537}]),
    ("conversation", [{"role": "user", "content": "x"}] * 1_001),
    ("image", "A" * 5_400_000),
    ("text", "x" * (7 << 20)),
]


async def test_content_beyond_its_limit(serve_dialects: ServeDialects):
    """Law: content beyond the endpoint's limit is 413 content_too_large, as is a huge body."""
    client = await acs(serve_dialects)
    for kind, content in TOO_LARGE:
        answer = await post(client, kind, content=content)
        assert told(answer) == (413, "content_too_large"), (kind, len(content))
        assert ".text" not in answer.json()["message"]


async def test_keys_in_the_documents_spelling(serve_dialects: ServeDialects):
    """Law: the bearer is the key; without one, with a wrong one, and without the right, errors."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop")
    other, narrow = new_api_key(project="shop", scopes=frozenset())
    await store.add(key)
    await store.add(other)
    client = await acs(serve_dialects, authenticate=Authenticate(store))
    outcomes = []
    for value in (None, "Bearer YOUR_API_KEY", f"Bearer {narrow}", f"Bearer {secret}"):
        client.headers.pop("authorization", None)
        if value:
            client.headers["authorization"] = value
        outcomes.append(await post(client, "text", content="hello"))
    missing, wrong, weak, right = outcomes
    assert told(missing) == told(wrong) == (401, "invalid_api_key")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert told(weak) == (403, "permission_denied")
    assert right.status_code == 200


async def test_what_a_project_may_spend_and_how_often(serve_dialects: ServeDialects):
    """Law: without credits it is 402, beyond the rate 429 with the time to wait."""
    client = await acs(serve_dialects, balances=FakeCredits(default=9))
    assert told(await post(client, "text", content="a")) == (402, "insufficient_credits")
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", rate_limit=RateLimit(1, 60))
    await store.add(key)
    limited = {"authenticate": Authenticate(store), "rate_limiter": FakeRateLimiter()}
    client = await acs(serve_dialects, **limited)
    client.headers["authorization"] = f"Bearer {secret}"
    assert (await post(client, "text", content="a")).status_code == 200
    answer = await post(client, "text", content="a")
    assert told(answer) == (429, "rate_limit_exceeded")
    assert answer.headers["retry-after"] == "60"


async def test_a_custom_prompt_needs_somebody_who_reads_it(serve_dialects: ServeDialects):
    """Law: without such a reviewer it is 422 and says what to configure; with one it counts."""
    client = await acs(serve_dialects)
    refused = await post(client, "text", content="a", custom_prompt="Find pears")
    assert told(refused) == (422, "invalid_parameter")
    assert "panel.chat_models" in refused.json()["message"]
    readers = [FakeReviewer("reader", reads_custom_prompts=True)]
    client = await acs(serve_dialects, reviewers=readers)
    read = await post(client, "text", content="two pears", custom_prompt="Find pears")
    assert read.json()["flagged_categories"][0]["id"] == "CUSTOM"


async def test_a_server_without_reviewers_says_so(serve_dialects: ServeDialects):
    """Law: what this server can't do is 501, and no fault of the request."""
    client = await acs(serve_dialects, reviewers=())
    assert told(await post(client, "text", content="a")) == (501, "not_supported")
    assert told(await post(client, "video", content="AAAA")) == (501, "not_supported")


async def test_a_panel_that_can_not_vote_is_never_safe(serve_dialects: ServeDialects):
    """Law: where no one voted it is 503 with a time to wait."""
    client = await acs(serve_dialects, reviewers=panel(failure=RuntimeError("broken")))
    answer = await post(client, "text", content="a")
    assert told(answer) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_defect_hides_its_cause(
    serve_dialects: ServeDialects, monkeypatch: pytest.MonkeyPatch
):
    """Law: a defect of the server is 500 internal_error, and quotes nothing."""

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("a secret")

    monkeypatch.setattr("gaveld.application.review_compliance.poll", broken)
    client = await acs(serve_dialects)
    answer = await post(client, "text", content="a")
    assert told(answer) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_paths_and_methods_beyond_the_document(serve_dialects: ServeDialects):
    """Law: its prefix answers in its envelope, and ends where another word begins."""
    client = await acs(serve_dialects)
    assert told(await post(client, "smell", content="a")) == (404, "not_found")
    answer = await client.get("/api/v1/compliance/text")
    assert told(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    zipped = await client.post(
        "/api/v1/compliance/text", content=b"x", headers={"content-encoding": "gzip"}
    )
    assert told(zipped) == (415, "unsupported_media_type")
    assert "details" in (await client.post("/api/v1/compliances", json={})).json()


async def test_overload_asks_to_slow_down(serve_dialects: ServeDialects):
    """Law: a server that is full answers 429 with the time to wait."""
    gate = asyncio.Event()
    reviewers = panel(gate=gate)
    options = GrpcServerOptions(port=0, max_concurrent_calls=1, max_waiting_calls=0)
    client = await acs(serve_dialects, reviewers=reviewers, options=options)
    first = asyncio.create_task(post(client, "text", content="a"))
    await reviewers[0].until_asked()
    answer = await post(client, "text", content="a")
    gate.set()
    assert (await first).status_code == 200
    assert told(answer) == (429, "rate_limit_exceeded")
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_body_that_the_gateway_has_no_room_for(serve_dialects: ServeDialects):
    """Law: also what the gateway itself refuses has the envelope."""
    client = await acs(serve_dialects, gateway_options=GatewayOptions(max_body_bytes=64))
    assert told(await post(client, "text", content="x" * 99)) == (413, "content_too_large")
