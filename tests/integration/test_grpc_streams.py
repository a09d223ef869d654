"""Streams of turns over a real socket: verdicts in order, clearances, errors of single turns."""

import grpc
import pytest
from gavel.v1 import compliance_stream_pb2 as api
from gavel.v1 import policy_pb2, review_pb2, verdict_pb2
from gavel.v1.content_pb2 import Turn
from google.protobuf.timestamp_pb2 import Timestamp

from tests.fakes.reviewer import FakeReviewer
from tests.integration.grpc_stand import Serve, failure_of
from tests.integration.stream_stand import (
    begun,
    fields_of,
    info_of,
    kinds,
    open_stream,
    options,
    part,
    talked,
    turn,
    words,
)
from tests.integration.test_grpc_compliance import Witness

SAFE, UNSAFE = review_pb2.DECISION_SAFE, review_pb2.DECISION_UNSAFE
ALLOW, BLOCK = verdict_pb2.ACTION_ALLOW, verdict_pb2.ACTION_BLOCK
CALM = "The river runs past the mill. "


async def test_turns_are_judged_in_order_and_the_end_sums_up(serve: Serve):
    """Law: one review a turn, by id or place, the running one beside it, and a final at the end."""
    running = await serve(reviewers=(words(),))
    events = await talked(
        running,
        turn("hello"),
        turn("I will kill you", "bad"),
        turn("sorry", role="assistant"),
        request_id="talk-1",
    )
    assert kinds(events) == ["turn_review"] * 3 + ["final"]
    reviews = [event.turn_review for event in events[:3]]
    assert [entry.turn_id for entry in reviews] == ["0", "bad", "2"]
    assert [entry.turn.decision for entry in reviews] == [SAFE, UNSAFE, SAFE]
    assert [entry.conversation.decision for entry in reviews] == [SAFE, UNSAFE, UNSAFE]
    assert [entry.action for entry in reviews] == [ALLOW, BLOCK, ALLOW]
    final = events[-1].final
    assert (final.last_turn_id, final.turn_count, final.request_id) == ("2", 3, "talk-1")
    assert not final.resumable
    assert final.review.decision == UNSAFE
    assert [entry.id for entry in final.review.flagged_categories] == ["H3"]


async def test_an_answer_comes_before_the_next_question(serve: Serve):
    """Law: a turn is answered when it was judged, not when the stream ends."""
    running = await serve(reviewers=(words(),))
    stream = await begun(running)
    for number in range(3):
        await stream.send(turn("hello"))
        event = await stream.event()
        assert event.turn_review.turn_id == str(number)
    (final,) = await stream.close()
    assert final.final.turn_count == 3


@pytest.mark.parametrize("verbose", [None, 0, 1, 2])
async def test_the_detail_is_what_the_options_say(serve: Serve, verbose: int | None):
    """Law: every review of a stream has the detail asked for, 1 if none was."""
    running = await serve(reviewers=(Witness("words", {"kill": ("H3", 5.0)}),))
    fields = {} if verbose is None else {"verbose": verbose}
    first, second, final = await talked(running, turn("hi", "a"), turn("I kill", "b"), **fields)
    assert first.turn_review.turn.HasField("coverage")
    for review in (second.turn_review.turn, second.turn_review.conversation, final.final.review):
        assert (review.reason != "") == (verbose != 0)
        assert len(review.agent_decisions) == (verbose == 2)
    found = [entry.turn_id for entry in second.turn_review.conversation.findings]
    assert found == (["b", ""] if verbose == 2 else [])


