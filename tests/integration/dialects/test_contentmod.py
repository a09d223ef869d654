"""ContentMod's API over a real server: what it answers, what it refuses, and in which words."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.domain.content import Span, TextSample
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierReport,
    Finding,
    Sentiment,
    SentimentLabel,
    Topic,
)
from gaveld.transport.rest import GatewayOptions
from gaveld.transport.rest.dialects.contentmod import ContentModDialect
from tests.conformance.trees import differences
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fetch_target import PUBLIC, Names, Network, fetching, sends, target
from tests.integration.dialects.conftest import Served, ServeDialects
from tests.integration.dialects.stand import FLOOR, TraitClassifier
from tests.integration.grpc_stand import BrokenClassifier
from tests.pictures import RED, encoded, plain

GOLDEN = Path(__file__).parents[2] / "conformance" / "dialects" / "contentmod"
POLICY = Policy(
    "contentmod@1",
    {
        "A1": CategoryRule(0.3, 0.7, required=True),
        "H2": CategoryRule(0.4, required=True),
        "H3": CategoryRule(0.4, 0.7, required=True),
        "L1": CategoryRule(0.5),
        "L2": CategoryRule(0.5, 0.9),
        "S1": CategoryRule(0.5),
    },
    masked=frozenset({"L1", "L2"}),
)
PICTURES = Policy(
    "pictures@1", {"A1": CategoryRule(0.3, 0.7, required=True), "H2": CategoryRule(0.4)}
)
TEXT_ONLY = Policy("text@1", {"H3": CategoryRule(0.4, 0.7, required=True)})
GREY_PNG = encoded(plain((90, 90, 90), (64, 48)), "PNG")
RED_PNG = encoded(plain(RED, (64, 48)), "PNG")


class Subject:
    """To this classifier all is cheerful and about money; it finds the call's blocked terms."""

    card = ClassifierCard("subject", "1", frozenset({"L2"}))

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        places = [(sample.text.find(term), term) for term in sample.blocked_terms]
        return ClassifierReport(
            tuple(
                Finding("L2", 1.0, "A blocked term.", "subject", "1", Span(at, at + len(term)))
                for at, term in places
                if at >= 0
            ),
            topics=(Topic("finance", 0.9), Topic("sports", 0.6)),
            sentiment=Sentiment(SentimentLabel.POSITIVE, 2 / 3),
        )


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def started(serve_dialects: ServeDialects, **parts: Any) -> Served:
    return await serve_dialects(
        ContentModDialect(), **{"classifiers": [TraitClassifier()], "policy": POLICY, **parts}
    )


@pytest.fixture
async def served(serve_dialects: ServeDialects) -> Served:
    """A server that scores every trait, and to which red pictures are pornography."""
    return await started(serve_dialects)


