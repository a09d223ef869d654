"""A chat-model reviewer before a real server that is well, slow, busy, broken or gone."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gaveld.adapters.reviewers.chat_model import ChatOptions
from gaveld.adapters.reviewers.chat_model.breaker import MOST_FAILURES
from gaveld.domain.reviews import Decision
from tests.chat_models import review
from tests.chat_reviewers import reviewer_at, task_of
from tests.chat_server import (
    ChatServer,
    Exchange,
    chat_server,
    completion,
    hangs_up,
    hangs_up_midway,
    holds,
    refuses,
    says,
    sends,
)

UNSAFE = review("unsafe", "H1", "V1", reason="It attacks a group.")
SAFE = review("safe")
TASK = task_of("some words")


@pytest.fixture
async def server():
    """Serve a model that says safe until told otherwise."""
    async with chat_server(says(SAFE)) as server:
        yield server


async def test_an_answer_becomes_a_ballot(server: ChatServer):
    """Law: what a model says is its ballot, under its card's name, model and weight."""
    server.behave(says(UNSAFE))
    async with reviewer_at(server.url) as reviewer:
        ballot = await reviewer.review(TASK)
    assert (ballot.reviewer, ballot.model, ballot.model_version, ballot.weight) == (
        *("judge", "test-model", "7"),
        2.0,
    )
    assert ballot.decision is Decision.UNSAFE
    assert [(entry.rule_id, entry.confidence) for entry in ballot.flagged] == [
        ("H1", 4.0),
        ("V1", 4.0),
    ]
    assert ballot.reason == "It attacks a group."


async def test_a_request_says_what_was_set(server: ChatServer):
    """Law: model, temperature, schema, key and an operator's own fields are in the request."""
    chat = ChatOptions("big", temperature=0.5, extra={"reasoning_effort": "low"})
    async with reviewer_at(server.url, read_key=lambda: "sk-1\n", chat=chat) as reviewer:
        await reviewer.review(TASK)
    (request,) = server.received
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert (request.body["model"], request.body["temperature"]) == ("big", 0.5)
    assert request.body["reasoning_effort"] == "low"
    asked = request.body["response_format"]
    assert asked["type"] == "json_schema"
    rule = asked["json_schema"]["schema"]["properties"]["violations"]["items"]["properties"]["rule"]
    assert {"A1", "V3"} <= set(rule["enum"])
    assert not {"L2", "S3"} & set(rule["enum"])


@pytest.mark.parametrize(
    ("constraint", "expected"), [("object", {"type": "json_object"}), ("none", None)]
)
async def test_a_server_without_schemas_is_asked_for_less(
    server: ChatServer, constraint: str, expected: dict | None
):
    """Law: how far a server constrains answers is a setting, and an answer is read all the same."""
    server.behave(says(f"```json\n{UNSAFE}\n```"))
    chat = ChatOptions("m", temperature=None, constraint=constraint)
    async with reviewer_at(server.url, chat=chat) as reviewer:
        ballot = await reviewer.review(TASK)
    assert ballot.decision is Decision.UNSAFE
    assert server.received[0].body.get("response_format") == expected
    assert "temperature" not in server.received[0].body


async def test_a_key_is_read_for_each_request(server: ChatServer):
    """Law: a key that was changed is used without a restart."""
    keys = iter(("old", "new"))
    async with reviewer_at(server.url, read_key=lambda: next(keys)) as reviewer:
        await reviewer.review(TASK)
        await reviewer.review(TASK)
    sent = [request.headers["authorization"] for request in server.received]
    assert sent == ["Bearer old", "Bearer new"]


async def test_connections_are_kept(server: ChatServer):
    """Law: one review after the other goes over one connection."""
    async with reviewer_at(server.url) as reviewer:
        for _ in range(3):
            await reviewer.review(TASK)
    assert [request.connection for request in server.received] == [1, 1, 1]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (refuses(429), "Its endpoint is busy (HTTP 429)."),
        (refuses(500), "Its endpoint failed (HTTP 500)."),
        (refuses(401), "Its endpoint refused the API key (HTTP 401)."),
        (refuses(404), "Its endpoint knows no such model or path (HTTP 404)."),
        (refuses(400), "Its endpoint refused the request (HTTP 400)."),
        (refuses(307, ("location", "/v2")), "Its endpoint refused the request (HTTP 307)."),
        (hangs_up, "Its endpoint broke off before it had answered."),
        (hangs_up_midway, "Its endpoint broke off before it had answered."),
        (sends(b"<html>Hello</html>"), "Its endpoint's answer is no chat completion."),
        (sends(b'{"choices": []}'), "Its endpoint's answer is no chat completion."),
        (sends(b"[" * 100_000), "Its endpoint's answer is no chat completion."),
        (sends(b" " * (2 << 20)), "Its endpoint's answer is too large."),
        (sends(b"nope", ("content-encoding", "gzip")), "Its endpoint broke off"),
        (says("Sure! It is fine."), "Its answer was not the JSON that it was asked for."),
        (says('{"decision": "safe", "viol'), "Its answer was not the JSON that it was asked for."),
        (says(SAFE + UNSAFE), "Its answer was not the JSON that it was asked for."),
        (says(review("maybe")), "Its answer was neither safe nor unsafe."),
        (says(review("safe", "H1")), "Its answer contradicted itself."),
        (says(review("unsafe", "Z9")), "Its answer spoke of a rule that is not in force."),
        (says(""), "Its answer was empty."),
        (says(SAFE, finish_reason="length"), "Its answer was cut off"),
        (says(SAFE, finish_reason="content_filter"), "It refused to judge the content."),
        (says("", message={"refusal": "I can't"}), "It refused to judge the content."),
    ],
)
async def test_what_gives_no_vote_is_a_failed_ballot(server: ChatServer, behaviour, reason: str):
    """Law: whatever goes wrong, the ballot is failed and says why; it is never a safe one."""
    server.behave(behaviour)
    async with reviewer_at(server.url) as reviewer:
        ballot = await reviewer.review(TASK)
    assert ballot.decision is Decision.FAILED
    assert ballot.reason.startswith(reason)


