"""The panel over a real socket: the document's requests, its levels of detail, its failures."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace

import grpc
import pytest
from gavel.v1 import compliance_service_pb2 as api
from gavel.v1 import content_pb2, review_pb2, verdict_pb2
from google.protobuf import json_format

from gaveld.application.ports import Reviewer
from gaveld.domain.content import Span
from gaveld.domain.reviews import (
    Ballot,
    ContentKind,
    ConversationContent,
    Evidence,
    ReviewTask,
    TextContent,
)
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.transport.grpc.long_texts import LONG_TEXT_CHARACTERS, LONG_TEXTS_AT_ONCE
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Serve, failure_of

WORDS = {"kill": ("H3", 5.0), "darn": ("L1", 3.0)}
SAFE, UNSAFE, FAILED = (
    review_pb2.DECISION_SAFE,
    review_pb2.DECISION_UNSAFE,
    review_pb2.DECISION_FAILED,
)


class Witness(FakeReviewer):
    """A reviewer that shows where it found its words: in the text, in a turn, in the whole."""

    async def review(self, task: ReviewTask) -> Ballot:
        match task.content:
            case ConversationContent(turns):
                texts = list(enumerate(turn.text for turn in turns))
            case TextContent(text):
                texts = [(None, text)]
        places = [(turn, text.find("kill")) for turn, text in texts if "kill" in text]
        evidence = tuple(
            Evidence(Finding("H3", 0.9, "a word", "words", "1", Span(at, at + 4)), turn)
            for turn, at in places
        )
        tone = Evidence(Finding("L1", 0.3, "the tone of it all", "words", "1", Span(0, 1)))
        card = ClassifierCard("words", "1", frozenset({"L1", "H3"}))
        return replace(
            await super().review(task),
            evidence=(*evidence, tone),
            outcomes=(ClassifierOutcome(card, OutcomeStatus.RAN),),
        )


def panel(size: int = 10) -> list[FakeReviewer]:
    """Return a panel of which the odd members find words."""
    return [FakeReviewer(f"Reviewer {n}", WORDS if n % 2 else {}) for n in range(1, size + 1)]


async def test_the_documents_text_request(serve: Serve):
    """Law: the document's request is answered in its fields, with every reviewer heard."""
    running = await serve(reviewers=panel())
    request = json_format.ParseDict(
        {
            "content": "This is the text content to analyze for compliance.",
            "amount": 10,
            "context": "User comment on product review website",
            "decision_method": "DECISION_METHOD_AVERAGE",
            "verbose": 2,
        },
        api.ReviewTextRequest(),
    )
    answer = await running.compliance.ReviewText(request)
    review = answer.review
    assert (review.decision, review.score) == (SAFE, 0)
    assert review.reason == "None of 10 reviewers found a rule broken."
    assert review.decision_method == review_pb2.DECISION_METHOD_AVERAGE
    assert not review.flagged_categories
    names = [entry.agent_name for entry in review.agent_decisions]
    assert names == [f"Reviewer {n}" for n in range(1, 11)]
    assert {entry.decision for entry in review.agent_decisions} == {SAFE}
    assert all(0 <= entry.time <= review.execution_time for entry in review.agent_decisions)
    assert answer.request_id
    assert len(review.content_sha256) == 64
    assert review.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert review.policy_revision == "test@1"


async def test_the_documents_conversation_request(serve: Serve):
    """Law: turns reach the reviewers with their roles, as many as were asked for."""
    reviewers = panel()
    running = await serve(reviewers=reviewers)
    request = json_format.ParseDict(
        {
            "content": [
                {"role": "user", "text": "Hello! Can you help me?"},
                {"role": "assistant", "text": "Of course! How can I assist you today?"},
                {"text": "I need information.", "time": "2026-11-22T10:00:00Z", "author_id": "u1"},
            ],
            "amount": 8,
            "decision_method": "DECISION_METHOD_AVERAGE",
            "verbose": 2,
        },
        api.ReviewConversationRequest(),
    )
    answer = await running.compliance.ReviewConversation(request)
    assert answer.review.panel.asked_count == len(answer.review.agent_decisions) == 8
    task = reviewers[0].tasks[0]
    assert task.kind is ContentKind.CONVERSATION
    assert isinstance(task.content, ConversationContent)
    assert [turn.role for turn in task.content.turns] == ["user", "assistant", "user"]
    assert task.content.turns[2].said_at is not None
    assert task.content.turns[2].author_id == "u1"
    assert reviewers[8].tasks == []


