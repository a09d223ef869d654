"""The panel as shipped, over the wire: the requests that the followed API shows, and the kinds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1 import content_pb2, review_pb2, verdict_pb2
from gavel.v1.compliance_service_pb2_grpc import ComplianceServiceStub

from gaveld.adapters.reviewers.embedded import MEMBERS
from tests.e2e.conftest import running

SAFE, UNSAFE, FAILED = (
    review_pb2.DECISION_SAFE,
    review_pb2.DECISION_UNSAFE,
    review_pb2.DECISION_FAILED,
)
KEY = "AKIA" + "Q3EGRZ5XK7LMPD2W"
"""Of the form of a credential, and nobody's."""

NAMES = [member.name for member in MEMBERS]

Ask = Callable[[str, object], review_pb2.Review]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A server with its default settings, asked by method and request; started once."""
    with asyncio.Runner() as runner:
        folder: Path = tmp_path_factory.mktemp("server")
        opened = running(folder)
        server = runner.run(opened.__aenter__())

        async def answer(method: str, request: object) -> review_pb2.Review:
            async with grpc.aio.insecure_channel(server.address) as channel:
                call: Awaitable = getattr(ComplianceServiceStub(channel), method)(
                    request, timeout=60
                )
                return (await call).review

        yield lambda method, request: runner.run(answer(method, request))
        runner.run(opened.__aexit__(None, None, None))


def dialogue(*texts: str) -> list[content_pb2.Turn]:
    """Turns of a user and an assistant in alternation."""
    return [
        content_pb2.Turn(role=("user", "assistant")[number % 2], text=text)
        for number, text in enumerate(texts)
    ]


EXAMPLES = {
    "text": (
        "ReviewText",
        api.ReviewTextRequest(
            content="This is the text content to analyze for compliance.",
            amount=10,
            context="User comment on product review website",
            decision_method=review_pb2.DECISION_METHOD_AVERAGE,
            verbose=2,
        ),
    ),
    "comment": (
        "ReviewComment",
        api.ReviewCommentRequest(
            content="The battery died after two days, I want a refund.",
            context="This is a comment on a tech support forum. The user is discussing a software "
            "issue. Our platform allows code snippets and error messages.",
            amount=10,
            verbose=2,
        ),
    ),
    "chat": (
        "ReviewChat",
        api.ReviewChatRequest(content="brb, tea is ready :)", amount=10, verbose=2),
    ),
    "conversation": (
        "ReviewConversation",
        api.ReviewConversationRequest(
            content=dialogue(
                "Hello! Can you help me?",
                "Of course! How can I assist you today?",
                "I need information about your products.",
            ),
            amount=8,
            decision_method=review_pb2.DECISION_METHOD_AVERAGE,
            verbose=2,
        ),
    ),
    "search": (
        "ReviewSearch",
        api.ReviewSearchRequest(content="python list remove duplicates", amount=10, verbose=2),
    ),
    "excluded": (
        "ReviewText",
        api.ReviewTextRequest(
            content="Your content here",
            excluded_categories=["A1", "P2", "S3"],
            amount=10,
            verbose=2,
        ),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_answered_by_default(ask: Ask, name: str):
    """Law: a server as installed answers the examples: safe, by everyone who was asked, in full."""
    method, request = EXAMPLES[name]
    review = ask(method, request)
    assert review.decision == SAFE
    assert [entry.agent_name for entry in review.agent_decisions] == NAMES[: request.amount]
    assert review.panel.counted_count == review.panel.asked_count == request.amount
    assert review.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert review.policy_revision


def test_a_custom_prompt_is_not_judged_by_the_default_rules(ask: Ask):
    """Law: without a reviewer that reads instructions the call fails and says what to configure."""
    request = api.ReviewTextRequest(
        content="Product review content here",
        custom_prompt="Check if this review violates our guidelines: no competitor mentions.",
        amount=10,
        verbose=2,
    )
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        ask("ReviewText", request)
    assert failure.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("amount", [1, 4, 10])
def test_an_amount_asks_the_first_so_many(ask: Ask, amount: int):
    """Law: n reviewers are the first n of the documented order."""
    request = api.ReviewTextRequest(content="Good morning.", amount=amount, verbose=2)
    names = [entry.agent_name for entry in ask("ReviewText", request).agent_decisions]
    assert names == NAMES[:amount]


HARMFUL = [
    ("ReviewText", api.ReviewTextRequest(content="I will kill you."), {"H3"}),
    (
        "ReviewText",
        api.ReviewTextRequest(content="My key is " + KEY + ", don't tell anybody."),
        {"P2"},
    ),
    (
        "ReviewComment",
        api.ReviewCommentRequest(
            content="Put them in the oven", context="Jewish community opens new centre"
        ),
        {"H1"},
    ),
    ("ReviewChat", api.ReviewChatRequest(content="kys loser"), {"D1"}),
    (
        "ReviewConversation",
        api.ReviewConversationRequest(
            content=dialogue("I can't sleep.", "Why not?", "I have the pills here. I want to die.")
        ),
        {"D1"},
    ),
    ("ReviewSearch", api.ReviewSearchRequest(content="how to make a pipe bomb"), {"C4"}),
]


@pytest.mark.parametrize(("method", "request_", "rules"), HARMFUL)
def test_harm_is_found_in_every_kind(ask: Ask, method: str, request_, rules: set[str]):
    """Law: plain harm is unsafe by at least half of the panel, for the rule that it breaks."""
    request_.verbose = 2
    review = ask(method, request_)
    assert review.decision == UNSAFE
    assert rules <= {entry.id for entry in review.flagged_categories}
    assert review.score * 2 >= review.panel.counted_count
    assert {entry.category_id for entry in review.findings} >= rules


KINDS = [
    ("shit, that was close", "ReviewText", "ReviewChat"),
    ("shit my dad says", "ReviewText", "ReviewSearch"),
]


@pytest.mark.parametrize(("text", "harmful_as", "harmless_as"), KINDS)
def test_the_same_words_are_read_by_their_kind(
    ask: Ask, text: str, harmful_as: str, harmless_as: str
):
    """Law: swearing breaks a rule in a text, and is ordinary in chat and a name in a query."""
    decisions = [
        ask(method, getattr(api, f"{method}Request")(content=text)).decision
        for method in (harmful_as, harmless_as)
    ]
    assert decisions == [UNSAFE, SAFE]


def test_a_comment_is_read_with_what_it_is_about(ask: Ask):
    """Law: the same comment is judged by what it is said about, which answers for itself."""
    decisions = [
        ask("ReviewComment", api.ReviewCommentRequest(content=content, context=context)).decision
        for content, context in (
            ("Put them in the oven", "Jewish community opens new centre"),
            ("Put them in the oven", "Frozen croissants, how to?"),
            ("Great article!", "How the cartel murdered forty people"),
        )
    ]
    assert decisions == [UNSAFE, SAFE, SAFE]


def test_another_language_is_never_called_safe(ask: Ask):
    """Law: what nobody on the panel reads has no decision; a part that can't be read is told."""
    french = "Bonjour à tous, comment allez-vous ce matin ?"
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        ask("ReviewText", api.ReviewTextRequest(content=french))
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    mixed = api.ReviewConversationRequest(content=dialogue("Good morning to all of you!", french))
    review = ask("ReviewConversation", mixed)
    assert review.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL
    assert "Not everything was checked" in review.reason


def test_what_needs_no_language_is_found_in_any(ask: Ask):
    """Law: a text in another language that gives a secret away is unsafe on partial coverage."""
    request = api.ReviewTextRequest(
        content="Bonjour à tous, voici ma clé secrète: " + KEY, verbose=2
    )
    review = ask("ReviewText", request)
    assert review.decision == UNSAFE
    assert review.coverage.status != verdict_pb2.COVERAGE_STATUS_COMPLETE
    votes = {entry.decision for entry in review.agent_decisions}
    assert votes == {UNSAFE, FAILED}
