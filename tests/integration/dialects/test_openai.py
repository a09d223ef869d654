"""OpenAI's moderations over a real server, through OpenAI's own client."""

import base64
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import openai
import pytest
from openai.types import Moderation

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.transport.rest import GatewayOptions
from gaveld.transport.rest.dialects.openai import OpenAiDialect
from gaveld.transport.rest.dialects.openai_categories import MEANINGS
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.stand import TraitClassifier, run_python
from tests.picture_house import PictureParts
from tests.pictures import RED, encoded, plain
from tests.unit.repo.tree import ROOT

RED_PNG = encoded(plain(RED, (64, 48)), "PNG")
GREY_PNG = encoded(plain((90, 90, 90), (64, 48)), "PNG")
NEVER_COVERED = ["self-harm/intent", "self-harm/instructions"]
UNCOVERED = ["illicit/violent", *NEVER_COVERED, "violence/graphic"]

ServeOpenAi = Callable[..., Awaitable[openai.AsyncOpenAI]]


@pytest.fixture
async def serve_openai(serve_dialects: ServeDialects) -> AsyncIterator[ServeOpenAi]:
    """Start servers, and give OpenAI's client with its base URL changed; it repeats nothing."""
    clients: list[openai.AsyncOpenAI] = []

    async def start(api_key: str = "key", **parts) -> openai.AsyncOpenAI:
        parts = {"classifiers": [TraitClassifier()]} | parts
        served = await serve_dialects(OpenAiDialect(), **parts)
        client = openai.AsyncOpenAI(
            base_url=f"{served.url}/v1",
            api_key=api_key,
            max_retries=0,
            http_client=httpx2.AsyncClient(timeout=60),
        )
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(serve_openai: ServeOpenAi) -> openai.AsyncOpenAI:
    """A client of a server that finds the stand's words."""
    return await serve_openai()


def policy(**thresholds: float) -> Policy:
    """A policy that reviews categories from these scores on."""
    return Policy("p@1", {name: CategoryRule(review=score) for name, score in thresholds.items()})


def true_in(result: Moderation) -> list[str]:
    """The categories that are true, by OpenAI's names."""
    return [name for name, value in result.categories.model_dump(by_alias=True).items() if value]


def picture(data: bytes) -> dict:
    """A part with a picture in a data URL."""
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    return {"type": "image_url", "image_url": {"url": url}}


async def test_a_string_gives_one_result(client):
    """Law: a text is scored in every category that is covered, and flagged as the policy says."""
    answer = await client.moderations.create(input="I will kill you")
    (result,) = answer.results
    assert answer.model == "omni-moderation-latest"
    assert answer.id.startswith("modr-")
    assert result.flagged
    assert true_in(result) == ["harassment/threatening"]
    assert result.category_scores.harassment_threatening == 0.8
    assert result.category_applied_input_types.harassment_threatening == ["text"]
    assert result.gavel_not_covered == UNCOVERED
    assert result.gavel_action == "block"


async def test_the_answer_has_every_category_thrice(client):
    """Law: all thirteen are there, each with a flag, a score from 0 to 1, and kinds of input."""
    answer = await client.moderations.with_raw_response.create(input="hello")
    (result,) = json.loads(answer.text)["results"]
    assert len(MEANINGS) == 13
    assert result["categories"] == dict.fromkeys(MEANINGS, False)
    assert result["category_scores"] == dict.fromkeys(MEANINGS, 0.0)
    assert set(result["category_applied_input_types"]) == set(MEANINGS)
    assert result["flagged"] is False


async def test_an_array_of_strings_gives_a_result_each_in_order(client):
    """Law: more texts than one call holds are judged all the same, each by itself."""
    texts = [f"text {index}" + " kill" * (index == 299) for index in range(300)]
    answer = await client.moderations.create(input=texts, model="text-moderation-stable")
    assert [result.flagged for result in answer.results] == [False] * 299 + [True]
    assert answer.model == "text-moderation-stable"


async def test_large_texts_are_parted_into_calls_that_fit(client):
    """Law: texts that together are larger than a gRPC message are judged."""
    answer = await client.moderations.create(input=["a " * 400_000] * 5 + ["kill"])
    assert [result.flagged for result in answer.results] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("thresholds", "flagged"),
    [
        ({"H1": 0.7, "H3": 0.8}, ["harassment/threatening", "hate", "hate/threatening"]),
        ({"H1": 0.7}, ["hate"]),
        ({"H3": 0.8}, ["harassment/threatening"]),
        ({"H1": 0.71, "H3": 0.81}, []),
    ],
)
async def test_the_policy_says_what_is_true(serve_openai, thresholds, flagged):
    """Law: scores are the same under any policy; flags are its own, and both need both."""
    client = await serve_openai(policy=policy(**thresholds))
    (result,) = (await client.moderations.create(input="kill martians")).results
    assert sorted(true_in(result)) == flagged
    assert result.flagged is bool(flagged)
    assert result.category_scores.hate_threatening == 0.7
    assert result.category_scores.hate == 0.7