async def post(served: Served, path: str, body: Any, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await served.client.post(path, content=content, headers=headers)


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """The error of an answer, which has this dialect's form."""
    (name, error), *others = answer.json().items()
    assert (name, others) == ("error", [])
    assert set(error) | {"field"} == {"status", "code", "message", "field"}
    assert error["status"] == answer.status_code
    assert error["message"]
    assert answer.headers["content-type"] == "application/json"
    return dict(error)


async def test_a_text_is_answered_field_by_field(served: Served):
    """Law: every documented field is there, made from what was found."""
    text = "you idiot, darn you"
    options = {"meta": {"a": [1, 2.5, None, 10**30]}, "actorId": "u-1"}
    answer = await post(served, "/text", {"text": text, "options": options})
    assert answer.status_code == 200
    assert answer.headers["x-gavel-coverage"] == "complete"
    body = answer.json()
    asked_at = datetime.fromisoformat(body["request"].pop("timestamp"))
    assert abs((datetime.now(UTC) - asked_at).total_seconds()) < 60
    request_id = answer.headers["x-request-id"]
    assert body == {
        "id": request_id,
        "isSafe": False,
        "confidence": 10,
        "riskScores": {"overall": 90, "spam": round(100 * FLOOR), "toxicity": 90},
        "topics": [],
        "nsfwCategories": [
            {"category": "harassment", "severity": 90},
            {"category": "profanity", "severity": 75},
        ],
        "suggestedActions": {"reject": False, "review": True},
        "hash": hashlib.sha256(text.encode()).hexdigest(),
        "sentiment": None,
        "sentimentScore": None,
        "summary": {
            "profanity": True, "totalFlags": 2, "contentRating": "PG-13", "language": "en",
        },
        "filteredContent": "you idiot, **** you",
        "content": text,
        "original": text,
        "request": {"requestId": request_id},
        "meta": options["meta"],
        "actorId": "u-1",
    }  # fmt: skip


async def test_a_picture_is_answered_as_printed(serve_dialects: ServeDialects):
    """Law: an answer about a picture has the printed keys, and values of the printed types.

    Nothing on this server looks for spam, so that its risk alone is null.
    """
    served = await started(serve_dialects, policy=PICTURES)
    printed = json.loads((GOLDEN / "image.json").read_text())
    for data in (RED_PNG, GREY_PNG):
        options = {"meta": "<any>", "defer": False, "callbackUrl": None, "actorId": "<string>"}
        body = {"image": in_base64(data), "options": options}
        answer = await post(served, "/image", body)
        assert answer.status_code == 200
        shown = answer.json()
        assert list(differences(printed, shown)) == ["$.riskScores.spam: NoneType and not int"]
        assert shown["meta"] == "<any>"
        assert shown["hash"] == hashlib.sha256(data).hexdigest()
        assert shown["isSafe"] is (data == GREY_PNG)
    red = (await post(served, "/image", {"image": in_base64(RED_PNG)})).json()
    assert red["suggestedActions"] == {"reject": True, "review": False}
    assert red["summary"]["contentRating"] == "NC-17"
    assert [kind["category"] for kind in red["nsfwCategories"]] == ["sexual"]
    assert red["riskScores"]["overall"] == red["nsfwCategories"][0]["severity"] > 70
    assert red["confidence"] == max(1, 100 - red["riskScores"]["overall"])
    assert red["meta"] is None


async def test_a_picture_comes_by_address_data_url_or_base64(serve_dialects: ServeDialects):
    """Law: the three spellings of one picture have one answer."""
    async with target({"/a.png": sends(RED_PNG)}) as host:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(host.port), names) as fetcher:
            served = await started(serve_dialects, fetcher=fetcher)
            encoded_once = in_base64(RED_PNG)
            answers = [
                (await post(served, "/image", {"image": image})).json()
                for image in (
                    "http://pictures.example/a.png",
                    f"data:image/png;base64,{encoded_once}",
                    encoded_once,
                )
            ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["hash"] == hashlib.sha256(RED_PNG).hexdigest()


async def test_mood_topics_and_banned_words_are_told(serve_dialects: ServeDialects):
    """Law: topics and mood are the classifiers'; the call's own words are found and starred out."""
    served = await started(serve_dialects, classifiers=[TraitClassifier(), Subject()])
    options = {"bannedWords": ["acme"], "metadata": {"old": "client"}}
    answer = await post(served, "/text", {"text": "buy acme today", "options": options})
    body = answer.json()
    assert (body["sentiment"], body["sentimentScore"]) == ("positive", 0.67)
    assert body["topics"] == ["finance", "sports"]
    assert body["filteredContent"] == "buy **** today"
    assert (body["isSafe"], body["suggestedActions"]["reject"]) == (False, True)
    assert body["summary"] | {"language": ""} == {
        "profanity": False, "totalFlags": 1, "contentRating": "G", "language": "",
    }  # fmt: skip
    assert body["meta"] == {"old": "client"}


async def test_what_was_not_checked_is_not_called_safe(serve_dialects: ServeDialects):
    """Law: a required check that failed makes no confidence, no low risk, and no rating G."""
    served = await started(serve_dialects, classifiers=[BrokenClassifier()], policy=TEXT_ONLY)
    answer = await post(served, "/text", {"text": "hello"})
    body = answer.json()
    assert answer.headers["x-gavel-coverage"] == "none"
    assert (body["isSafe"], body["confidence"]) == (False, 1)
    assert body["riskScores"] == {"overall": None, "spam": None, "toxicity": None}
    assert (body["summary"]["contentRating"], body["summary"]["profanity"]) == (None, None)


@pytest.mark.parametrize(
    ("http_method", "path", "body"),
    [
        ("POST", "/text", {"text": "x", "options": {"defer": True}}),
        ("POST", "/image", {"image": "aaaa", "options": {"defer": True}}),
        ("POST", "/text", {"text": "x", "options": {"callbackUrl": "https://a.example"}}),
        ("GET", "/text/abc", None),
        ("POST", "/queues/q", {"type": "text", "content": "x"}),
        ("GET", "/queues/q/items/i", None),
        ("POST", "/public/0a1b?signature=00&publicKey=k&datetime=d&type=text", {"text": "x"}),
    ],
)
async def test_a_server_that_keeps_nothing_says_so(served, http_method, path, body):
    """Law: what needs the storage is refused with 501 where there is none, and never half done."""
    answer = await served.client.request(http_method, path, json=body)
    error = error_of(answer)
    assert (error["status"], error["code"]) == (501, "not_served")


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/text", {}, 400, "invalid_argument", "text"),
        ("/text", {"text": ""}, 400, "invalid_argument", "text"),
        ("/text", {"text": 5}, 400, "invalid_argument", "text"),
        ("/text", {"text": None}, 400, "invalid_argument", "text"),
        ("/text", {"text": "a" * ((1 << 20) + 1)}, 413, "text_too_large", "text"),
        ("/text", {"text": "x", "surprise": 1}, 400, "invalid_argument", "surprise"),
        ("/text", {"text": "x", "options": []}, 400, "invalid_argument", "options"),
        (
            "/text",
            {"text": "x", "options": {"defer": "yes"}},
            400,
            "invalid_argument",
            "options.defer",
        ),
        (
            "/text",
            {"text": "x", "options": {"deffer": True}},
            400,
            "invalid_argument",
            "options.deffer",
        ),
        (
            "/text",
            {"text": "x", "options": {"bannedWords": ["ok", " "]}},
            400,
            "invalid_argument",
            "options.bannedWords[1]",
        ),
        (
            "/text",
            {"text": "x", "options": {"bannedWords": ["a"] * 257}},
            400,
            "invalid_argument",
            "options.bannedWords",
        ),
        (
            "/text",
            {"text": "x", "options": {"actorId": "a" * 257}},
            400,
            "invalid_argument",
            "options.actorId",
        ),
        (
            "/text",
            {"text": "x", "options": {"meta": "a" * 16_384}},
            400,
            "invalid_argument",
            "options.meta",
        ),
        ("/image", {"image": ""}, 400, "invalid_argument", "image"),
        ("/image", {"image": "ftp://example.com/a.png"}, 400, "invalid_argument", "image"),
        ("/image", {"image": "This is a very cool api"}, 415, "media_unsupported", "image"),
        ("/image", {"image": in_base64(GREY_PNG[:60])}, 400, "media_corrupt", "image"),
        ("/image", {"image": in_base64(bytes(4_000_001))}, 413, "media_too_large", "image"),
        ("/image", {"image": "http://127.0.0.1/a.png"}, 400, "media_address_refused", "image"),
        (
            "/image",
            {"image": "aa", "options": {"bannedWords": ["x"]}},
            400,
            "invalid_argument",
            "options.bannedWords",
        ),
        ("/text", {"text": "", "options": {"defer": True}}, 400, "invalid_argument", "text"),
        (
            "/image",
            {"image": "ftp://a.example", "options": {"defer": True}},
            400,
            "invalid_argument",
            "image",
        ),
        (
            "/text",
            {"text": "x", "options": {"callbackUrl": "<string>"}},
            400,
            "invalid_argument",
            "options.callbackUrl",
        ),
        ("/queues/a.b", {"type": "text", "content": "x"}, 400, "invalid_argument", "queueId"),
        ("/queues/q", {"type": "video", "content": "x"}, 400, "invalid_argument", "type"),
        ("/queues/q", {"type": "text"}, 400, "invalid_argument", "content"),
        ("/queues/q", {"type": "text", "content": ""}, 400, "invalid_argument", "content"),
        ("/queues/q", {"type": "image", "content": "!"}, 400, "invalid_argument", "content"),
        (
            "/queues/q",
            {"type": "text", "content": "x", "meta": "a" * 16_384},
            400,
            "invalid_argument",
            "meta",
        ),
        ("/public/0a1b", {"text": "x"}, 400, "invalid_argument", "signature"),
        ("/image", [], 400, "invalid_argument", None),
        ("/image", b"", 400, "malformed_message", None),
        ("/image", b'{"image": "a", "image": "b"}', 400, "malformed_message", None),
        ("/text", b'{"text": "\\ud800"}', 400, "malformed_message", None),
        ("/text", b"\xff", 400, "malformed_message", None),
        ("/text", b"[" * 5000, 400, "malformed_message", None),
    ],
)
async def test_bad_requests_are_refused_in_this_apis_words(
    served: Served, path: str, body: Any, status: int, code: str, field: str | None
):
    """Law: a bad request is the caller's fault, with the field as this API calls it."""
    error = error_of(await post(served, path, body))
    assert (error["status"], error["code"], error.get("field")) == (status, code, field)
    assert "blocked_terms" not in error["message"]
    assert "media." not in error["message"]
    assert "regex" not in error["message"]


