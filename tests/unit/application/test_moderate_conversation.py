"""The use case of a stream, turn by turn, over reviewers that do as they are told."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gaveld.application.conversation import (
    Conversation,
    StreamKind,
    TurnFailed,
    TurnReviewed,
)
from gaveld.application.moderate_conversation import ModerateConversation, Opening
from gaveld.application.panels import ReviewWishes
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.domain.actions import Action
from gaveld.domain.content import Span
from gaveld.domain.conversations import LEAST_SHOWN, MOST_SHOWN, WINDOW_CHARACTERS, WINDOW_TURNS
from gaveld.domain.errors import ErrorReason, InvalidRequest, Unavailable
from gaveld.domain.escalation import Pattern
from gaveld.domain.panels import PanelSettings
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy, PolicyOverrides
from gaveld.domain.reviews import (
    ContentKind,
    ConversationContent,
    Decision,
    Evidence,
    Turn,
    running_digest,
)
from gaveld.domain.signals import Finding
from tests.fakes.policies import FakePolicyStore
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.telemetry import FakeTelemetry

POLICY = Policy(
    "house@1",
    {"H3": CategoryRule(0.4, 0.8, required=True), "H2": CategoryRule(0.6), "D1": CategoryRule(0.3)},
    panel=PanelSettings(hold_back_utf16_units=100),
)
SHARP = {"kill": ("H3", 5.0), "fool": ("H2", 4.0), "gloom": ("D1", 5.0)}


class House:
    """The use case with its parts within reach."""

    def __init__(self, *reviewers: FakeReviewer) -> None:
        self.reviewers = reviewers or (FakeReviewer("sharp", SHARP),)
        self.telemetry = FakeTelemetry()
        self.places: list[int] = []
        self.refusal: Exception | None = None
        self.use_case = ModerateConversation(
            ReviewCompliance(
                reviewers=self.reviewers,
                policies=FakePolicyStore(POLICY),
                telemetry=self.telemetry,
                reviewer_timeout_seconds=30,
                max_text_bytes=1 << 20,
            ),
            max_turn_seconds=30,
        )

    async def open(self, **opening) -> Conversation:
        return await self.use_case.open(Opening(**opening), project="shop", place=self.place)

    @asynccontextmanager
    async def place(self, characters: int) -> AsyncIterator[None]:
        self.places.append(characters)
        if self.refusal is not None:
            raise self.refusal
        yield

    @property
    def asked(self) -> list[tuple[ContentKind, tuple[str, ...]]]:
        """What the first reviewer was shown."""
        shown = []
        for task in self.reviewers[0].tasks:
            assert isinstance(task.content, ConversationContent)
            shown.append((task.kind, tuple(turn.text for turn in task.content.turns)))
        return shown


def turn(text: str, turn_id: str = "t", author: str = "", role: str = "user") -> Turn:
    """Return a turn."""
    return Turn(text, role, author, turn_id)


async def said(conversation: Conversation, *turns: Turn) -> list:
    """Return the events of these turns."""
    return [event for entry in turns async for event in conversation.hear(entry)]


async def reviewed(conversation: Conversation, *turns: Turn) -> list[TurnReviewed]:
    """Return the reviews of these turns, each of which must have one."""
    events = await said(conversation, *turns)
    assert all(isinstance(event, TurnReviewed) for event in events), events
    return events


async def test_each_turn_gets_its_review_and_the_running_one():
    """Law: in order and by id, the turn by itself and the conversation up to and with it."""
    house = House()
    conversation = await house.open()
    first, second, third = await reviewed(
        conversation, turn("hello", "a"), turn("I will kill you", "b"), turn("sorry", "c")
    )
    assert [entry.turn_id for entry in (first, second, third)] == ["a", "b", "c"]
    assert [entry.turn.decision for entry in (first, second, third)] == [
        Decision.SAFE, Decision.UNSAFE, Decision.SAFE,
    ]  # fmt: skip
    assert [entry.action for entry in (first, second, third)] == [
        Action.ALLOW, Action.BLOCK, Action.ALLOW,
    ]  # fmt: skip
    assert first.conversation.decision is Decision.SAFE
    assert second.conversation.decision is third.conversation.decision is Decision.UNSAFE
    assert second.turn.sha256 == hashlib.sha256(b"I will kill you").hexdigest()
    digest = b""
    for entry in (turn("hello"), turn("I will kill you"), turn("sorry")):
        digest = running_digest(digest, entry)
    assert third.conversation.sha256 == digest.hex()
    summary = conversation.summary()
    assert (summary.last_turn_id, summary.turn_count) == ("c", 3)
    assert summary.review is not None
    assert [entry.id for entry in summary.review.flagged] == ["H3"]


async def test_reviewers_see_the_turn_and_the_window():
    """Law: a turn is shown by itself and after those before it; the first needs one look only."""
    house = House()
    conversation = await house.open(kind=StreamKind.CHAT)
    await reviewed(conversation, turn("one", "1"), turn("two", "2"))
    shown = [("one",), ("two",), ("one", "two")]
    assert house.asked == [(ContentKind.CHAT, texts) for texts in shown]
    assert house.places == [3, 9], "one place a turn"


async def test_the_work_on_a_turn_does_not_grow_with_the_conversation():
    """Law: late reviewers are shown no more than early, and the window is bounded."""
    house = House()
    conversation = await house.open()
    sizes = []
    for number in range(150):
        await reviewed(conversation, turn(f"this is turn number {number:03}", str(number)))
        sizes.append(sum(len(text) for _, texts in house.asked for text in texts))
        house.reviewers[0].tasks.clear()
    shown = range(LEAST_SHOWN, MOST_SHOWN + 1)
    assert set(sizes[WINDOW_TURNS:]) == {23 * (turns + 1) for turns in shown}
    assert max(sizes) == 23 * (MOST_SHOWN + 1)
    long = await house.open()
    await reviewed(long, *(turn("x" * 60_000, str(number)) for number in range(10)))
    windows = [texts for _, texts in house.asked if len(texts) > 1]
    assert all(sum(map(len, texts)) <= WINDOW_CHARACTERS for texts in windows)


async def test_what_was_unsafe_long_ago_still_is():
    """Law: the running review forgets no harm when the turn has left the window."""
    house = House()
    conversation = await house.open()
    await reviewed(conversation, turn("I will kill you", "bad"))
    *_, last = await reviewed(conversation, *(turn("hm", str(n)) for n in range(40)))
    assert not any("kill" in text for _, texts in house.asked[-2:] for text in texts)
    running = last.conversation
    assert (running.decision, [entry.id for entry in running.flagged]) == (Decision.UNSAFE, ["H3"])
    assert running.reason.startswith("Of an earlier turn: The one reviewer")
    assert running.findings == ()
    assert (last.turn.decision, last.action) == (Decision.SAFE, Action.ALLOW)


def five() -> tuple[FakeReviewer, ...]:
    """Return a panel of which two are sharp, so that it finds signs and decides safe."""
    sharp = (FakeReviewer("s0", SHARP), FakeReviewer("s1", SHARP))
    return (*sharp, *(FakeReviewer(f"r{n}") for n in range(3)))


BULLYING = [
    turn("you fool", "0", "bob"), turn("why", "1", "ann"), turn("fool of a man you", "2", "bob"),
    turn("stop it", "3", "ann"), turn("what a fool you", "4", "bob"),
]  # fmt: skip


async def test_escalation_makes_the_conversation_unsafe_and_not_the_turn():
    """Law: insults too faint to act on, three against one person, are told with their turns."""
    house = House(*five())
    conversation = await house.open()
    *before, last = await reviewed(conversation, *BULLYING)
    assert all(entry.conversation.decision is Decision.SAFE for entry in before)
    assert all(entry.action is Action.ALLOW and not entry.escalations for entry in before)
    (case,) = last.escalations
    assert (case.pattern, case.category_id) == (Pattern.REPEATED_HARASSMENT, "H2")
    assert case.turn_ids == ("0", "2", "4")
    assert (last.turn.decision, last.conversation.decision) == (Decision.SAFE, Decision.UNSAFE)
    assert last.conversation.reason.endswith("builds up: repeated harassment of one person.")
    assert last.action is Action.REVIEW
    assert conversation.summary().escalations == (case,)


async def test_escalation_keeps_to_the_rules_in_force():
    """Law: a category that is excluded, silenced or replaced by a prompt does not escalate."""
    silenced = PolicyOverrides(categories={"H2": CategoryChange(enabled=False)})
    for opening in (
        {"wishes": ReviewWishes(excluded_categories=("H2",))},
        {"overrides": silenced},
        {"wishes": ReviewWishes(custom_prompt="Never mention bananas")},
    ):
        readers = [FakeReviewer("s0", SHARP, reads_custom_prompts=True), *five()[1:]]
        conversation = await House(*readers).open(**opening)
        *_, last = await reviewed(conversation, *BULLYING)
        assert last.escalations == ()
        assert last.conversation.decision is Decision.SAFE


class OnlyTogether(FakeReviewer):
    """Finds nothing in a turn, and a scam in a conversation of two or more."""

    async def review(self, task):
        words = {"pay": ("C3", 4.0)} if len(task.content.turns) > 1 else {}
        self._words = words
        return await super().review(task)


async def test_what_reviewers_find_in_the_window_alone_is_told_once():
    """Law: a window that is unsafe though no turn is, is an escalation of the turn that made it."""
    conversation = await House(OnlyTogether("o")).open()
    first, second, third = await reviewed(
        conversation, turn("you won", "0"), turn("now pay the fee", "1"), turn("hurry", "2")
    )
    assert first.escalations == ()
    (case,) = second.escalations
    assert (case.pattern, case.category_id, case.score) == (Pattern.WHOLE, "C3", 0.8)
    assert second.action is Action.REVIEW
    assert third.escalations == ()
    assert third.conversation.decision is Decision.UNSAFE


async def test_a_turn_that_fails_fails_alone():
    """Law: no ballot, no place or a bad id concern one turn, which is as if it was never sent."""
    house = House()
    conversation = await house.open()
    (good,) = await reviewed(conversation, turn("good", "0"))
    house.reviewers[0].failure = ValueError("canary")
    (failed,) = await said(conversation, turn("unlucky", "1"))
    assert isinstance(failed, TurnFailed)
    assert (failed.turn_id, type(failed.failure)) == ("1", Unavailable)
    house.reviewers[0].failure = None
    house.refusal = RuntimeError("full")
    (failed,) = await said(conversation, turn("unlucky", "1"))
    assert failed == TurnFailed("1", house.refusal)
    house.refusal = None
    (failed,) = await said(conversation, turn("again", "0"))
    assert isinstance(failed.failure, InvalidRequest)
    assert failed.failure.reason is ErrorReason.INVALID_TURN
    assert failed.failure.metadata == {"turn_id": "0"}
    (again,) = await reviewed(conversation, turn("lucky", "1"))
    assert house.asked[-1] == (ContentKind.CONVERSATION, ("good", "lucky"))
    assert conversation.summary().turn_count == 2
    assert good.turn_id != again.turn_id


async def test_earlier_turns_are_known_and_not_answered():
    """Law: a resumed conversation has its context, its ages and its digest, at no review's cost."""
    house = House()
    earlier = (turn("im 13", "0", "kay"), turn("are your parents home?", "1", "guy"))
    conversation = await house.open(earlier_turns=earlier)
    assert house.asked == []
    assert conversation.summary().turn_count == 0
    (event,) = await reviewed(conversation, turn("we could meet up tonight", "2", "guy"))
    assert house.asked[-1][1] == ("im 13", "are your parents home?", "we could meet up tonight")
    assert [case.pattern for case in event.escalations] == [Pattern.MEETING_MINOR]
    digest = b""
    for entry in (*earlier, turn("we could meet up tonight", "2", "guy")):
        digest = running_digest(digest, entry)
    assert event.conversation.sha256 == digest.hex()