async def test_what_nobody_looked_for_is_named(serve_openai):
    """Law: in a language that nobody reads, all categories are named and the action says so."""
    classifiers = [TraitClassifier(languages=frozenset({"de"}))]
    client = await serve_openai(classifiers=classifiers)
    (result,) = (await client.moderations.create(input="I will kill you")).results
    assert not result.flagged
    assert result.gavel_not_covered == list(MEANINGS)
    assert result.gavel_action == "review"


async def test_text_and_image_give_one_result(serve_openai):
    """Law: parts are judged together, the worst counts, and categories tell where they look."""
    parts = PictureParts()
    client = await serve_openai(pictures=parts, policy=policy(A1=0.5, H3=0.5))
    given = [{"type": "text", "text": "kill"}, picture(GREY_PNG), picture(RED_PNG)]
    answer = await client.moderations.create(input=given)
    (result,) = answer.results
    assert sorted(true_in(result)) == ["harassment/threatening", "sexual"]
    assert result.category_scores.sexual > 0.5
    assert "image" in result.category_applied_input_types.sexual
    assert result.category_applied_input_types.harassment_threatening == ["text"]
    assert len(parts.network.seen) == 2


async def test_many_pictures_leave_places_to_others(serve_openai):
    """Law: a request of as many parts as are allowed doesn't overload the server by itself."""
    client = await serve_openai(pictures=PictureParts(places=(1, 3, 30.0)))
    (result,) = (await client.moderations.create(input=[picture(RED_PNG)] * 32)).results
    assert result.category_scores.sexual > 0.5


async def test_an_address_is_fetched(serve_openai):
    """Law: an image_url is fetched under the same rules as everywhere: none that isn't public."""
    client = await serve_openai()
    given = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:81/a.png"}}]
    with pytest.raises(openai.BadRequestError) as caught:
        await client.moderations.create(input=given)
    assert caught.value.param == "input[0].image_url.url"


async def test_bare_base64_is_a_picture(serve_openai):
    """Law: base64 without a prefix, with line breaks and without padding, is read."""
    encoded_png = base64.encodebytes(RED_PNG).decode().rstrip("=\n")
    client = await serve_openai(pictures=PictureParts())
    given = [{"type": "image_url", "image_url": {"url": encoded_png}}]
    (result,) = (await client.moderations.create(input=given)).results
    assert result.category_scores.sexual > 0.5


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("", "input"),
        ([], "input"),
        (7, "input"),
        ({"type": "text", "text": "a"}, "input"),
        (["fine", ""], "input[1]"),
        (["fine"] * 256 + [""], "input[256]"),
        (["fine", 7], "input[0].type"),
        ([{"type": "text", "text": 7}], "input[0].text"),
        ([{"type": "text", "text": ""}], "input[0].text"),
        ([{"type": "text", "text": "a", "more": 1}], "input[0].more"),
        ([{"type": "sound", "sound": "a"}], "input[0].type"),
        ([{"type": ["text"]}], "input[0].type"),
        ([{"type": "image_url", "image_url": "http://a.example/b.png"}], "input[0].image_url"),
        ([{"type": "image_url", "image_url": {"url": "!"}}], "input[0].image_url.url"),
        ([{"type": "image_url", "image_url": {"url": ""}}], "input[0].image_url.url"),
        ([picture(b"no picture at all")], "input[0].image_url.url"),
        ([picture(b"a" * 4_000_002)], "input[0].image_url.url"),
        ([{"type": "text", "text": "a"}] * 33, "input"),
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_a_bad_request_that_names_it(client, given, param):
    """Law: whatever is wrong with the input, the client raises BadRequestError with the place."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.moderations.create(input=given)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "param"),
    [({"input": "a", "model": 7}, "model"), ({"input": "a", "user": "b"}, "user"), ({}, "input")],
)
async def test_other_parameters_are_held_to_the_api(client, body, param):
    """Law: a parameter that is unknown, missing or of another type is named."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.post("/moderations", body=body, cast_to=object)
    assert caught.value.param == param


