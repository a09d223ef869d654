"""Discuse's route over a real server: hits, thresholds, pictures, waiting, and every refusal."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy
from gaveld.transport.grpc.server import GrpcServerOptions
from gaveld.transport.rest import GatewayOptions
from gaveld.transport.rest.dialects.discuse import DiscuseDialect
from gaveld.transport.rest.dialects.patience import Patience
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.pictures import FakeNetwork
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fetch_target import PUBLIC, Names, Network, fetching, sends, target
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.stand import FLOOR, TraitClassifier
from tests.integration.grpc_stand import GatedClassifier
from tests.picture_house import PictureParts
from tests.pictures import animated, encoded, plain

POLICY = Policy(
    "checks@1",
    {
        "A1": CategoryRule(0.3, 0.7, required=True),
        "H3": CategoryRule(0.4, 0.8),
        "L1": CategoryRule(0.5),
    },
    check_thresholds=CheckThresholds(sentiment=0.85, images=0.7),
)
URL = "/api/v1/check"
KEYS = (
    "trace_context", "links", "badwords", "antivirus", "language", "images", "gifs", "sentiment",
    "hits",
)  # fmt: skip
PICTURE_KEYS = {"result", "status", "porn", "sexual", "neutral", "hit"}
RED, GREY = (encoded(plain(name, (48, 32)), "PNG") for name in ("red", "grey"))
MOVING = animated([plain("grey", (48, 32)), plain("red", (48, 32))], "GIF", 100)


async def discuse(serve: ServeDialects, **server: Any) -> httpx2.AsyncClient:
    """A client of the dialect, before a server that scores every trait."""
    parts = {"classifiers": [TraitClassifier()], "policy": POLICY, **server}
    return (await serve(DiscuseDialect(), **parts)).client


async def check(client: httpx2.AsyncClient, settings: Any = None, **media: Any) -> httpx2.Response:
    return await client.post(URL, json={"request": {"media": media}, "settings": settings})


def told(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of an error."""
    error = answer.json()["error"]
    assert set(error) == {"status", "code", "message"}
    assert error["status"] == answer.status_code
    assert error["message"]
    return answer.status_code, error["code"]


@pytest.fixture
async def pictures() -> AsyncIterator[Any]:
    """A fetcher to which example.com has pictures, one of them broken."""
    files = {"/red.png": RED, "/grey.png": GREY, "/moving.gif": MOVING, "/broken.png": b"GIF89a"}
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(
            target({path: sends(data) for path, data in files.items()})
        )
        names = Names(example_com=[[PUBLIC]])
        yield await stack.enter_async_context(fetching(Network(host.port), names))


async def test_a_text_has_every_key(serve_dialects: ServeDialects):
    """Law: all keys are there, media that were not sent are empty, and scores are as they are."""
    client = await discuse(serve_dialects)
    body = (await check(client, text="you idiot, you darn idiot")).json()
    assert tuple(body) == KEYS
    assert body["sentiment"] == {
        "toxic": 0.9, "profanity": 0.75, "threat": FLOOR, "insult": 0.9, "hit": True,
    }  # fmt: skip
    assert body["images"] == body["gifs"] == {"result": {}}
    assert body["badwords"] == {"status": "", "hit": True}
    assert body["links"] == body["antivirus"] == {"status": "", "hit": False}
    assert body["language"] == {"expected": None, "detected": "en", "hit": False}
    assert body["hits"] is True
    assert len(body["trace_context"]) >= 16
    clean = (await check(client, text="a nice day")).json()
    assert (clean["sentiment"]["hit"], clean["badwords"]["hit"], clean["hits"]) == (False,) * 3