async def test_a_cancelled_turn_leaves_nothing_running():
    """Law: who goes away stops both reviews of the turn, and the turn was not judged."""
    gate = asyncio.Event()
    house = House(FakeReviewer("slow", SHARP, gate=gate), FakeReviewer("slower", gate=gate))
    conversation = await house.open(earlier_turns=(turn("hello", "0"),))
    waiting = asyncio.create_task(said(conversation, turn("and", "1")))
    for reviewer in house.reviewers:
        await reviewer.until_asked(2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [entry.cancelled for entry in house.reviewers] == [2, 2]
    assert conversation.summary().last_turn_id == ""
    gate.set()
    await reviewed(conversation, turn("and", "1"))


async def test_overrides_are_the_streams_policy():
    """Law: thresholds of the call decide its actions, and answers say that they were changed."""
    lenient = PolicyOverrides(categories={"H3": CategoryChange(review=1.0, block=1.0)})
    mild = FakeReviewer("mild", {"kill": ("H3", 4.5)})
    (event,) = await reviewed(await House(mild).open(), turn("kill"))
    assert event.action is Action.BLOCK
    (event,) = await reviewed(await House(mild).open(overrides=lenient), turn("kill"))
    assert event.action is Action.REVIEW
    assert event.turn.policy_revision == "house@1+overrides"


class Witness(FakeReviewer):
    """Shows where it found its words, in which of the turns that it was shown."""

    async def review(self, task):
        found = tuple(
            Evidence(Finding("H3", 0.3, "a word", "words", "1", Span(at, at + 4)), place)
            for place, entry in enumerate(task.content.turns)
            if (at := entry.text.find("kill")) >= 0
        )
        return replace(await super().review(task), evidence=found)


async def test_findings_name_their_turns_however_long_the_talk():
    """Law: evidence is placed in the turns shown, and without offsets where a turn is cut short."""
    conversation = await House(Witness("w")).open(earlier_turns=(turn("I kill you", "e"),))
    talk = [turn("hm", str(number)) for number in range(12)]
    first, *_ = await reviewed(conversation, *talk)
    (found,) = first.conversation.findings
    assert first.window.turns[found.turn].id == "e"
    long = turn("x " * 1_000 + "kill", "long")
    shortened, after = await reviewed(conversation, long, turn("kill", "last"))
    assert [entry.judged.finding.span for entry in shortened.turn.findings] == [Span(2_000, 2_004)]
    assert [entry.judged.finding.span for entry in shortened.conversation.findings] == [None]
    places = {after.window.turns[entry.turn].id for entry in after.conversation.findings}
    assert places == {"long", "last"}
    assert len(after.window.turns) == MOST_SHOWN
