"""Turns that come in parts: what is cleared, what is read, and that chunks make no difference."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.application.conversation import Conversation, StreamKind, TurnFailed, TurnReviewed
from gaveld.application.open_turn import TurnCleared, TurnPart
from gaveld.domain.actions import Action
from gaveld.domain.clearing import CONTEXT_CHARACTERS, utf16_length
from gaveld.domain.content import Span
from gaveld.domain.conversations import EXCERPT_CHARACTERS
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.reviews import ContentKind, Decision, Evidence, Turn, running_digest
from gaveld.domain.signals import Finding
from tests.fakes.reviewer import FakeReviewer
from tests.unit.application.test_moderate_conversation import House, reviewed, turn

CALM = "The river runs past the old mill. "
HARM = "Then I will kill everyone here. "


async def opened(house: House, **opening) -> Conversation:
    """Begin to guard a model's output."""
    return await house.open(kind=StreamKind.MODEL_OUTPUT, **opening)


async def written(conversation: Conversation, *chunks: str, turn_id: str = "m") -> list:
    """Return the events of a turn in these parts, the last of which ends it."""
    parts = [TurnPart(turn_id, chunk) for chunk in chunks]
    parts[-1] = TurnPart(turn_id, chunks[-1], is_last=True)
    return [event for part in parts async for event in conversation.write(part)]


async def part(conversation: Conversation, text: str, turn_id: str = "m") -> list:
    """Return the events of one part."""
    return [event async for event in conversation.write(TurnPart(turn_id, text))]


async def test_sentences_are_cleared_as_they_end():
    """Law: each sentence is shown once it was judged, and the last part clears the rest."""
    conversation = await opened(House())
    assert await part(conversation, "The river runs past") == []
    (cleared,) = await part(conversation, " the old mill.")
    assert cleared == TurnCleared("m", 33, Action.ALLOW, (), *_place_of(cleared))
    assert [event.cleared_utf16_offset for event in await part(conversation, " And so")] == [34]
    *_, last, review = await written(conversation, " it ends 😀")
    assert last.cleared_utf16_offset == len(CALM) + utf16_length("And so it ends 😀")
    assert isinstance(review, TurnReviewed)
    assert (review.turn.decision, review.action) == (Decision.SAFE, Action.ALLOW)


def _place_of(cleared: TurnCleared) -> tuple:
    return cleared.text, cleared.before


async def test_harm_is_never_cleared_and_ends_the_turn():
    """Law: the offset stays before the harmful sentence; nothing after it is read or cleared."""
    house = House()
    conversation = await opened(house)
    events = await written(conversation, CALM + HARM, CALM, CALM)
    cleared = [event for event in events if isinstance(event, TurnCleared)]
    assert cleared[-1].cleared_utf16_offset <= len(CALM)
    assert cleared[-1].action is Action.BLOCK
    offsets = [event.cleared_utf16_offset for event in cleared]
    assert offsets == sorted(offsets)
    *_, review = events
    assert (review.turn.decision, review.action) == (Decision.UNSAFE, Action.BLOCK)
    text = CALM + HARM + CALM + CALM
    digest = running_digest(b"", Turn(text, "assistant"))
    assert review.conversation.sha256 == digest.hex()
    assert len(house.asked) == 2


async def test_cleared_text_is_read_again_only_as_context():
    """Law: reviewers read each character of a long turn once, beside a bounded context."""
    house = House()
    conversation = await opened(house)
    text = CALM * 60
    await written(conversation, *(text[i : i + 7] for i in range(0, len(text), 7)))
    pieces = [texts[0] for _, texts in house.asked]
    assert len(pieces) == 60
    assert all(len(piece) <= CONTEXT_CHARACTERS + len(CALM) for piece in pieces)
    assert len(house.places) == 60, "the first turn is the conversation: it is not read again"
    await written(conversation, text, turn_id="n")
    kind, texts = house.asked[-1]
    assert kind is ContentKind.CONVERSATION
    assert all(len(shown) <= EXCERPT_CHARACTERS for shown in texts)


