"""Requests and answers in the shape of the chat API."""

import base64
import json

import pytest

from gaveld.adapters.reviewers.chat_model.chat import (
    LONGEST_ANSWER_CHARS,
    OWN_FIELDS,
    ChatOptions,
    ChatPrompt,
    Picture,
    read_completion,
    request_body,
)
from gaveld.adapters.reviewers.chat_model.errors import EndpointError, UnreadableAnswerError
from tests.chat_server import completion

OPTIONS = ChatOptions("m")


def sent(prompt: ChatPrompt, options: ChatOptions = OPTIONS) -> dict:
    return json.loads(request_body(prompt, options))


def test_a_request_has_the_fields_that_are_ours():
    """Law: what we set is what an operator's own fields may not be."""
    prompt = ChatPrompt("words", "orders", answer_schema={"type": "object"})
    body = sent(prompt, ChatOptions("m", wants_probabilities=True, extra={"seed": 7}))
    assert body.keys() - OWN_FIELDS == {"seed"}
    assert body["messages"] == [
        {"role": "system", "content": "orders"},
        {"role": "user", "content": "words"},
    ]
    assert body["logprobs"] is True
    assert body["stream"] is False


def test_what_is_not_asked_for_is_not_sent():
    """Law: servers that refuse a field are not sent it."""
    extra = {"max_completion_tokens": 5}
    body = sent(ChatPrompt("words"), ChatOptions("m", temperature=None, extra=extra))
    assert body.keys() == {"model", "messages", "stream", "max_completion_tokens"}
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_pictures_are_data_urls_after_the_words():
    """Law: a picture is sent whole and with its type."""
    body = sent(ChatPrompt("words", pictures=(Picture(b"\x89PNG", "image/png"),)))
    words, picture = body["messages"][0]["content"]
    assert words == {"type": "text", "text": "words"}
    kind, _, data = picture["image_url"]["url"].partition(";base64,")
    assert (kind, base64.b64decode(data)) == ("data:image/png", b"\x89PNG")


@pytest.mark.parametrize(
    "told",
    [
        [{"token": "un", "logprob": -0.5, "top_logprobs": []}, {"token": "safe", "logprob": 0}],
        [{"token": " Un", "logprob": -0.5}],
    ],
)
def test_a_words_probability_is_that_of_its_first_token(told: list):
    """Law: logarithms become probabilities; a word that was not said has none."""
    answer = read_completion(completion("unsafe", logprobs={"content": told}))
    assert answer.probability("unsafe") == pytest.approx(0.6065, abs=1e-3)
    assert answer.probability("yes") is None


@pytest.mark.parametrize(
    "told", [None, [], {}, {"content": None}, {"content": [None, {"token": 1, "logprob": "x"}]}]
)
def test_strange_probabilities_are_none(told: object):
    """Law: what a server tells wrongly is as if it told nothing."""
    assert read_completion(completion("unsafe", logprobs=told)).tokens == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"error": "x"}',
        b'{"choices": null}',
        b'{"choices": [null]}',
        b'{"choices": ["x"]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": "x"}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_completion_is_the_endpoints_fault(body: bytes):
    """Law: any other JSON, or none, is an answer of the wrong kind."""
    with pytest.raises(EndpointError, match="no chat completion"):
        read_completion(body)


@pytest.mark.parametrize("text", [None, "", " \n", "x" * (LONGEST_ANSWER_CHARS + 1), 7, ["x"]])
def test_an_answer_without_usable_words_is_unreadable(text: object):
    """Law: nothing said is no vote, and neither is a flood."""
    body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    with pytest.raises(UnreadableAnswerError):
        read_completion(body)