async def test_a_slow_answer_is_a_failed_ballot(server: ChatServer):
    """Law: a model that is too slow has no vote, and the server sees the caller go."""
    server.behave(holds)
    async with reviewer_at(server.url, timeout_seconds=0.5) as reviewer:
        ballot = await reviewer.review(TASK)
    assert ballot.decision is Decision.FAILED
    assert ballot.reason == "It had not answered after 0.5 s."


async def test_a_server_that_is_not_there_is_a_failed_ballot(unused_tcp_port: int):
    """Law: a refused connection is no error of ours."""
    async with reviewer_at(f"http://127.0.0.1:{unused_tcp_port}") as reviewer:
        ballot = await reviewer.review(TASK)
    assert (ballot.decision, ballot.reason) == (
        Decision.FAILED,
        "Its endpoint can't be reached.",
    )


def no_key() -> str:
    raise FileNotFoundError("key")


@pytest.mark.parametrize("read_key", [no_key, lambda: "a\nb", lambda: "schlüssel"])
async def test_a_key_that_can_not_be_sent_is_a_failed_ballot(server: ChatServer, read_key):
    """Law: without its key nothing is sent, and the reason does not quote it."""
    async with reviewer_at(server.url, read_key=read_key) as reviewer:
        ballot = await reviewer.review(TASK)
    assert ballot.decision is Decision.FAILED
    assert ballot.reason.startswith("Its API key")
    assert server.received == []


@pytest.mark.parametrize(
    "trouble",
    [
        refuses(500),
        refuses(503, ("retry-after", "0")),
        refuses(429, ("retry-after", format_datetime(datetime.now(UTC) - timedelta(seconds=9)))),
        refuses(429, ("retry-after", "soon")),
        hangs_up,
        hangs_up_midway,
    ],
)
async def test_what_may_pass_is_asked_again(server: ChatServer, trouble):
    """Law: a busy, broken or vanished server is asked again, as it wishes."""
    server.behave(trouble, says(UNSAFE))
    async with reviewer_at(server.url, attempts=3) as reviewer:
        ballot = await reviewer.review(TASK)
    assert ballot.decision is Decision.UNSAFE
    assert len(server.received) == 2


@pytest.mark.parametrize("trouble", [refuses(400), refuses(401), sends(b"no JSON")])
async def test_what_will_not_pass_is_not_asked_again(server: ChatServer, trouble):
    """Law: a request that is refused for what it is is sent once."""
    server.behave(trouble, says(UNSAFE))
    async with reviewer_at(server.url, attempts=3) as reviewer:
        assert (await reviewer.review(TASK)).decision is Decision.FAILED
    assert len(server.received) == 1


async def test_attempts_have_an_end(server: ChatServer):
    """Law: an endpoint that keeps failing is asked as often as was set, and no more."""
    server.behave(refuses(500, ("retry-after", "0")))
    async with reviewer_at(server.url, attempts=3) as reviewer:
        assert (await reviewer.review(TASK)).reason == "Its endpoint failed (HTTP 500)."
    assert len(server.received) == 3


async def test_a_wait_beyond_the_deadline_is_not_begun(server: ChatServer):
    """Law: who is told to come back after its time is up fails at once."""
    server.behave(refuses(429, ("retry-after", "3600")), says(UNSAFE))
    async with reviewer_at(server.url, attempts=3) as reviewer:
        assert (await reviewer.review(TASK)).reason == "Its endpoint is busy (HTTP 429)."
    assert len(server.received) == 1


