"""One suite for every ``ConditionCompiler`` and all ``Patterns``, the real ones and the fakes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.rules import CelConditionCompiler, Re2Patterns
from gaveld.application.ports import (
    ConditionCompiler,
    ConditionFailedError,
    ConditionInvalidError,
    PatternInvalidError,
    Patterns,
)
from gaveld.domain.rules import RuleFacts, UserHistory, UserWindow
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType
from tests.fakes.rules import FakeConditionCompiler, FakePatterns

POST = ContentType(
    "Post",
    (
        FieldDefinition("age", FieldType.INT),
        FieldDefinition("title", FieldType.STRING),
        FieldDefinition("price", FieldType.FLOAT),
    ),
)
FACTS = RuleFacts(
    scores={"toxicity": 0.9, "insult": 0.2},
    categories={"H1": 0.9, "L1": 0.0},
    findings=frozenset({"H1"}),
    image_scores={"porn": 0.7},
    language="en",
    verdict="review",
    coverage="complete",
    ocr_text="free money",
    content={"age": 17, "title": "hello", "price": 2.5},
    content_type="Post",
    user=UserHistory(
        "u1", (UserWindow(24, 5, 3), UserWindow(168, 5, 3), UserWindow(720, 9, 4)), strikes=1.5
    ),
)
COMPILERS = [FakeConditionCompiler(), CelConditionCompiler()]


@pytest.fixture(params=COMPILERS, ids=lambda compiler: type(compiler).__name__)
def compiler(request) -> ConditionCompiler:
    return request.param


@pytest.fixture(params=[FakePatterns(), Re2Patterns()], ids=lambda it: type(it).__name__)
def patterns(request) -> Patterns:
    return request.param


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("scores.toxicity > 0.8 && content.age < 18", True),
        ("scores.toxicity > 0.95 || content.age >= 18", False),
        ('"H1" in findings && user.flags_24h >= 3', True),
        ('"L1" in findings', False),
        ('categories["H1"] > 0.5 && categories["L1"] == 0.0', True),
        ('language == "en" && verdict == "review" && coverage == "complete"', True),
        ('ocr_text == "free money" && content_type == "Post"', True),
        ("image.porn > 0.5 && !(user.strikes > 2.0)", True),
        ("has(scores.threat) && scores.threat > 0.1", False),
        ("has(content.title)", True),
        ("true", True),
        ("false", False),
    ],
)
def test_a_condition_asks_of_all_that_was_learnt(
    compiler: ConditionCompiler, condition: str, *, holds: bool
):
    """Law: scores, findings, pictures, words, language, content and users answer conditions."""
    assert compiler.compile(condition, [POST]).holds(FACTS) is holds
    assert compiler.compile(condition).holds(FACTS) is holds


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        ("scores.threat > 0.1", FACTS),
        ("image.hentai > 0.5", FACTS),
        ('categories["H2"] > 0.5', FACTS),
        ("content.age < 18", replace(FACTS, content={})),
        ("content.age < 18", replace(FACTS, content=None)),
        ("user.flags_24h >= 3", replace(FACTS, user=None)),
        ('language == "en"', replace(FACTS, language=None)),
        ('ocr_text == "x"', replace(FACTS, ocr_text=None)),
        ("scores.threat > 0.1 && scores.toxicity > 0.8", FACTS),
        ("scores.threat > 0.1 || scores.toxicity > 0.95", FACTS),
    ],
)
def test_what_is_not_known_is_never_false(
    compiler: ConditionCompiler, condition: str, facts: RuleFacts
):
    """Law: asking for what nobody scored, sent or knows fails, with a reason in a sentence."""
    compiled = compiler.compile(condition, [POST])
    with pytest.raises(ConditionFailedError) as failed:
        compiled.holds(facts)
    assert str(failed.value).endswith(".")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("scores.threat > 0.1 || scores.toxicity > 0.8", True),
        ("scores.threat > 0.1 && scores.toxicity > 0.95", False),
        ("scores.toxicity > 0.8 || scores.threat > 0.1", True),
    ],
)
def test_what_is_decided_without_it_is_decided(
    compiler: ConditionCompiler, condition: str, *, holds: bool
):
    """Law: what is not known is no trouble where the rest decides."""
    assert compiler.compile(condition).holds(FACTS) is holds


def test_a_user_who_was_never_seen_did_nothing(compiler: ConditionCompiler):
    """Law: somebody who is named and new has counts of zero, which are known."""
    facts = replace(FACTS, user=UserHistory("new"))
    assert compiler.compile("user.flags_24h == 0 && user.strikes == 0.0").holds(facts)


@pytest.mark.parametrize(
    ("condition", "word", "column"),
    [
        ("scores.toxicty > 0.8", "toxicty", 7),
        ("content.agee < 18", "agee", 8),
        ("content.age < 18.5", "", 13),
        ("content.title < 5", "", 15),
        ("scores.toxicity", "bool", 1),
        ("scores.toxicity >", "read", 18),
        ("nonsense > 1", "", 1),
        ("", "", 1),
        ("true && " * 600 + "true", "", 1),
    ],
)
def test_a_mistake_is_named_when_it_is_compiled(
    compiler: ConditionCompiler, condition: str, word: str, column: int
):
    """Law: nothing compiles that can't be a bool, and the real one points at the place."""
    with pytest.raises(ConditionInvalidError) as invalid:
        compiler.compile(condition, [POST])
    assert invalid.value.line == 1
    if isinstance(compiler, CelConditionCompiler):
        assert invalid.value.column == column
        assert word in invalid.value.message


def test_every_type_must_have_the_field(compiler: ConditionCompiler):
    """Law: a rule on several types may ask for what all of them have, and no more."""
    other = ContentType("Note", (FieldDefinition("age", FieldType.INT),))
    assert compiler.compile("content.age < 18", [POST, other]).holds(FACTS)
    with pytest.raises(ConditionInvalidError):
        compiler.compile('content.title == "x"', [POST, other])


@given(
    score=st.floats(0, 1),
    age=st.integers(-(2**63), 2**63 - 1),
    title=st.text(max_size=20),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_equal_facts_give_equal_answers(score: float, age: int, title: str, time: datetime):
    """Law: an answer follows from the facts alone, whatever they are."""
    facts = replace(
        FACTS,
        scores={"toxicity": score},
        content={"age": age, "title": title, "time": time},
    )
    again = replace(facts, content={"time": time, "title": title, "age": age})
    for compiler in COMPILERS:
        condition = compiler.compile("scores.toxicity > 0.5 && content.age < 18")
        assert condition.holds(facts) is condition.holds(again) is (score > 0.5 and age < 18)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "abc!", False),
        ("a|ab", "ab", True),
        ("", "", True),
        (r"\d{3}", "12", False),
        (".*", "tèxt", True),
    ],
)
def test_a_pattern_fits_the_whole_text(patterns: Patterns, pattern: str, text: str, *, fits: bool):
    """Law: a pattern matches from the first character to the last."""
    patterns.check(pattern)
    assert patterns.fits(pattern, text) is fits


def test_a_pattern_that_is_none_is_refused(patterns: Patterns):
    """Law: a pattern is proved before it is used."""
    with pytest.raises(PatternInvalidError):
        patterns.check("(")