async def test_http_itself_is_refused_in_this_apis_form(serve_dialects: ServeDialects):
    """Law: unknown paths, other methods, encodings and too large bodies have the same envelope."""
    served = await started(serve_dialects, gateway_options=GatewayOptions(max_body_bytes=1_024))
    assert error_of(await served.client.get("/queues"))["status"] == 404
    wrong_method = await served.client.get("/text")
    assert error_of(wrong_method)["status"] == 405
    assert wrong_method.headers["allow"] == "POST"
    large = await post(served, "/text", {"text": "a" * 2_000})
    assert error_of(large)["code"] == "message_too_large"
    assert large.status_code == 413
    packed = await post(served, "/text", {"text": "a"}, **{"content-encoding": "gzip"})
    assert error_of(packed)["status"] == 415


async def test_the_contracts_own_paths_stay_its_own(served: Served):
    """Law: routes at the root take nothing from the gateway's own."""
    own = await served.client.post("/v1/text:moderate", json={"text": "hello"})
    assert own.json()["verdict"]["action"] == "ACTION_ALLOW"
    for path in ("/texts", "/images", "/text.html", "/publications"):
        assert (await served.client.get(path)).json()["code"] == 5, path


async def test_keys_are_held_to_their_rights(serve_dialects: ServeDialects):
    """Law: no key and a wrong one are 401, a key without the scope 403, one too fast 429."""
    store = FakeApiKeyStore()
    slow, slow_secret = new_api_key(project="shop", rate_limit=RateLimit(1, 60))
    lame, lame_secret = new_api_key(project="shop", scopes=frozenset())
    await store.add(slow)
    await store.add(lame)
    served = await started(
        serve_dialects, authenticate=Authenticate(store), rate_limiter=FakeRateLimiter()
    )
    tries = [
        await post(served, "/text", {"text": "hello"}, **headers)
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": f"Bearer {lame_secret}"},
            {"authorization": f"Bearer {slow_secret}"},
            {"authorization": f"Bearer {slow_secret}"},
        )
    ]
    assert [answer.status_code for answer in tries] == [401, 401, 403, 200, 429]
    codes = [error_of(tries[place])["code"] for place in (0, 1, 2, 4)]
    assert codes == ["api_key_missing", "api_key_invalid", "scope_missing", "rate_limit_exceeded"]
    assert int(tries[4].headers["retry-after"]) >= 1