@pytest.mark.parametrize(
    ("method", "request_kind", "kind"),
    [
        ("ReviewText", api.ReviewTextRequest, ContentKind.TEXT),
        ("ReviewComment", api.ReviewCommentRequest, ContentKind.COMMENT),
        ("ReviewChat", api.ReviewChatRequest, ContentKind.CHAT),
        ("ReviewSearch", api.ReviewSearchRequest, ContentKind.SEARCH),
    ],
)
async def test_reviewers_know_what_kind_of_content_it_is(serve: Serve, method, request_kind, kind):
    """Law: each method tells the reviewers its kind, the context and what is excluded."""
    (reviewer,) = reviewers = panel(1)
    running = await serve(reviewers=reviewers)
    request = request_kind(content="hello", context="a forum", excluded_categories=["A1", "P2"])
    answer = await getattr(running.compliance, method)(request)
    assert answer.review.decision == SAFE
    (task,) = reviewer.tasks
    assert (task.kind, task.content, task.context) == (kind, TextContent("hello"), "a forum")
    assert {"A1", "P2"}.isdisjoint(rule.id for rule in task.rules)


async def test_a_custom_prompt_replaces_the_rules(serve: Serve):
    """Law: the document's custom prompt goes to reviewers that read it, alone."""
    reader = FakeReviewer("reader", WORDS, reads_custom_prompts=True)
    running = await serve(reviewers=[*panel(), reader])
    request = api.ReviewTextRequest(
        content="Acme is cheaper", custom_prompt="Never mention Acme", amount=10, verbose=2
    )
    review = (await running.compliance.ReviewText(request)).review
    assert review.decision == UNSAFE
    assert [entry.agent_name for entry in review.agent_decisions] == ["reader"]
    assert [(entry.id, entry.score) for entry in review.flagged_categories] == [("CUSTOM", 5.0)]


async def test_levels_of_detail_are_exactly_the_contracts(serve: Serve):
    """Law: at 0 the decision, time, count and coverage; at 1 no ballots or findings; at 2 all."""
    running = await serve(reviewers=[Witness("one", WORDS), Witness("two", WORDS)])
    shown = {}
    for verbose in (0, None, 1, 2):
        request = api.ReviewTextRequest(content="I will kill you", verbose=verbose)
        request.decision_method = review_pb2.DECISION_METHOD_SCORE
        review = (await running.compliance.ReviewText(request)).review
        shown[verbose] = {field.name for field, _ in review.ListFields()}
    basic = {"decision", "execution_time", "panel", "coverage"}
    standard = basic | {
        "reason",
        "score",
        "decision_method",
        "flagged_categories",
        "risk",
        "policy_revision",
        "content_sha256",
    }
    assert shown == {
        0: basic,
        None: standard,
        1: standard,
        2: standard | {"agent_decisions", "findings"},
    }


async def test_flagged_categories_have_means_and_counts(serve: Serve):
    """Law: score is the number that flagged; a category has its mean confidence and count."""
    running = await serve(reviewers=panel(4))
    request = api.ReviewChatRequest(content="darn I will kill you", verbose=2)
    review = (await running.compliance.ReviewChat(request)).review
    assert (review.decision, review.score) == (UNSAFE, 2)
    flagged = [
        (entry.id, entry.name, entry.score, entry.count) for entry in review.flagged_categories
    ]
    assert flagged == [("H3", "Threats", 5.0, 2), ("L1", "Profanity", 3.0, 2)]
    agent = review.agent_decisions[0]
    assert (agent.agent_name, agent.model, agent.model_version) == ("Reviewer 1", "words", "1")
    assert [(entry.id, entry.count) for entry in agent.flagged_categories] == [("H3", 1), ("L1", 1)]


async def test_findings_point_into_the_text_and_the_turn(serve: Serve):
    """Law: a finding's offsets count in its own turn; one about the whole has none."""
    running = await serve(reviewers=[Witness("one", WORDS), Witness("two", WORDS)])
    text = "é😀 I will kill you"
    answer = await running.compliance.ReviewText(api.ReviewTextRequest(content=text, verbose=2))
    threat, tone = answer.review.findings
    assert text.encode()[threat.span.byte_start : threat.span.byte_end] == b"kill"
    assert (threat.turn_id, threat.action) == ("", verdict_pb2.ACTION_BLOCK)
    assert tone.HasField("span")
    turns = [
        content_pb2.Turn(text="hello"),
        content_pb2.Turn(id="t-9", text=text, role="assistant"),
        content_pb2.Turn(text="kill"),
    ]
    request = api.ReviewConversationRequest(content=turns, verbose=2)
    answer = await running.compliance.ReviewConversation(request)
    first, second, tone = answer.review.findings
    assert (first.turn_id, second.turn_id, tone.turn_id) == ("t-9", "2", "")
    assert (first.span.byte_start, second.span.byte_start) == (threat.span.byte_start, 0)
    assert not tone.HasField("span")
    assert set(answer.review.coverage.checked_categories) == {"H3", "L1"}