async def test_a_guarded_turn_is_cleared_by_sentences(serve: Serve):
    """Law: offsets in UTF-16 units of the whole turn rise to the harm, and its place is told."""
    running = await serve(reviewers=(Witness("words", {"kill": ("H3", 5.0)}),))
    parts = ["Grüße 😀, the river ", "runs past. ", "Then I will", " kill everyone.", " More. "]
    text = "".join(parts)
    events = await talked(
        running,
        *(part(entry) for entry in parts),
        part("", last=True),
        kind=api.STREAM_KIND_MODEL_OUTPUT,
    )
    assert set(kinds(events[:-2])) == {"clearance"}
    cleared = [event.clearance for event in events[:-2]]
    offsets = [entry.cleared_utf16_offset for entry in cleared]
    assert offsets == sorted(offsets)
    units = text.encode("utf-16-le")
    shown = units[: 2 * offsets[-1]].decode("utf-16-le")
    assert shown == "Grüße 😀, the river runs past. "
    assert cleared[-1].action == BLOCK
    (finding,) = [entry for entry in cleared[-1].findings if entry.category_id == "H3"]
    span = finding.span
    assert units[2 * span.utf16_start : 2 * span.utf16_end].decode("utf-16-le") == "kill"
    assert text.encode()[span.byte_start : span.byte_end] == b"kill"
    assert finding.turn_id == "m"
    review, final = events[-2].turn_review, events[-1].final
    assert (review.turn_id, review.turn.decision, review.action) == ("m", UNSAFE, BLOCK)
    assert (final.last_turn_id, final.turn_count) == ("m", 1)


async def test_the_hold_back_is_the_callers_to_choose(serve: Serve):
    """Law: zero clears what was read as it comes, the default waits for the sentence."""
    running = await serve(reviewers=(words(),))
    stream = await begun(running, hold_back_utf16_units=0)
    await stream.send(part("The river runs"))
    assert (await stream.event()).clearance.cleared_utf16_offset == 14
    stream = await begun(running)
    await stream.send(part("The river runs"), part(" past."))
    assert (await stream.event()).clearance.cleared_utf16_offset == 20


BAD_TURNS = [
    (turn(""), "turn.text"),
    (turn("x" * 65_537), "turn.text"),
    (turn("x", role="User!"), "turn.role"),
    (turn("x", "i" * 129), "turn.id"),
    (turn("x", time=Timestamp(seconds=-(1 << 60))), "turn.time"),
    (turn("x", "known"), "turn.id"),
    (part("x", ""), "partial_turn.turn_id"),
    (part("x" * 65_537), "partial_turn.text"),
    (part(""), "partial_turn.text"),
    (part("x", role="?"), "partial_turn.role"),
    (part("", last=True), "partial_turn.text"),
    (part("again", "known"), "partial_turn.turn_id"),
]


@pytest.mark.parametrize(
    ("bad", "field"), BAD_TURNS, ids=[f"{n}-{row[1]}" for n, row in enumerate(BAD_TURNS)]
)
async def test_a_bad_turn_is_answered_by_itself(serve: Serve, bad: object, field: str):
    """Law: whatever is wrong with one turn, its field is named and the stream goes on."""
    running = await serve(reviewers=(words(),))
    events = await talked(running, turn("fine", "known"), bad, turn("fine too", "next"))
    assert kinds(events) == ["turn_review", "turn_error", "turn_review", "final"]
    error = events[1].turn_error
    assert error.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    info = info_of(error)
    assert (info.reason, info.metadata["turn_id"]) == ("INVALID_TURN", error.turn_id)
    assert fields_of(error) == [field]
    assert len(error.turn_id) <= 128
    assert error.turn_id
    assert events[-1].final.turn_count == 2


async def test_a_message_of_nothing_is_answered_like_a_bad_turn(serve: Serve):
    """Law: a message that holds neither turn nor part costs its place, and no more."""
    running = await serve(reviewers=(words(),))
    error, review, _ = await talked(running, api.StreamConversationRequest(), turn("fine"))
    assert (error.turn_error.turn_id, review.turn_review.turn_id) == ("0", "1")


async def test_turns_that_interleave_are_refused_and_the_open_one_goes_on(serve: Serve):
    """Law: a turn that begins within another is refused once; its later parts are passed over."""
    running = await serve(reviewers=(words(),))
    events = await talked(
        running,
        part("The river ", "a"),
        part("No", "b"),
        part(" way", "b", last=True),
        turn("whole", "c"),
        part("runs past.", "a", last=True),
        turn("whole", "c"),
    )
    assert kinds(events) == ["turn_error", "turn_error", "clearance", *["turn_review"] * 2, "final"]
    assert [event.turn_error.turn_id for event in events[:2]] == ["b", "c"]
    assert [event.turn_review.turn_id for event in events[3:5]] == ["a", "c"]