async def test_a_chunk_costs_no_more_late_in_a_turn():
    """Law: the last token of a long turn is shown with no more context than an early one."""
    house = House()
    conversation = await opened(house)
    sizes = []
    for _ in range(300):
        await part(conversation, CALM)
        sizes.append(sum(house.places))
        house.places.clear()
    assert len(set(sizes[20:])) == 1


texts = st.lists(
    st.sampled_from([CALM, HARM, "Mild as ever, gloom 😀! ", "x" * 150, "\n", "fool ", "Yes. "]),
    min_size=1,
    max_size=10,
).map("".join)


async def _final(text: str, chunks: list[str], hold_back: int) -> tuple:
    conversation = await opened(House(), hold_back_units=hold_back)
    *_, review = await written(conversation, *chunks)
    assert isinstance(review, TurnReviewed)
    own, running = review.turn, review.conversation
    return (
        review.action, own.decision, own.flagged, own.sha256, own.reason,
        running.decision, running.flagged, running.sha256, conversation.summary().turn_count,
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(texts, st.lists(st.integers(0, 400), max_size=8), st.sampled_from([0, 64, 200]))
def test_any_chunking_comes_to_the_same_verdict(text, cuts, hold_back):
    """Law: decision, action, flags and digests of a turn don't depend on how it was cut."""
    bounds = sorted(min(cut, len(text)) for cut in cuts)
    chunks = [text[a:b] for a, b in zip([0, *bounds], [*bounds, len(text)], strict=True)]

    async def both() -> tuple:
        return await _final(text, [text], hold_back), await _final(text, chunks, hold_back)

    whole, cut = asyncio.run(both())
    assert whole == cut


async def test_without_hold_back_harm_in_sight_is_not_shown():
    """Law: at zero each part is judged as it comes, and one that looks harmful waits."""
    house = House()
    conversation = await opened(house, hold_back_units=0)
    (cleared,) = await part(conversation, "Then I will")
    assert cleared.cleared_utf16_offset == 11
    (space,) = await part(conversation, " kill time")
    assert space.cleared_utf16_offset == 12
    (cleared,) = await part(conversation, " until the evening comes.")
    assert (cleared.cleared_utf16_offset, cleared.action) == (12, Action.BLOCK)


async def test_a_turn_for_review_is_still_cleared():
    """Law: what a person should look at is shown; its findings stand beside the offset."""
    conversation = await opened(House())
    cleared, review = await written(conversation, "All of it is gloom and rain and fog.")
    assert (cleared.action, cleared.cleared_utf16_offset) == (Action.REVIEW, 36)
    assert (review.turn.decision, review.action) == (Decision.UNSAFE, Action.REVIEW)


class Finder(FakeReviewer):
    """Finds each gloom, votes as it likes."""

    async def review(self, task):
        text = task.content.turns[-1].text
        found = tuple(
            Evidence(Finding("H3", 0.5, "a word", "words", "1", Span(at, at + 5)), 0)
            for at in range(len(text))
            if text.startswith("gloom", at)
        )
        return replace(await super().review(task), evidence=found)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(1, 40))
def test_what_is_found_is_told_once(before, size):
    """Law: whether it is first seen as fresh text or ahead of it, a finding is told where it is."""
    text = "and on " * before + "gloom" + " and on" * 30
    chunks = [text[start : start + size] for start in range(0, len(text), size)]

    async def told() -> list[int]:
        conversation = await opened(House(Finder("finder")))
        events = await written(conversation, *chunks)
        return [
            event.before.code_point + entry.finding.span.start
            for event in events
            if isinstance(event, TurnCleared)
            for entry in event.findings
        ]

    assert asyncio.run(told()) == [text.index("gloom")]