async def test_a_score_that_nobody_gave_is_null(serve_dialects: ServeDialects):
    """Law: what no classifier scored is null and never 0, and nothing of a text is made up."""
    client = await discuse(serve_dialects, classifiers=[_Scoreless()])
    body = (await check(client, text="hello")).json()
    scores = {"toxic": None, "profanity": None, "threat": None, "insult": None}
    assert body["sentiment"] == {**scores, "hit": False}
    data = f"data:image/png;base64,{base64.b64encode(GREY).decode()}"
    without_text = (await check(client, image_url=[data])).json()
    assert without_text["sentiment"] == {**scores, "hit": False}
    assert without_text["language"] == {"expected": None, "detected": None, "hit": False}


class _Scoreless(TraitClassifier):
    async def classify(self, sample):
        report = await super().classify(sample)
        return type(report)(report.findings)


async def test_an_unexpected_language_is_a_hit(serve_dialects: ServeDialects):
    """Law: the project's languages are named, and another one is a hit."""
    polish = Policy("polish@1", {}, expected_languages=frozenset({"pl", "cs"}))
    client = await discuse(serve_dialects, policy=polish)
    body = (await check(client, text="hello there")).json()
    assert body["language"] == {"expected": "cs,pl", "detected": "en", "hit": True}
    assert body["hits"] is True


async def test_the_worst_picture_is_shown(serve_dialects: ServeDialects, pictures: Any):
    """Law: of several pictures the worst is reported; GIFs are reported by themselves."""
    client = await discuse(serve_dialects, fetcher=pictures)
    one = (await check(client, image_url=["http://example.com/grey.png"], gif_url=[""])).json()
    assert set(one["images"]) == PICTURE_KEYS
    assert (one["images"]["status"], one["images"]["hit"], one["hits"]) == ("ok", False, False)
    assert one["images"]["result"]["category"] == "neutral"
    assert one["images"]["result"]["confidence"] == one["images"]["neutral"]
    assert one["gifs"] == {"result": {}}
    two = await check(
        client,
        image_url=["http://example.com/grey.png", "", "http://example.com/red.png"],
        gif_url=["http://example.com/moving.gif"],
    )
    body = two.json()
    assert (body["images"]["result"]["category"], body["images"]["hit"]) == ("porn", True)
    assert body["gifs"]["result"]["category"] == "porn"
    assert set(body["gifs"]) == PICTURE_KEYS
    assert body["hits"] is True


async def test_a_picture_that_can_not_be_judged_is_no_clean_one(
    serve_dialects: ServeDialects, pictures: Any
):
    """Law: the status is error as long as one picture was not scored; no number is made up."""
    network = FakeNetwork()
    client = await discuse(serve_dialects, fetcher=pictures, pictures=PictureParts(network))
    broken = await check(client, image_url=["http://example.com/broken.png"])
    nothing = {"result": {}, "status": "error", "porn": None, "sexual": None, "neutral": None}
    assert broken.json()["images"] == {**nothing, "hit": False}
    assert broken.headers["x-gavel-coverage"] == "none"
    both = ["http://example.com/broken.png", "http://example.com/grey.png"]
    body = (await check(client, image_url=both)).json()
    assert (body["images"]["status"], body["images"]["result"]["category"]) == ("error", "neutral")
    network.failure = RuntimeError("broken")
    body = (await check(client, image_url=["http://example.com/grey.png"])).json()
    assert body["images"] == {**nothing, "hit": False}


async def test_thresholds_may_be_changed_for_a_request(serve_dialects: ServeDialects):
    """Law: a score that equals its threshold hits; the most specific threshold counts."""
    client = await discuse(serve_dialects)
    reddish = encoded(plain((204, 0, 0), (48, 32)), "PNG")  # 0.8
    data = f"data:image/png;base64,{base64.b64encode(reddish).decode()}"
    cases: list[tuple[dict[str, float], str, bool]] = [
        ({}, "kill", False),
        ({"sentiment": 0.8}, "kill", True),
        ({"threat": 0.8, "toxicity": 1}, "kill", True),
        ({"threat": 0.81}, "kill", False),
        ({"sentiment": 0.1, "insult": 1, "profanity": 1, "threat": 1, "toxicity": 1,
          "spam": 1, "project_id": 31337}, "kill", True),
        ({"sentiment": 1}, "idiot", False),
    ]  # fmt: skip
    for settings, text, hit in cases:
        body = (await check(client, settings, text=text)).json()
        assert body["sentiment"]["hit"] is hit, settings
    for settings, hit in (
        ({"images": 1}, False),
        ({"images": 1, "images_porn": 0.8}, True),
        ({"images_porn": 0.81}, False),
        ({"images_porn": 1, "images_sexual": 0}, True),
    ):
        body = (await check(client, settings, image_url=[data])).json()
        assert body["images"]["hit"] is hit, settings


