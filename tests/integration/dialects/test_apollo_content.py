"""Apollo's content, typed by the policy: what its rules set off, now and later."""

import json

import pytest

from gaveld.transport.rest.dialects.acs import AcsDialect
from gaveld.transport.rest.dialects.apollo import ApolloDialect
from tests.content_house import BAN as HOUSE_BAN
from tests.content_house import PICTURES, ContentHouse
from tests.integration.dialects.apollo_stand import (
    ADDRESS,
    COMMENT,
    CONTENT,
    IMAGE,
    POLICY,
    PRINTED,
    Desk,
    comment,
    errors_of,
    post,
    runs,
)
from tests.integration.dialects.conftest import Served, ServeDialects


@pytest.fixture
def desk() -> Desk:
    """A policy with the content types Comment and Image, and rules that ban and flag."""
    return Desk(ContentHouse(POLICY))


@pytest.fixture
async def served(serve_dialects: ServeDialects, desk: Desk) -> Served:
    """Gavel's own server with that policy."""
    return await serve_dialects(ApolloDialect(), AcsDialect(), services=desk.services)


async def test_actions_are_those_that_the_rules_set_off(served: Served, desk: Desk):
    """Law: each once, in the order of the rules; none is an empty list; all are called back."""
    assert runs(await post(served.client, comment("fine"))) == []
    assert desk.callbacks == []
    angry = await post(served.client, comment("you fool", age=9) | {"content_id": "c2"})
    assert runs(angry) == ["Ban user", "Flag"]
    assert angry.headers["x-gavel-coverage"]
    (callback,) = desk.callbacks  # the other action has no address
    assert callback.url == HOUSE_BAN.callback_url
    assert json.loads(callback.body) == {
        "content": {"id": "c2", "content_type": "Comment"},
        "content_id": "c2",
        "user_id": "def456",
        "custom": {"severity": 3},
    }
    assert callback.headers == {"x-shop": "yes"}


async def test_what_is_done_later_is_answered_without_a_body(served: Served, desk: Desk):
    """Law: 204 once it is stored; its actions are called back when a worker has decided."""
    answer = await post(served.client, comment("you fool") | {"sync": False})
    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"content-length", "content-type"} & set(answer.headers)
    assert desk.callbacks == []
    await desk.do_the_work()
    (callback,) = desk.callbacks
    assert json.loads(callback.body)["content_id"] == "abc123"


async def test_later_is_refused_at_once_what_can_never_be_judged(served: Served, desk: Desk):
    """Law: nobody waits for a callback about content that does not fit."""
    body = COMMENT | {"content": {"text": 5}, "sync": False}
    (error,) = errors_of(await post(served.client, body))
    assert (error["status"], error["pointer"]) == (400, "/content/text")
    assert desk.house.jobs.jobs == {}


async def test_the_same_content_is_decided_once(served: Served, desk: Desk):
    """Law: a repeat has the first one's answer and sets nothing off again; a change is judged."""
    for _ in range(3):
        assert runs(await post(served.client, comment("you fool"))) == ["Ban user", "Flag"]
    assert len(desk.callbacks) == 1
    assert runs(await post(served.client, comment("fine again"))) == []


async def test_every_field_that_does_not_fit_is_named(served: Served):
    """Law: missing, mistyped and unknown fields are all in one answer, each with its pointer."""
    content = {"age": "nine", "tags": ["a", 5], "likes": 3, "author": {"name": "x"}}
    found = errors_of(await post(served.client, COMMENT | {"content": content}))
    assert {error["title"] for error in found} == {"Content does not match its content type"}
    assert {error["pointer"]: error["detail"] for error in found} == {
        "/content/text": "content.text is required",
        "/content/age": "content.age must be an int",
        "/content/tags/1": "content.tags[1] must be a string",
        "/content/likes": "content.likes is not a field of the content type",
        "/content/author": "content.author is not a field of the content type",
    }


@pytest.fixture
def picture(monkeypatch) -> None:
    """A picture at ``ADDRESS``."""
    monkeypatch.setitem(PICTURES, ADDRESS, PICTURES["grey"])


@pytest.mark.usefixtures("picture")
async def test_strings_become_pictures_by_their_type(served: Served, desk: Desk):
    """Law: an address in a field for pictures is judged as the picture that is there."""
    assert runs(await post(served.client, comment("fine", avatar=ADDRESS))) == []
    assert list(desk.house.files.names.values()) == [ADDRESS]
    (error,) = errors_of(await post(served.client, comment("fine", avatar="a.png")))
    assert error["pointer"] == "/content/avatar"


@pytest.mark.usefixtures("picture")
async def test_a_picture_on_its_own_route(served: Served, desk: Desk):
    """Law: the printed request runs with a picture's address, now and later."""
    body = PRINTED["requests"]["image"] | {"content": {"url": ADDRESS}}
    assert runs(await post(served.client, body, IMAGE)) == ["Flag"]
    later = body | {"sync": False, "content_id": "later"}
    assert (await post(served.client, later, IMAGE)).status_code == 204
    await desk.do_the_work()
    assert list(desk.house.files.names.values()) == [ADDRESS, ADDRESS]


async def test_a_picture_for_a_field_that_holds_none_is_refused(served: Served):
    """Law: what is sent as a picture is judged as one, or not at all."""
    body = PRINTED["requests"]["image"] | {"contenttype": "Comment"}
    found = errors_of(
        await post(served.client, body | {"content": {"url": "https://p.example/a"}}, IMAGE)
    )
    assert {error["pointer"] for error in found} == {"/content/text", "/content/url"}


@pytest.mark.parametrize(("kind", "path"), [("content", CONTENT), ("image", IMAGE)])
async def test_a_content_type_that_is_not_there_is_refused(served: Served, kind: str, path: str):
    """Law: without the content type nothing could be set off, so that there is no empty list."""
    body = PRINTED["requests"][kind] | {"contenttype": "Nothing", "content": {"a": "b"}}
    for sync in (True, False):
        (error,) = errors_of(await post(served.client, body | {"sync": sync}, path))
        assert (error["status"], error["title"]) == (400, "Content type not found")
        assert error["pointer"] == "/contenttype"
        assert error["detail"].startswith("contenttype ")