async def test_turns_do_not_interleave():
    """Law: a turn that begins before the last has ended is refused once; the open one goes on."""
    house = House()
    conversation = await opened(house)
    await part(conversation, "The river runs", "a")
    (failed,) = await part(conversation, "Another", "b")
    assert isinstance(failed, TurnFailed)
    assert (failed.turn_id, failed.failure.reason) == ("b", ErrorReason.INVALID_TURN)
    assert await part(conversation, " one", "b") == []
    (failed,) = [event async for event in conversation.hear(turn("whole", "c"))]
    assert (failed.turn_id, failed.failure.reason) == ("c", ErrorReason.INVALID_TURN)
    *_, review = await written(conversation, " past.", turn_id="a")
    assert (review.turn_id, house.asked[-1][1]) == ("a", ("The river runs past.",))
    (failed,) = await part(conversation, "more", "a")
    assert failed.failure.reason is ErrorReason.INVALID_TURN
    (event,) = await reviewed(conversation, turn("whole", "c"))
    assert event.turn_id == "c"


async def test_a_stopped_turn_need_not_be_ended():
    """Law: after BLOCK the next turn may begin; the stopped one is reviewed first."""
    conversation = await opened(House())
    (stopped,) = await part(conversation, HARM, "a")
    assert (stopped.turn_id, stopped.action) == ("a", Action.BLOCK)
    review, nxt = [event async for event in conversation.hear(turn("ok then", "b"))]
    assert (review.turn_id, review.turn.decision) == ("a", Decision.UNSAFE)
    assert (nxt.turn_id, nxt.turn.decision) == ("b", Decision.SAFE)
    await part(conversation, HARM, "c")
    (review,) = await part(conversation, "And on.", "d")
    assert isinstance(review, TurnReviewed)
    assert review.turn_id == "c"


async def test_closing_ends_the_open_turn():
    """Law: what was written is judged as if its last part had come."""
    house = House()
    conversation = await opened(house)
    await part(conversation, "The river runs")
    cleared, review = [event async for event in conversation.end_turn()]
    assert (cleared.cleared_utf16_offset, review.turn_id) == (14, "m")
    assert [event async for event in conversation.end_turn()] == []


async def test_a_piece_that_can_not_be_judged_ends_its_turn():
    """Law: the turn fails once, what was cleared stays, and later parts are passed over."""
    house = House()
    conversation = await opened(house)
    (cleared,) = await part(conversation, CALM)
    assert cleared.cleared_utf16_offset == len(CALM)
    house.reviewers[0].failure = ValueError()
    (failed,) = await part(conversation, CALM)
    assert isinstance(failed.failure, Unavailable)
    house.reviewers[0].failure = None
    assert await part(conversation, CALM) == []
    assert await written(conversation, "") == []
    assert conversation.summary().turn_count == 0
    await reviewed(conversation, turn("next", "n"))


@pytest.mark.parametrize(("text", "looks"), [("...", 1), (" \n ", 1)])
async def test_a_turn_of_marks_alone_has_a_review_too(text: str, looks: int):
    """Law: every turn with text is reviewed, however little it says."""
    house = House()
    cleared, review = await written(await opened(house), text)
    assert (cleared.cleared_utf16_offset, review.turn.decision) == (len(text), Decision.SAFE)
    assert len(house.asked) == looks


async def test_a_turn_without_text_is_none():
    """Law: a turn whose parts are all empty is refused."""
    conversation = await opened(House())
    (failed,) = await written(conversation, "", "")
    assert failed.failure.reason is ErrorReason.INVALID_TURN
    assert conversation.summary().turn_count == 0


async def test_a_cancelled_piece_can_be_ended_or_left():
    """Law: cancelling in the middle of a piece judges nothing and leaves the rest as it was."""
    gate = asyncio.Event()
    house = House(FakeReviewer("slow", gate=gate))
    conversation = await opened(house)
    writing = asyncio.create_task(part(conversation, CALM))
    await house.reviewers[0].until_asked()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert conversation.summary().last_turn_id == ""
    gate.set()
    *_, review = [event async for event in conversation.end_turn()]
    assert review.turn_id == "m"
