"""Reading what a model that follows instructions answered, however it put it."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.reviewers.chat_model.chat import ChatAnswer
from gaveld.adapters.reviewers.chat_model.errors import UnreadableAnswerError
from gaveld.adapters.reviewers.chat_model.formats.form import Reading, merged
from gaveld.adapters.reviewers.chat_model.formats.json_review import (
    LONGEST_REASON_CHARS,
    READ_AS,
    UNSTATED_CONFIDENCE,
    JsonReview,
    read_review,
)
from gaveld.adapters.reviewers.chat_model.showing import show
from gaveld.domain.reviews import ContentKind, FlaggedRule, rules_in_force
from tests.chat_models import review
from tests.chat_reviewers import task_of

RULES = rules_in_force(("L1",))
UNSAFE = review("unsafe", "H1")
SAFE = review("safe")


def read(text: str) -> Reading:
    return read_review(ChatAnswer(text), rules=RULES)


def violations(*told: object) -> str:
    return json.dumps({"reason": "x", "decision": "unsafe", "violations": told})


@pytest.mark.parametrize(
    "text",
    [
        UNSAFE,
        f"```json\n{UNSAFE}\n```",
        f"<think>It may be {SAFE}, but no.</think>{UNSAFE}",
        f"It may be {SAFE}, but no.</think>\n{UNSAFE}",
        UNSAFE.replace("}]}", "},],}"),
        UNSAFE.replace("unsafe", "UNSAFE "),
    ],
)
def test_an_answer_is_found_in_what_stands_around_it(text: str):
    """Law: a fence, thoughts and stray commas do not hide an answer."""
    reading = read(text)
    assert reading.is_unsafe
    assert reading.flagged == (FlaggedRule("H1", 4.0),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unsafe",
        "[]",
        "null",
        f"[{UNSAFE}]",
        f"I find it unsafe, though it says {SAFE}",
        f"```\n{SAFE}\n```\nis what it says, and it is unsafe.",
        f"{SAFE}\n{UNSAFE}",
        f'{{"quoted": {SAFE}, oh no',
        f'The content says {SAFE}. I say {{"decision": "unsafe"',
        '{"decision": ["safe"]}',
        '{"verdict": "safe"}',
        '{"decision": "safe", "violations": ["H1"]}',
        '{"decision": "unsafe", "violations": "H1"}',
        '{"decision": "unsafe", "violations": ["L1"]}',
        '{"decision": "unsafe", "violations": [7]}',
        '{"decision": "unsafe", "violations": [{"confidence": 5}]}',
        "{" * 50_000,
        '{"a":' * 50_000,
    ],
)
def test_what_is_not_one_answer_is_unreadable(text: str):
    """Law: no answer, two answers, a quotation, a contradiction or a foreign rule is no vote."""
    with pytest.raises(UnreadableAnswerError):
        read(text)


@given(text=st.text())
def test_any_words_are_read_or_unreadable(text: str):
    """Law: nothing that a model may say is an error of another kind."""
    with contextlib.suppress(UnreadableAnswerError):
        read(text)


@pytest.mark.parametrize(
    ("told", "confidence"),
    [
        ({"rule": "H1", "confidence": 3.5}, 3.5),
        ({"rule": "h1: Hate Speech", "confidence": "2"}, 2.0),
        ({"rule": "Hate Speech", "confidence": 99}, 5.0),
        ({"rule": "H1", "confidence": "very"}, UNSTATED_CONFIDENCE),
        ({"rule": "H1", "confidence": None}, UNSTATED_CONFIDENCE),
        ({"rule": "H1"}, UNSTATED_CONFIDENCE),
        ({"rule": "H1", "confidence": float("nan")}, UNSTATED_CONFIDENCE),
        ({"rule": "H1", "confidence": float("inf")}, 5.0),
        ("H1", UNSTATED_CONFIDENCE),
        ("Hate Speech", UNSTATED_CONFIDENCE),
    ],
)
def test_a_rule_is_known_by_id_and_name(told: object, confidence: float):
    """Law: rules are meant however they are written, and confidences stay within 0–5."""
    assert read(violations(told)).flagged == (FlaggedRule("H1", confidence),)


def test_a_rule_is_flagged_once_at_its_highest():
    """Law: named twice is flagged once; named with no confidence at all is not flagged."""
    told = [{"rule": "H1", "confidence": sure} for sure in (1, 4, 2)]
    none = {"rule": "V1", "confidence": 0}
    assert read(violations(*told, none)).flagged == (FlaggedRule("H1", 4.0),)


def test_unsafe_without_a_rule_is_unsafe():
    """Law: a model need not say which rule."""
    reading = read('{"decision": "unsafe"}')
    assert (reading.is_unsafe, reading.flagged) == (True, ())
    assert reading.reason


def test_a_reason_is_one_line_of_bounded_length():
    """Law: a model's words are shown cleaned and cut."""
    told = {"decision": "safe", "reason": "a\n\x1b[31m b\u202e" + "c" * 2_000}
    reason = read(json.dumps(told)).reason
    assert reason.startswith("a [31m bc")
    assert len(reason) == LONGEST_REASON_CHARS
    assert reason.isprintable()


@pytest.mark.parametrize("kind", ContentKind)
def test_each_kind_is_read_in_its_own_way(kind: ContentKind):
    """Law: the instructions say what the content is, and the frame says it too."""
    task = task_of("words", kind)
    (question,) = JsonReview().questions(task, show(task, reads_images=False))
    assert READ_AS[kind] in question.prompt.system
    assert f'"kind":"{kind}"' in question.prompt.user


def test_what_varies_comes_last():
    """Law: two requests begin alike for as long as can be, so that servers cache the beginning."""
    task = task_of("words")
    first, second = (
        JsonReview().questions(task, show(task, reads_images=False))[0].prompt.system
        for _ in range(2)
    )
    assert first != second
    assert first.partition("content-")[0] == second.partition("content-")[0]
    assert len(first.partition("content-")[0]) > 0.7 * len(first)


def test_answers_together_flag_each_rule_once():
    """Law: merged, unsafe wins, rules are flagged at their highest, reasons are those that tell."""
    safe = Reading(is_unsafe=False, flagged=(), reason="Fine.")
    one = Reading(is_unsafe=True, flagged=(FlaggedRule("H1", 2.0),), reason="Hate.")
    two = Reading(
        is_unsafe=True, flagged=(FlaggedRule("H1", 3.0), FlaggedRule("V1", 1.0)), reason="Blows."
    )
    both = merged([safe, one, two])
    assert both.is_unsafe
    assert set(both.flagged) == {FlaggedRule("H1", 3.0), FlaggedRule("V1", 1.0)}
    assert both.reason == "Hate. Blows."
    assert merged([safe, safe]) == safe
