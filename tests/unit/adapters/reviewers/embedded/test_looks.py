"""The look that the embedded reviewers share: taken once, by whoever asks, and then forgotten."""

import asyncio
import gc

import pytest

from gaveld.adapters.reviewers.embedded.looks import MOST_CHARACTERS, SharedLooks, merged
from gaveld.adapters.reviewers.embedded.members import MEMBERS
from gaveld.adapters.reviewers.embedded.parts import PartReader
from gaveld.domain.reviews import Decision, ReviewTask, Turn
from gaveld.domain.signals import ClassifierOutcome, OutcomeStatus
from tests.embedded_panel import POINTS, POLICY, Panel, task_of
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.text_reader import LEXICON, LINKS, FakeTextReader

INSULT = {"idiot": ("H2", 0.9)}


async def test_ten_reviewers_take_one_pass():
    """Law: however many review a task, its text is read once and the model is asked once."""
    panel = Panel(FakePanelScorer(INSULT))
    ballots = await panel.review(task_of("First this. Then that."))
    assert len(ballots) == len(MEMBERS)
    assert len(panel.scorer.calls) == len(panel.reader.texts) == 1
    await panel.review(task_of("Something else."))
    assert len(panel.scorer.calls) == len(panel.reader.texts) == 2


async def test_one_who_asks_later_shares_it_too():
    """Law: a look lives as long as its task."""
    panel = Panel()
    task = task_of("Good morning.")
    for reviewer in panel.reviewers:
        await reviewer.review(task)
    assert len(panel.scorer.calls) == 1


async def test_each_turn_is_read_once():
    """Law: a conversation costs one reading a turn, for all reviewers together."""
    panel = Panel()
    await panel.review(task_of([Turn("Hello."), Turn("Hi.", "assistant"), Turn("How are you?")]))
    assert sorted(panel.reader.texts) == ["Hello.", "Hi.", "How are you?"]
    assert len(panel.scorer.calls) == 3


async def test_order_is_irrelevant():
    """Law: in whatever order reviewers are asked, each casts the same ballot."""
    forwards, backwards = Panel(FakePanelScorer(INSULT)), Panel(FakePanelScorer(INSULT))
    backwards.reviewers = tuple(reversed(backwards.reviewers))
    task = task_of("What an idiot. Truly.")
    one, other = await forwards.review(task), await backwards.review(task)
    assert {name: ballot.flagged for name, ballot in one.items()} == {
        name: ballot.flagged for name, ballot in other.items()
    }


async def test_a_look_that_nobody_waits_for_ends():
    """Law: when the last who waits is cancelled the work stops; whoever asks then begins anew."""
    panel = Panel(FakePanelScorer(INSULT, gate=asyncio.Event()))
    task = task_of("idiot")
    asked = [asyncio.create_task(entry.review(task)) for entry in panel.reviewers]
    await panel.scorer.asked.wait()
    for entry in asked:
        entry.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await panel.scorer.cancelled.wait()
    panel.scorer.gate.set()
    ballot = await panel.reviewers[0].review(task)
    assert ballot.decision is Decision.UNSAFE
    assert len(panel.scorer.calls) == 2


async def test_a_cancelled_one_leaves_the_look_to_the_others():
    """Law: who goes away takes nothing from those who stay."""
    panel = Panel(FakePanelScorer(INSULT, gate=asyncio.Event()))
    task = task_of("idiot")
    asked = [asyncio.create_task(entry.review(task)) for entry in panel.reviewers]
    await panel.scorer.asked.wait()
    asked[0].cancel()
    await asyncio.sleep(0)
    panel.scorer.gate.set()
    ballots = await asyncio.gather(*asked[1:])
    assert all(ballot.is_unsafe for ballot in ballots)
    assert len(panel.scorer.calls) == 1


async def test_a_failure_is_everyones():
    """Law: where the model fails, nobody votes."""
    panel = Panel()
    panel.scorer.failure = RuntimeError("out of order")
    task = task_of("Good morning.")
    results = await asyncio.gather(
        *(entry.review(task) for entry in panel.reviewers), return_exceptions=True
    )
    assert [str(result) for result in results] == ["out of order"] * len(MEMBERS)


async def test_a_look_is_forgotten_with_its_task():
    """Law: nothing is kept of a task that nobody holds any more."""

    async def nothing(task: ReviewTask):
        return task.kind

    looks = SharedLooks(nothing)
    task = task_of("Good morning.")
    await looks.of(task)
    assert len(looks) == 1
    del task
    gc.collect()
    assert len(looks) == 0


async def test_a_turn_that_comes_back_is_not_read_again():
    """Law: of a conversation that has grown by a turn, only that turn is read."""
    panel = Panel()
    turns = [Turn("Hello."), Turn("Hi.", "assistant"), Turn("How are you?"), Turn("Well.")]
    await panel.review(task_of(turns[:3]))
    await panel.review(task_of(turns))
    assert len(panel.scorer.calls) == len(panel.reader.texts) == 4


async def test_what_failed_is_tried_again():
    """Law: a reading in which a classifier failed is not remembered."""
    panel = Panel(reader=FakeTextReader(failing=LINKS))
    for _ in range(2):
        await panel.review(task_of("Good morning."))
    assert len(panel.reader.texts) == 2


async def test_memory_is_bounded():
    """Law: so many texts' parts are kept and no more, the latest."""
    reader, scorer = FakeTextReader(), FakePanelScorer()
    parts = PartReader(reader, scorer, POINTS, remembered=2)
    for text in ("one", "two", "three", "three", "two", "one"):
        await parts.read(text, POLICY)
    assert reader.texts == ["one", "two", "three", "one"]


async def test_a_long_conversation_is_read_from_its_end():
    """Law: the model reads the newest turns up to a bound, and says that it left out older ones."""
    panel = Panel(FakePanelScorer(INSULT))
    turns = [Turn("idiot"), Turn("a " * (MOST_CHARACTERS // 2)), Turn("Good morning.")]
    ballots = await panel.review(task_of(turns))
    assert len(panel.scorer.calls) == 1
    assert len(panel.reader.texts) == 3
    (outcome,) = [
        entry for entry in ballots["gavel-all-round"].outcomes if entry.card == panel.scorer.card
    ]
    assert outcome.missed_as is OutcomeStatus.SKIPPED
    assert outcome.reason == (
        "In 2 of 3 texts: The conversation is long; the oldest turns were not read."
    )


@pytest.mark.parametrize("worst", [OutcomeStatus.FAILED, OutcomeStatus.TIMED_OUT])
def test_a_classifier_is_listed_as_it_did_worst(worst: OutcomeStatus):
    """Law: what was missed in one text is missed; the seconds are of all texts."""
    fine = ClassifierOutcome(LEXICON, OutcomeStatus.RAN, 1.0)
    bad = ClassifierOutcome(LEXICON, worst, 2.0, "It was late.")
    (found,) = merged([(fine,), (bad,), (fine,)])
    assert (found.status, found.seconds) == (worst, 4.0)
    assert found.reason == "In 1 of 3 texts: It was late."