async def test_half_closing_within_a_turn_ends_it(serve: Serve):
    """Law: what was written when the caller closed is judged, cleared and reviewed."""
    running = await serve(reviewers=(words(),))
    cleared, review, final = await talked(running, part("The river runs"))
    assert cleared.clearance.cleared_utf16_offset == 14
    assert review.turn_review.turn_id == final.final.last_turn_id == "m"
    assert not final.final.resumable


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"amount": 11}, "options.amount", "INVALID_ARGUMENT"),
        ({"amount": 0}, "options.amount", "INVALID_ARGUMENT"),
        ({"hold_back_utf16_units": 4_097}, "options.hold_back_utf16_units", "INVALID_ARGUMENT"),
        ({"excluded_categories": ["Q1"]}, "options.excluded_categories[0]", "UNKNOWN_CATEGORY"),
        ({"kind": 9}, "options.kind", "INVALID_ARGUMENT"),
        ({"request_id": "two words"}, "options.request_id", "INVALID_ARGUMENT"),
        ({"earlier_turns": [Turn(text="a"), Turn()]}, "options.earlier_turns[1].text",
         "INVALID_ARGUMENT"),
        ({"earlier_turns": [Turn(text="a", time=Timestamp(seconds=-(1 << 60)))]},
         "options.earlier_turns[0].time", "INVALID_ARGUMENT"),
        ({"policy_overrides": policy_pb2.PolicyOverrides(
            categories={"Z9": policy_pb2.CategoryOverride()})},
         'options.policy_overrides.categories["Z9"]', "UNKNOWN_CATEGORY"),
    ],
)  # fmt: skip
async def test_bad_options_end_the_stream(serve: Serve, fields: dict, field: str, reason: str):
    """Law: options that break a rule end the stream with INVALID_ARGUMENT naming the field."""
    running = await serve(reviewers=(words(),))
    stream = await begun(running, **fields)
    failure = await failure_of(stream.rest())
    assert (failure.code, failure.info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert [entry.field for entry in failure.bad_request.field_violations] == [field]


@pytest.mark.parametrize(
    "requests",
    [[turn("hi")], [part("hi")], [], [options(), options()], [api.StreamConversationRequest()]],
)  # fmt: skip
async def test_options_come_first_and_once(serve: Serve, requests: list):
    """Law: a stream without options, or with options twice, ends as a breach of protocol."""
    running = await serve(reviewers=(words(),))
    stream = open_stream(running)
    await stream.send(*requests)
    failure = await failure_of(stream.close())
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT, "STREAM_PROTOCOL",
    )  # fmt: skip


async def test_a_prompt_that_nobody_reads_ends_the_stream(serve: Serve):
    """Law: a custom prompt without a reader is refused before any turn, not judged by the rules."""
    running = await serve(reviewers=(words(),))
    stream = await begun(running, custom_prompt="Never mention bananas")
    failure = await failure_of(stream.rest())
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    assert failure.info.reason == "CUSTOM_PROMPT_UNSUPPORTED"


async def test_escalation_is_told_with_its_turns(serve: Serve):
    """Law: what builds up stands beside the turn that adds to it, and in the final."""
    sharp = {"fool": ("H2", 5.0)}
    panel = [FakeReviewer(f"r{n}", sharp if n < 2 else {}) for n in range(5)]
    running = await serve(reviewers=panel)
    lines = [("bob", "you fool"), ("ann", "why"), ("bob", "what a fool you"), ("bob", "fool you")]
    events = await talked(running, *(turn(text, author_id=who) for who, text in lines))
    last, final = events[-2].turn_review, events[-1].final
    (case,) = last.escalations
    assert case.pattern == api.ESCALATION_PATTERN_REPEATED_HARASSMENT
    assert (case.category_id, list(case.turn_ids)) == ("H2", ["0", "2", "3"])
    assert (last.turn.decision, last.conversation.decision) == (SAFE, UNSAFE)
    assert list(final.escalations) == [case]


async def test_a_resumed_stream_goes_on_counting(serve: Serve):
    """Law: earlier turns are known, not answered, and count for the places of those that follow."""
    running = await serve(reviewers=(words(),))
    earlier = [Turn(text="one"), Turn(text="two", id="second")]
    events = await talked(running, turn("three"), turn("again", "second"), earlier_turns=earlier)
    assert events[0].turn_review.turn_id == "2"
    assert events[1].turn_error.turn_id == "second"
    assert events[-1].final.turn_count == 1
