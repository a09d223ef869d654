"""Guard models' own answers, and what they mean under the rules in force."""

import pytest

from gaveld.adapters.reviewers.chat_model import (
    AnswerForm,
    GptOssSafeguard,
    LlamaGuard,
    Qwen3Guard,
    ShieldGemma,
)
from gaveld.adapters.reviewers.chat_model.chat import ChatAnswer
from gaveld.adapters.reviewers.chat_model.errors import UnreadableAnswerError
from gaveld.adapters.reviewers.chat_model.formats import llama_guard, qwen3_guard, shield_gemma
from gaveld.adapters.reviewers.chat_model.formats.form import Reading
from gaveld.adapters.reviewers.chat_model.showing import show
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.reviews import ReviewTask
from tests.chat_reviewers import task_of


def read(
    form: AnswerForm,
    text: str,
    *,
    without: tuple[str, ...] = (),
    tokens: tuple[tuple[str, float], ...] = (),
    number: int = 0,
) -> Reading:
    """Read an answer to one of the form's questions."""
    task = task_of("words", without=without)
    question = form.questions(task, show(task, reads_images=False))[number]
    return question.read(ChatAnswer(text, tokens))


def flags(reading: Reading) -> dict[str, float]:
    assert reading.reason
    return {entry.rule_id: entry.confidence for entry in reading.flagged}


SAFE = [
    (LlamaGuard(), "safe"),
    (LlamaGuard(), "\n\nSafe\n"),
    (Qwen3Guard(), "Safety: Safe\nCategories: None"),
    (Qwen3Guard(), "<think>\n\n</think>\nSafety: Safe\nCategories: None\nRefusal: Yes"),
    (ShieldGemma(), "No"),
    (ShieldGemma(), "**No**, because"),
    (GptOssSafeguard(), '{"violation": 0, "rule_ids": [], "rationale": "Fine."}'),
    (GptOssSafeguard(), '{"violation": 0, "policy_category": null}'),
]
UNSAFE = [
    (LlamaGuard(), "unsafe\nS10", {"H1": 4.0}),
    (LlamaGuard(), "\n\nunsafe\ns1,S12", {"V1": 4.0, "A1": 4.0}),
    (LlamaGuard(), "unsafe", {}),
    (LlamaGuard(), "unsafe\nS99", {}),
    (LlamaGuard(), "unsafe\nS5,S99", {}),
    (Qwen3Guard(), "Safety: Unsafe\nCategories: Violent", {"V1": 4.0}),
    (Qwen3Guard(), "Safety: Unsafe\nCategories: PII, Jailbreak", {"P1": 4.0, "S4": 4.0}),
    (Qwen3Guard(), "Safety: Controversial\nCategories: Unethical Acts", {"H2": 2.0}),
    (Qwen3Guard(), "Safety: Unsafe", {}),
    (ShieldGemma(), "Yes", {"D2": 4.0}),
    (
        GptOssSafeguard(),
        '{"violation": 1, "rule_ids": ["H1", "V1"], "confidence": "high"}',
        {"H1": 5.0, "V1": 5.0},
    ),
    (GptOssSafeguard(), '{"violation": "1", "policy_category": "H3"}', {"H3": 3.0}),
    (GptOssSafeguard(), '{"violation": 1, "rule_ids": [], "confidence": 2}', {}),
]


@pytest.mark.parametrize(("form", "text"), SAFE)
def test_safe_is_safe(form: AnswerForm, text: str):
    """Law: each form's word for safe is one, and flags nothing."""
    reading = read(form, text)
    assert not reading.is_unsafe
    assert flags(reading) == {}