async def test_an_odd_name_is_not_repeated(client):
    """Law: an error repeats no content that somebody put into a name."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.post("/moderations", body={"input": "a", "my secret": 1}, cast_to=object)
    assert "secret" not in str(caught.value.body)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"input": NaN}', b"\xff", b'{"input": "\\ud800"}'])
async def test_what_is_no_json_is_a_bad_request(serve_dialects, raw):
    """Law: no bytes at all make the gateway fail."""
    served = await serve_dialects(OpenAiDialect())
    answer = await served.client.post("/v1/moderations", content=raw)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_a_wrong_key_is_an_authentication_error(serve_openai):
    """Law: the client raises AuthenticationError, with OpenAI's code."""
    client = await serve_openai("wrong", authenticate=Authenticate(FakeApiKeyStore()))
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.moderations.create(input="hello")
    assert caught.value.code == "invalid_api_key"


async def with_key(**about) -> tuple[str, Authenticate]:
    """A key as its owner shows it, and what knows it."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop", **about)
    await store.add(key)
    return secret, Authenticate(store)


async def test_a_key_without_the_scope_is_a_permission_error(serve_openai):
    """Law: the client raises PermissionDeniedError."""
    secret, authenticate = await with_key(scopes=frozenset())
    client = await serve_openai(secret, authenticate=authenticate)
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.moderations.create(input="hello")
    assert caught.value.code == "scope_missing"


async def test_too_many_calls_are_a_rate_limit_error(serve_openai):
    """Law: the client raises RateLimitError, and is told when to come again."""
    secret, authenticate = await with_key(rate_limit=RateLimit(1, 60))
    client = await serve_openai(secret, authenticate=authenticate, rate_limiter=FakeRateLimiter())
    await client.moderations.create(input="hello")
    with pytest.raises(openai.RateLimitError) as caught:
        await client.moderations.create(input="hello")
    assert (caught.value.type, caught.value.code) == ("requests", "rate_limit_exceeded")
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_a_call_that_takes_too_long_is_a_server_error(serve_openai):
    """Law: the client raises InternalServerError for 504 as for every failure of the server's."""
    client = await serve_openai()
    with pytest.raises(openai.InternalServerError) as caught:
        await client.moderations.create(
            input="hello", extra_headers={"x-request-timeout": "0.000001"}
        )
    assert (caught.value.status_code, caught.value.code) == (504, "deadline_exceeded")
    assert caught.value.type == "server_error"


async def test_a_server_that_is_away_is_a_server_error(serve_dialects):
    """Law: without a server behind the gateway the answer is 503, which the client repeats."""
    served = await serve_dialects(OpenAiDialect())
    await served.running.server.stop()
    answer = await served.client.post("/v1/moderations", json={"input": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["type"] == "server_error"


async def test_only_its_own_paths_are_the_dialects(serve_dialects):
    """Law: below /v1/moderations failures have OpenAI's form; the rest of /v1 is the contract's."""
    served = await serve_dialects(OpenAiDialect())
    wrong_method = await served.client.get("/v1/moderations")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert wrong_method.json()["error"]["code"] == "method_not_supported"
    unknown = await served.client.post("/v1/moderations/7")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_url")
    assert "error" not in (await served.client.get("/v1/moderationsx")).json()
    own = await served.client.post("/v1/text:moderate", json={"text": "hello"})
    assert own.json()["verdict"]["action"] == "ACTION_ALLOW"


async def test_a_body_that_is_too_large_is_413(serve_openai):
    """Law: the gateway's own limit comes in OpenAI's form."""
    client = await serve_openai(gateway_options=GatewayOptions(max_body_bytes=1_024))
    with pytest.raises(openai.APIStatusError) as caught:
        await client.moderations.create(input="a" * 2_000)
    assert (caught.value.status_code, caught.value.code) == (413, "message_too_large")


async def test_a_text_beyond_the_servers_limit_names_the_input(serve_openai):
    """Law: what the server refuses is told by the caller's parameter, not by Gavel's field."""
    client = await serve_openai(max_text_bytes=8)
    with pytest.raises(openai.BadRequestError) as caught:
        await client.moderations.create(input=["short", "much too long"])
    assert (caught.value.param, caught.value.code) == ("input[1]", "text_too_large")
    assert "much" not in caught.value.message


async def test_the_guides_program_works(serve_dialects):
    """Law: the program in the guide prints what it found when its address is the gateway's."""
    served = await serve_dialects(OpenAiDialect(), classifiers=[TraitClassifier()])
    guide = (ROOT / "docs/dialects.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(from openai.*?)```", guide, re.DOTALL)
    address, text = "http://127.0.0.1:8080", "I will find you and hurt you"
    assert address in program
    assert text in program
    moved = program.replace(address, served.url).replace(text, "I will kill you")
    assert await run_python(moved) == "True True\n"
