"""ContentMod's deferral over a real server: the id at once, the result by poll and by callback."""

import json

import pytest

from tests.content_house import PICTURES as HOUSE_PICTURES
from tests.content_house import ContentHouse
from tests.integration.dialects.apollo_stand import ADDRESS, Desk
from tests.integration.dialects.conftest import Served, ServeDialects
from tests.integration.dialects.stand import run
from tests.integration.dialects.test_contentmod import (
    GOLDEN,
    GREY_PNG,
    PICTURES,
    error_of,
    in_base64,
    post,
    started,
)


@pytest.fixture
async def served_later(serve_dialects: ServeDialects) -> Served:
    """A server that stores content."""
    return await started(serve_dialects, services=Desk(ContentHouse()).services)


async def test_the_printed_curl_runs(serve_dialects: ServeDialects, monkeypatch):
    """Law: the printed command, which asks for deferral, gets an id, and by it the result.

    Its placeholders are filled in: an address to call back, and a picture's in place of words.
    """
    monkeypatch.setitem(HOUSE_PICTURES, ADDRESS, HOUSE_PICTURES["grey"])
    desk = Desk(ContentHouse())
    served = await started(serve_dialects, policy=PICTURES, services=desk.services)
    printed = (GOLDEN / "image.sh").read_text()
    program = printed.replace("https://api.contentmod.io", served.url)
    program = program.replace("This is a very cool api", ADDRESS)
    program = program.replace('"callbackUrl": "<string>"', '"callbackUrl": "https://a.example/b"')
    deferred = json.loads(await run("bash", "-c", program))
    assert set(deferred) == {"id"}
    waiting = await served.client.get(f"/text/{deferred['id']}")
    assert (waiting.status_code, waiting.json()) == (202, {**deferred, "status": "processing"})
    await desk.do_the_work()
    answered = (await served.client.get(f"/text/{deferred['id']}")).json()
    assert (answered["id"], answered["meta"]) == (deferred["id"], {})
    as_printed = json.loads((GOLDEN / "image.json").read_text())
    assert set(as_printed) | {"id", "actorId"} == set(answered)
    assert answered["isSafe"] is True
    (callback,) = desk.callbacks
    assert callback.url == "https://a.example/b"
    told = json.loads(callback.body)
    assert (told["event"], told["data"]) == ("moderation.completed", answered)
    prompt = program.replace('"defer": true', '"defer": false')
    prompt = prompt.replace('"callbackUrl": "https://a.example/b",', "")
    prompt = prompt.replace(ADDRESS, in_base64(GREY_PNG))
    answered = json.loads(await run("bash", "-c", prompt))
    assert (answered["isSafe"], answered["meta"]) == (True, {})


async def test_the_printed_curl_as_it_stands_is_told_what_to_fill_in(served_later: Served):
    """Law: a callback that could never be sent is not promised; the answer names the option."""
    printed = (GOLDEN / "image.sh").read_text()
    said = await run("bash", "-c", printed.replace("https://api.contentmod.io", served_later.url))
    assert json.loads(said) == {
        "error": {
            "status": 400,
            "code": "invalid_argument",
            "message": "options.callbackUrl must be an http or https address.",
            "field": "options.callbackUrl",
        }
    }


async def test_a_text_too_long_to_judge_later_is_as_large_as_one_to_judge_now(served_later: Served):
    """Law: the same status, code and field with and without deferral."""
    text = "a" * ((1 << 20) + 1)
    now, later = [
        error_of(await post(served_later, "/text", {"text": text, "options": options}))
        for options in ({}, {"defer": True})
    ]
    assert now == later
    assert (now["status"], now["code"], now["field"]) == (413, "text_too_large", "text")


async def test_a_deferred_text_is_answered_like_a_prompt_one(serve_dialects: ServeDialects):
    """Law: the result has every key of a prompt answer, the caller's own words and any meta."""
    desk = Desk(ContentHouse())
    served = await started(serve_dialects, services=desk.services)
    meta = {"a": [1, 2.5, None, 10**30, "\u00e9"]}
    asked = {"text": "you fool", "options": {"meta": meta, "actorId": "u-1"}}
    prompt = (await post(served, "/text", asked)).json()
    options = {**asked["options"], "defer": True, "bannedWords": ["special"]}
    deferred = (await post(served, "/text", {"text": "you fool", "options": options})).json()
    await desk.do_the_work()
    answer = await served.client.get(f"/text/{deferred['id']}")
    assert answer.headers["x-gavel-coverage"]
    assert set(answer.json()) == set(prompt)
    shown = answer.json()
    assert (shown["id"], shown["meta"], shown["actorId"]) == (deferred["id"], meta, "u-1")
    assert shown["content"] == shown["original"] == "you fool"


async def test_what_never_will_be_judged_is_no_result(serve_dialects: ServeDialects):
    """Law: an unknown id is 404, and work that was cancelled is a failure and no empty result."""
    desk = Desk(ContentHouse())
    served = await started(serve_dialects, services=desk.services)
    assert error_of(await served.client.get("/text/abc"))["status"] == 404
    deferred = (await post(served, "/text", {"text": "hi", "options": {"defer": True}})).json()
    await desk.house.jobs.cancel("default", deferred["id"])
    error = error_of(await served.client.get(f"/text/{deferred['id']}"))
    assert error["status"] >= 400