async def test_an_unreadable_answer_has_one_try_to_be_repaired(server: ChatServer):
    """Law: asked again with a sterner word in the instructions, once."""
    server.behave(says(f"I think it is bad: {UNSAFE}"), says(UNSAFE))
    async with reviewer_at(server.url) as reviewer:
        assert (await reviewer.review(TASK)).decision is Decision.UNSAFE
    first, second = server.received
    assert second.user == first.user
    assert second.system.startswith(first.system)
    assert "could not be read" in second.system
    server.behave(says("Still bad."))
    async with reviewer_at(server.url) as reviewer:
        assert (await reviewer.review(TASK)).decision is Decision.FAILED
    assert len(server.received) == 4


async def test_only_so_many_are_asked_at_once(server: ChatServer):
    """Law: an endpoint never has more requests at a time than it may have."""
    async with reviewer_at(server.url, max_concurrent=2) as reviewer:
        ballots = await asyncio.gather(*(reviewer.review(TASK) for _ in range(8)))
    assert {ballot.decision for ballot in ballots} == {Decision.SAFE}
    assert server.busiest <= 2
    assert server.connections <= 2


async def test_who_waits_too_long_for_a_place_is_told_so(server: ChatServer):
    """Law: a crowd before an endpoint is not taken for the endpoint's failure."""
    options = {"max_concurrent": 1, "timeout_seconds": 0.1}
    async with reviewer_at(server.url, **options) as reviewer:
        await reviewer._endpoint._slots.acquire()  # by a review that never ends
        ballots = await asyncio.gather(*(reviewer.review(TASK) for _ in range(MOST_FAILURES)))
        assert {entry.reason for entry in ballots} == {
            "Too many reviews were waiting for its endpoint."
        }
        assert not reviewer._endpoint._breaker.is_open
    assert server.received == []


async def test_a_cancelled_review_lets_go_of_its_connection(server: ChatServer):
    """Law: the server sees the caller go, and the place is free for the next."""
    server.behave(holds, says(UNSAFE))
    async with reviewer_at(server.url, max_concurrent=1) as reviewer:
        review = asyncio.create_task(reviewer.review(TASK))
        await server.holding.wait()
        review.cancel()
        with pytest.raises(asyncio.CancelledError):
            await review
        await server.gone.wait()
        assert (await reviewer.review(TASK)).decision is Decision.UNSAFE


async def test_an_endpoint_that_keeps_failing_is_left_alone(
    server: ChatServer, caplog: pytest.LogCaptureFixture
):
    """Law: after so many outages in a row nothing is sent for a while, and the log says so."""
    server.behave(refuses(500))
    async with reviewer_at(server.url) as reviewer:
        for _ in range(MOST_FAILURES + 3):
            ballot = await reviewer.review(TASK)
    assert ballot.reason == "Its endpoint has been failing and is left alone for a while."
    assert len(server.received) == MOST_FAILURES
    assert caplog.text.count("left alone") == 1


async def test_being_busy_or_unclear_is_no_outage(server: ChatServer):
    """Law: an endpoint that answers, whatever it says, is not left alone."""
    server.behave(refuses(429))
    async with reviewer_at(server.url) as reviewer:
        for _ in range(MOST_FAILURES + 1):
            await reviewer.review(TASK)
    assert len(server.received) == MOST_FAILURES + 1


async def test_a_hedge_asks_a_second_time_and_takes_the_first_answer(server: ChatServer):
    """Law: a slow first request is overtaken by a second one, and then given up."""
    server.behave(holds, says(UNSAFE))
    async with reviewer_at(server.url, hedge_after_seconds=0.05) as reviewer:
        assert (await reviewer.review(TASK)).decision is Decision.UNSAFE
        await server.gone.wait()
    assert (len(server.received), server.left) == (2, 1)


async def test_a_hedge_keeps_within_the_limit(server: ChatServer):
    """Law: where there is no room for a second request there is none."""

    async def slow(exchange: Exchange) -> None:
        server.holding.set()
        await server.gone.wait()
        await exchange.answer(completion(UNSAFE))

    server.behave(slow)
    options = {"hedge_after_seconds": 0.0, "max_concurrent": 1}
    async with reviewer_at(server.url, **options) as reviewer:
        review = asyncio.create_task(reviewer.review(TASK))
        await server.holding.wait()
        assert not (await asyncio.wait([review], timeout=0.1))[0]
        server.gone.set()
        assert (await review).decision is Decision.UNSAFE
    assert len(server.received) == 1


async def test_hedging_is_off_unless_asked_for(server: ChatServer):
    """Law: by default a slow endpoint is asked once."""
    server.behave(holds)
    async with reviewer_at(server.url) as reviewer:
        review = asyncio.create_task(reviewer.review(TASK))
        await server.holding.wait()
        assert not (await asyncio.wait([review], timeout=0.1))[0]
        review.cancel()
        await server.gone.wait()
    assert len(server.received) == 1


def test_the_server_of_these_tests_speaks_the_chat_api():
    """Law: what the tests take for a chat completion has its shape."""
    assert json.loads(completion("x"))["choices"][0]["message"]["content"] == "x"