async def test_a_settled_panel_says_how_many_were_outstanding(serve: Serve):
    """Law: below verbose 2 the rest is stopped once settled, and the count says so."""
    never = asyncio.Event()
    reviewers: Sequence[Reviewer] = [
        FakeReviewer("quick", WORDS),
        *(FakeReviewer(f"slow {n}", gate=never) for n in range(3)),
    ]
    running = await serve(reviewers=reviewers)
    request = api.ReviewTextRequest(
        content="I will kill you", decision_method=review_pb2.DECISION_METHOD_ANY
    )
    review = (await running.compliance.ReviewText(request)).review
    count = review.panel
    assert (count.asked_count, count.counted_count, count.outstanding_count) == (4, 1, 3)
    assert (review.decision, count.degraded) == (UNSAFE, False)


async def test_a_failed_reviewer_is_listed_and_not_counted(serve: Serve):
    """Law: as the document says, a reviewer that failed is shown and left out of the decision."""
    broken = [FakeReviewer(f"b{n}", failure=ValueError("canary")) for n in range(3)]
    running = await serve(reviewers=[FakeReviewer("fine", WORDS), *broken])
    request = api.ReviewTextRequest(content="I will kill you", verbose=2)
    review = (await running.compliance.ReviewText(request)).review
    assert (review.decision, review.score) == (UNSAFE, 1)
    assert [entry.decision for entry in review.agent_decisions] == [UNSAFE, FAILED, FAILED, FAILED]
    assert review.panel.failed_count == 3
    assert review.panel.degraded
    assert review.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL
    assert "canary" not in str(review)


async def test_long_content_takes_turns(serve: Serve):
    """Law: of long texts and conversations only so many are reviewed at once; short ones go by."""
    gate = asyncio.Event()
    reviewer = FakeReviewer("one", gate=gate)
    running = await serve(reviewers=[reviewer], options=GrpcServerOptions(port=0))
    half = "x" * LONG_TEXT_CHARACTERS
    turns = [content_pb2.Turn(text=half), content_pb2.Turn(text=half)]
    long = [
        running.compliance.ReviewConversation(api.ReviewConversationRequest(content=turns)),
        *(
            running.compliance.ReviewText(api.ReviewTextRequest(content=2 * half))
            for _ in range(LONG_TEXTS_AT_ONCE)
        ),
    ]
    calls = [asyncio.ensure_future(awaited(call)) for call in long]
    await reviewer.until_asked(LONG_TEXTS_AT_ONCE)
    short = asyncio.ensure_future(
        awaited(running.compliance.ReviewText(api.ReviewTextRequest(content="short")))
    )
    await reviewer.until_asked(LONG_TEXTS_AT_ONCE + 1)
    assert reviewer.tasks[-1].content == TextContent("short")
    gate.set()
    await asyncio.gather(*calls, short)


async def awaited(call: Awaitable[object]) -> object:
    return await call


async def test_the_request_id_comes_back(serve: Serve):
    """Law: a call that names itself is answered under that name."""
    running = await serve(reviewers=panel(1))
    request = api.ReviewSearchRequest(content="how to bake bread", request_id="r-7")
    assert (await running.compliance.ReviewSearch(request)).request_id == "r-7"


async def test_a_server_without_eyes_says_so(serve: Serve):
    """Law: what a server is not put together to review is UNIMPLEMENTED, never a verdict."""
    running = await serve(reviewers=panel(1))
    media = content_pb2.Media(uri="https://example.com/image.jpg")
    for call in (
        running.compliance.ReviewImage(api.ReviewImageRequest(content=media)),
        running.compliance.ReviewVideo(api.ReviewVideoRequest(content=media)),
    ):
        failure = await failure_of(call)
        assert failure.code is grpc.StatusCode.UNIMPLEMENTED
        assert failure.info.reason == "UNKNOWN_METHOD"