@pytest.mark.parametrize(("form", "text", "expected"), UNSAFE)
def test_unsafe_flags_the_rules_that_are_meant(form: AnswerForm, text: str, expected: dict):
    """Law: labels become rules; unsafe without a known one is unsafe without a rule."""
    reading = read(form, text)
    assert reading.is_unsafe
    assert flags(reading) == expected


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (LlamaGuard(), "I can't help with that."),
        (LlamaGuard(), "The content is safe"),
        (LlamaGuard(), "safely"),
        (Qwen3Guard(), "safe"),
        (Qwen3Guard(), "Safety: Unknown"),
        (ShieldGemma(), "Yesterday"),
        (ShieldGemma(), "It depends"),
        (GptOssSafeguard(), "1"),
        (GptOssSafeguard(), '{"violation": 2}'),
        (GptOssSafeguard(), '{"violation": 0, "rule_ids": ["H1"]}'),
        (GptOssSafeguard(), '{"violation": 1, "rule_ids": ["L2"]}'),
    ],
)
def test_any_other_answer_is_unreadable(form: AnswerForm, text: str):
    """Law: what is not the form's is no vote, however reassuring it sounds."""
    with pytest.raises(UnreadableAnswerError):
        read(form, text)


def test_a_label_flags_the_next_rule_when_its_nearest_is_not_in_force():
    """Law: of the rules that a label may mean, the first in force is flagged."""
    assert flags(read(LlamaGuard(), "unsafe\nS2", without=("C4",))) == {"C3": 4.0}
    assert flags(read(ShieldGemma(), "Yes", without=("D2", "C2"))) == {"D1": 4.0}


def test_labels_that_no_rule_in_force_forbids_are_safe():
    """Law: what is excluded, or no rule of ours, is no reason against content."""
    for text, without in (("unsafe\nS13", ()), ("unsafe\nS10", ("H1",))):
        reading = read(LlamaGuard(), text, without=without)
        assert not reading.is_unsafe
        assert "no rule in force" in reading.reason


@pytest.mark.parametrize(
    ("form", "text", "tokens", "expected"),
    [
        (LlamaGuard(), "unsafe\nS10", (("\n\n", 1.0), ("unsafe", 0.5)), 2.5),
        (LlamaGuard(), "unsafe\nS10", (("un", 0.9), ("safe", 1.0)), 4.5),
        (Qwen3Guard(), "Safety: Unsafe\nCategories: Violent", ((" Unsafe", 0.7),), 3.5),
        (Qwen3Guard(), "Safety: Controversial\nCategories: Violent", ((" Cont", 0.9),), 2.0),
        (ShieldGemma(), "Yes", (("Yes", 0.6),), 3.0),
    ],
)
def test_a_confidence_is_the_models_own_where_it_tells(
    form: AnswerForm, text: str, tokens: tuple, expected: float
):
    """Law: five times the probability of the word that it said."""
    assert list(flags(read(form, text, tokens=tokens)).values()) == [pytest.approx(expected)]


def test_shield_gemma_is_asked_about_the_harms_in_force_alone():
    """Law: each harm is a question of its own, unless all its rules are excluded."""
    every = task_of("words")
    assert len(ShieldGemma().questions(every, show(every, reads_images=False))) == 4
    some = task_of("words", without=("H1", "A1", "A3"))
    questions = ShieldGemma().questions(some, show(some, reads_images=False))
    assert [question.prompt.system.split('"')[1] for question in questions] == [
        "No Dangerous Content",
        "No Harassment",
    ]


def test_a_policy_has_the_rules_or_the_custom_prompt():
    """Law: gpt-oss-safeguard is given what is in force, in the operator's words if there are."""
    form = GptOssSafeguard({"H1": "Unkind words on groups."})

    def asked(task: ReviewTask) -> str:
        return form.questions(task, show(task, reads_images=False))[0].prompt.system

    system = asked(task_of("words", without=("V1",)))
    assert "### H1 Hate Speech\nUnkind words on groups.\n" in system
    assert "### V1" not in system
    custom = asked(task_of("words", custom_prompt="No fruit."))
    assert "### CUSTOM Custom Prompt\nNo fruit.\n" in custom


@pytest.mark.parametrize("guard", [llama_guard, qwen3_guard, shield_gemma])
def test_labels_stand_for_rules_of_the_catalogue(guard):
    """Law: every rule that a label may mean is one."""
    for label in guard.LABELS.values():
        assert set(label.rules) <= set(CATALOGUE)