async def test_a_trace_is_the_callers_or_new(serve_dialects: ServeDialects):
    """Law: the body's trace_context comes back, else the header's traceparent, else a new one."""
    client = await discuse(serve_dialects)
    body = {"request": {"media": {"text": "hello"}, "user_id": 12345}, "trace_context": "order 17"}
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    named = await client.post(URL, json=body, headers=trace)
    assert named.json()["trace_context"] == "order 17"
    del body["trace_context"]
    traced = await client.post(URL, json=body, headers=trace)
    assert traced.json()["trace_context"] == trace["traceparent"]
    news = [(await client.post(URL, json=body)).json()["trace_context"] for _ in range(2)]
    assert all(news)
    assert news[0] != news[1]


async def test_both_headers_make_a_key(serve_dialects: ServeDialects):
    """Law: the organisation and the project's secret are both needed, and must fit."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", client_id="acme")
    await store.add(key)
    client = await discuse(serve_dialects, authenticate=Authenticate(store))
    outcomes = []
    for headers in (
        {},
        {"x-client-secret": secret},
        {"x-client-id": "acme"},
        {"x-client-id": "acme", "x-client-secret": "xxx"},
        {"x-client-id": "evil", "x-client-secret": secret},
        {"x-client-id": "acme", "x-client-secret": secret},
    ):
        body = {"request": {"media": {"text": "hello"}}}
        outcomes.append(await client.post(URL, json=body, headers=headers))
    *refused, right = outcomes
    assert [told(answer) for answer in refused[:3]] == [(401, "API_KEY_MISSING")] * 3
    assert [told(answer) for answer in refused[3:]] == [(401, "API_KEY_INVALID")] * 2
    assert right.json()["hits"] is False


WRONG = [
    (b"", "not JSON"),
    (b"[]", "body"),
    (b"{}", "request is required"),
    (b'{"request": null}', "request"),
    (b'{"request": {}}', "request.media is required"),
    (b'{"request": {"user_id": "12345"}}', "request.media is required"),
    (b'{"request": {"media": {}}}', "nothing to check"),
    (b'{"request": {"media": {"text": "", "image_url": [""], "gif_url": []}}}', "nothing to check"),
    (b'{"request": {"media": {"text": 5}}}', "request.media.text"),
    (b'{"request": {"media": {"image_url": "http://a.example"}}}', "request.media.image_url"),
    (b'{"request": {"media": {"image_url": [1]}}}', "request.media.image_url[0]"),
    (b'{"request": {"media": {"image_url": ["", "ftp://a"]}}}', "request.media.image_url[1]"),
    (b'{"request": {"media": {"gif_url": [%s]}}}' % b",".join([b'"QQ"'] * 17), "16"),
    (b'{"request": {"media": {"text": "a"}, "user_id": true}}', "request.user_id"),
    (b'{"request": {"media": {"text": "a"}, "user_id": "%s"}}' % (b"x" * 257), "request.user_id"),
    (b'{"request": {"media": {"text": "a", "video_url": []}}}', "request.media.video_url"),
    (b'{"request": {"media": {"text": "a"}}, "settings": {"toxic": 0.5}}', "settings.toxic"),
    (b'{"request": {"media": {"text": "a"}}, "settings": {"toxicity": 1.5}}', "settings.toxicity"),
    (b'{"request": {"media": {"text": "a"}}, "settings": {"toxicity": true}}', "settings.toxicity"),
    (b'{"request": {"media": {"text": "a"}}, "settings": {"toxicity": "1"}}', "settings.toxicity"),
    (b'{"request": {"media": {"text": "a"}}, "settings": []}', "settings"),
    (b'{"request": {"media": {"text": "a"}}, "trace_context": 7}', "trace_context"),
    (b'{"request": {"media": {"text": "a"}}, "trace_context": "%s"}' % (b"x" * 513), "trace"),
    (b'{"request": {"media": {"text": "\\udc00"}}}', "JSON"),
]


async def test_a_request_in_a_wrong_form(serve_dialects: ServeDialects):
    """Law: whatever is wrong with a request is 400 and names the field."""
    client = await discuse(serve_dialects)
    for raw, says in WRONG:
        answer = await client.post(URL, content=raw)
        assert told(answer)[0] == 400, raw
        assert says in answer.json()["error"]["message"], (raw, answer.text)


async def test_what_is_too_large(serve_dialects: ServeDialects):
    """Law: a text, a file and a body have limits, and say so."""
    client = await discuse(serve_dialects)
    assert told(await check(client, text="x" * ((1 << 20) + 1))) == (400, "TEXT_TOO_LARGE")
    assert told(await check(client, image_url=["A" * 5_400_000])) == (400, "MEDIA_TOO_LARGE")
    assert told(await check(client, text="x" * (7 << 20))) == (413, "MESSAGE_TOO_LARGE")
    small = await discuse(serve_dialects, gateway_options=GatewayOptions(max_body_bytes=64))
    assert told(await check(small, text="x" * 99)) == (413, "MESSAGE_TOO_LARGE")


async def test_paths_and_methods_beyond_the_document(serve_dialects: ServeDialects):
    """Law: what is below its path answers in its envelope, and its neighbours don't."""
    client = await discuse(serve_dialects)
    answer = await client.get(URL)
    assert told(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"
    assert told(await client.post(f"{URL}/more", json={})) == (404, "UNKNOWN_ROUTE")
    assert "details" in (await client.post("/api/v1/checks", json={})).json()


async def test_a_busy_server_is_waited_for(serve_dialects: ServeDialects):
    """Law: a call that the server has no place for is not dropped: it waits, and is answered."""
    gated = GatedClassifier()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        gated.gate.set()
        await first

    options = GrpcServerOptions(port=0, max_concurrent_calls=1, max_waiting_calls=0)
    served = await serve_dialects(
        DiscuseDialect(Patience(pause=pause)), classifiers=[gated], options=options
    )
    first = asyncio.create_task(check(served.client, text="first"))
    await gated.until_waiting(1)
    second = await check(served.client, text="second")
    assert (second.status_code, (await first).status_code) == (200, 200)
    assert gated.seen == ["first", "second"]
    assert len(pauses) == 1
    assert 0.1 < pauses[0] < 1


async def test_a_limit_beyond_patience_is_told(serve_dialects: ServeDialects):
    """Law: who may not call again for long is told when, instead of being held."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", client_id="acme", rate_limit=RateLimit(1, 60))
    await store.add(key)
    client = await discuse(
        serve_dialects, authenticate=Authenticate(store), rate_limiter=FakeRateLimiter()
    )
    client.headers.update({"x-client-id": "acme", "x-client-secret": secret})
    assert (await check(client, text="a")).status_code == 200
    answer = await check(client, text="a")
    assert told(answer) == (429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["retry-after"] == "60"


async def test_the_callers_time_runs_out(serve_dialects: ServeDialects):
    """Law: a call that can't be answered in its caller's time is 504."""
    served = await serve_dialects(DiscuseDialect(), classifiers=[GatedClassifier()])
    headers = {"x-request-timeout": "1ms"}
    body = {"request": {"media": {"text": "hello"}}}
    answer = await served.client.post(URL, json=body, headers=headers)
    assert told(answer) == (504, "DEADLINE_EXCEEDED")
