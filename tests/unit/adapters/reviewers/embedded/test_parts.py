"""What is remembered of texts that were read lately, and that remembering changes no answer."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.reviewers.embedded.parts import Part, PartReader, Subject
from gaveld.adapters.reviewers.embedded.said import FEW
from tests.embedded_panel import POINTS, POLICY
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.text_reader import FakeTextReader

WORDS = {"idiot": ("H2", 0.9), "kill": ("H3", 0.7), "darn": ("L1", 0.4)}
SAID, HEARD = Subject("Who is it?", is_judged=True), Subject("The idiot.", is_judged=False)


class Desk:
    """A reader of parts, and what it was asked to read."""

    def __init__(self, remembered: int = 512) -> None:
        self.reader, self.scorer = FakeTextReader(), FakePanelScorer(WORDS)
        self.parts = PartReader(self.reader, self.scorer, POINTS, remembered)

    async def read(self, text: str, subject: Subject | None = None) -> Part:
        return await self.parts.read(text, POLICY, subject)


async def test_a_text_that_comes_back_after_something_else_is_not_read_again():
    """Law: only what the two say together is read, and a subject that is not judged by itself."""
    desk = Desk()
    await desk.read("What an idiot.")
    await desk.read("What an idiot.", SAID)
    await desk.read("What an idiot.", HEARD)
    await desk.read("What an idiot.", SAID)
    assert desk.reader.texts == ["What an idiot."]
    assert desk.scorer.calls == [
        ["What an idiot."],
        ["Who is it?\nWhat an idiot."],
        ["The idiot.\nWhat an idiot.", "The idiot."],
    ]


async def test_a_new_text_and_its_subject_are_read_at_once():
    """Law: what is new takes one pass of the model, with or without a subject."""
    desk = Desk()
    await desk.read("What an idiot.", HEARD)
    assert desk.scorer.calls == [["What an idiot.", "The idiot.\nWhat an idiot.", "The idiot."]]


async def test_a_sentence_that_comes_back_is_not_read_again():
    """Law: of a text that goes on, the sentences before are known; the whole is read anew."""
    desk = Desk()
    first, second = "The first one is here.", "Then comes the second one."
    await desk.read(f"{first} {second}")
    third = "And the third is darn long."
    part = await desk.read(f"{first} {second} {third}")
    assert desk.scorer.calls == [
        [f"{first} {second}", first, second],
        [f"{first} {second} {third}", third],
    ]
    assert part.chances["gavel-sentences"]["L1"] == pytest.approx(0.4)


async def test_a_text_of_many_sentences_is_no_stretch_of_a_stream():
    """Law: the sentences of longer texts are read as one group, and crowd nothing out."""
    desk = Desk()
    many = [f"Sentence number {number} is here." for number in range(FEW + 1)]
    for _ in range(2):
        await desk.read(" ".join([*many, "Again."]))
        await desk.read(" ".join(many))
    assert [len(call) for call in desk.scorer.calls] == [1 + len(many), 1 + len(many)]


async def test_one_text_is_read_once_at_a_time():
    """Law: two who want one text at the same time, alone and in context, share the reading."""
    desk = Desk()
    alone, together = await asyncio.gather(desk.read("I kill it."), desk.read("I kill it.", SAID))
    assert desk.reader.texts == ["I kill it."]
    assert replace(together, in_context=None) == alone


async def test_a_reading_that_is_cancelled_is_taken_up_by_the_next():
    """Law: whoever waited for a reading that was given up does it itself."""
    desk = Desk()
    desk.scorer.gate = asyncio.Event()
    first, second = (asyncio.create_task(desk.read("I kill it.")) for _ in range(2))
    await desk.scorer.asked.wait()
    first.cancel()
    desk.scorer.gate.set()
    assert (await second).chances is not None
    assert first.cancelled()


SENTENCES = st.sampled_from(
    ["What an idiot it is.", "I will kill the lights.", "Oh darn, it is raining.", "Good morning!"]
)
TEXTS = st.lists(SENTENCES, min_size=1, max_size=4).map(" ".join)
READINGS = st.lists(st.tuples(TEXTS, st.sampled_from([None, SAID, HEARD])), min_size=1, max_size=12)


@settings(deadline=None)
@given(READINGS, st.integers(1, 4))
def test_remembering_changes_no_answer(readings: list[tuple[str, Subject | None]], remembered: int):
    """Law: whatever was read before, a text's chances are those of a first reading."""

    async def compare() -> None:
        desk = Desk(remembered)
        for text, subject in readings:
            again, first = await desk.read(text, subject), await Desk().read(text, subject)
            assert (again.chances, again.in_context) == (first.chances, first.in_context)
            assert again.findings == first.findings

    asyncio.run(compare())
