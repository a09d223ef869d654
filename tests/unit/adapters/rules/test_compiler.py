"""What only the real compiler does: typed content, reasons without content, and places."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.application.ports import ConditionFailedError, ConditionInvalidError
from gaveld.domain.media import MediaReference
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType, MediaValue, Url
from tests.contracts.test_condition_compiler import FACTS

COMPILER = CelConditionCompiler()
SHA256_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def a(kind: FieldType, name: str = "", **more) -> FieldDefinition:
    return FieldDefinition(name, kind, **more)


POST = ContentType(
    "Post",
    (
        a(FieldType.INT, "age"),
        a(FieldType.FLOAT, "price"),
        a(FieldType.BOOL, "pinned"),
        a(FieldType.STRING, "body"),
        a(FieldType.DATETIME, "posted"),
        a(FieldType.URL, "link"),
        a(FieldType.IMAGE, "photo"),
        a(FieldType.LIST, "tags", item=a(FieldType.STRING)),
        a(FieldType.LIST, "grid", item=a(FieldType.LIST, item=a(FieldType.INT))),
        a(
            FieldType.LIST,
            "comments",
            item=a(
                FieldType.OBJECT,
                fields=(a(FieldType.STRING, "text"), a(FieldType.INT, "likes")),
            ),
        ),
        a(FieldType.OBJECT, "author", fields=(a(FieldType.STRING, "name"),)),
        a(FieldType.STRING, "my-field"),
        a(FieldType.STRING, "fooBar"),
        a(FieldType.STRING, "foo_bar"),
    ),
)
CONTENT = {
    "age": 17,
    "price": 2.5,
    "pinned": True,
    "body": "Hello there",
    "posted": datetime(2026, 11, 22, tzinfo=UTC),
    "link": Url("https://a.example/x"),
    "photo": MediaValue(FieldType.IMAGE, MediaReference(data=b"x")),
    "tags": ("a", "b"),
    "grid": ((1, 2), (3,)),
    "comments": ({"text": "first", "likes": 3}, {"text": "second"}),
    "author": {"name": "Ann"},
    "my-field": "x",
    "fooBar": "1",
    "foo_bar": "2",
}
FACTS_OF_POST = replace(FACTS, content=CONTENT)


@pytest.mark.parametrize(
    "condition",
    [
        "content.age + 1 == 18",
        "content.price * 2.0 == 5.0 && content.pinned",
        'content.body.lowerAscii().startsWith("hello") && content.body.matches("^H.+e$")',
        'content.posted > timestamp("2026-01-01T00:00:00Z")',
        "content.posted.getFullYear() == 2026",
        'content.link.startsWith("https://a.example/")',
        f'content.photo.sha256 == "{SHA256_OF_X}" && !has(content.photo.uri)',
        'content.tags.exists(tag, tag == "b") && "a" in content.tags && size(content.tags) == 2',
        "content.grid[0][1] == 2",
        "content.comments.filter(c, has(c.likes) && c.likes > 2).size() == 1",
        'content.comments.all(c, c.text != "")',
        'content.comments.map(c, c.text).exists_one(t, t == "second")',
        'content.author.name == "Ann"',
        'content.my_field == "x" && content.fooBar == "1" && content.foo_bar == "2"',
        "math.greatest(content.age, 3) == 17 && math.round(content.price) == 3.0",
        'user.categories_24h["H1"] == 0 && user.contents_30d == 9',
        "known.user && known.content && known.language && known.ocr_text",
        "categories.H1 > 0.5",
    ],
)
def test_typed_content_is_asked_by_its_types(condition: str):
    """Law: every type of field has its operators, and untyped content has the same values."""
    assert COMPILER.compile(condition, [POST]).holds(FACTS_OF_POST)
    assert COMPILER.compile(condition).holds(FACTS_OF_POST)


@pytest.mark.parametrize(
    ("condition", "column", "message"),
    [
        ("content.comments[0].txt == 'x'", 20, "no such field: txt"),
        ("content.age < 18.5", 13, "< does not take (int, double)"),
        ("content.pinned > 1", 16, "> does not take (bool, int)"),
        ("content.posted > '2026'", 16, "> does not take (timestamp, string)"),
        ("content.author == 'Ann'", 16, "== does not take (object, string)"),
        ("content.author.age > 3", 15, "no such field: age"),
        ("has(content.nothing)", 4, "no such field: nothing"),
        ("scores.toxicity > 0.5 &&\n  content.agee > 3", 10, "no such field: agee"),
        ("user.flags_48h > 3", 5, "no such field: flags_48h"),
        ("toxicity > 0.5", 1, "no such name: toxicity"),
        ("content.body.replace('a', 'b') == ''", 21, "replace() is no function of conditions"),
        ('"H0" in findings', 6, "'H0' is no category"),
        ('categories["Z1"] > 0.5', 11, "'Z1' is no category"),
        ("has(categories.Z1)", 4, "'Z1' is no category"),
        ("user.categories_7d.Z1 > 1", 19, "'Z1' is no category"),
        ("content.body.matches(content.body)", 29, "takes a pattern written in the condition"),
        ("content.body.matches('(')", 22, "the pattern missing ): ("),
        ("content.body.contains(content.link)", 30, "looks for a text written in the condition"),
        ("facts.File{uri: 'x'}.uri == 'x'", 1, "can't be made here"),
    ],
)
def test_a_mistake_is_named_with_its_place(condition: str, column: int, message: str):
    """Law: an error says in a few words what is wrong, at the line and column where it is."""
    with pytest.raises(ConditionInvalidError) as invalid:
        COMPILER.compile(condition, [POST])
    assert message in invalid.value.message
    assert invalid.value.column == column
    assert invalid.value.line == (2 if "\n" in condition else 1)


@given(
    st.lists(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True), unique=True, max_size=6
    ),
    st.sampled_from([kind for kind in FieldType if kind is not FieldType.LIST]),
)
def test_every_name_that_a_field_may_have_can_be_asked_for(names: list[str], kind: FieldType):
    """Law: no set of fields that the contract allows leaves the checker without them."""
    post = ContentType("Post", tuple(a(kind, name) for name in names))
    for name in names:
        assert not COMPILER.compile(f"has(content.`{name}`)", [post]).holds(FACTS)
        with pytest.raises(ConditionInvalidError, match="no such field"):
            COMPILER.compile(f"has(content.`{name}_x_y_z`)", [post])


def test_names_that_are_one_in_conditions_are_refused():
    """Law: a hyphen is an underscore in conditions, so a type can't have both."""
    both = ContentType("Post", (a(FieldType.INT, "a-b"), a(FieldType.INT, "a_b")))
    with pytest.raises(ConditionInvalidError, match="a_b"):
        COMPILER.compile("content.a_b > 1", [both])


@pytest.mark.parametrize(
    "condition",
    [
        "int(content.secret) > 1",
        "timestamp(content.secret) > timestamp('2026-01-01T00:00:00Z')",
        "duration(content.secret) > duration('1h')",
        "double(content.secret) > 1.0",
        "content[content.secret] == 1",
        "categories[content.secret] > 0.5",
        "content.secret > 5",
        "content.secret.name == 'x'",
        "[1][content.number] == 1",
        "content.secret ? true : false",
        "content.secret.getFullYear() == 1",
        "content.posted.getHours(content.secret) == 1",
        "content.secret",
        "content.number / 0 > 1",
        "content.number * 9223372036854775807 > 1",
        "content.secret.charAt(1000000) == 'x'",
    ],
)
def test_a_failure_quotes_no_content(condition: str):
    """Law: why a rule failed is told in our own words; what the content says is in none of them."""
    secret = "canary-4711"
    facts = replace(
        FACTS,
        content={"secret": secret, "number": 4711, "posted": datetime(2026, 1, 1, tzinfo=UTC)},
    )
    with pytest.raises(ConditionFailedError) as failed:
        COMPILER.compile(condition).holds(facts)
    told = repr(failed.value) + repr(failed.value.__cause__) + str(failed.value)
    assert "canary" not in told
    assert "4711" not in told


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_breaks_a_condition(body: str, title: str):
    """Law: whatever content says, a condition holds, does not hold, or fails with a reason."""
    facts = replace(FACTS, content={"body": body, "title": title})
    for condition in (
        'content.body == content.title || content.body.contains("a")',
        'content.body.lowerAscii().matches("(?i)^[a-z]+$") || size(content.title) > 10',
        "content.body < content.title",
        "int(content.body) > 3",
        "content[content.body] == content.title",
    ):
        with suppress(ConditionFailedError):
            assert COMPILER.compile(condition).holds(facts) in {True, False}


def test_only_the_fields_that_are_asked_for_are_looked_at():
    """Law: what a condition costs does not grow with fields that it does not name."""

    class Untouchable(dict):
        def items(self):
            raise AssertionError("looked at")

    facts = replace(FACTS, content={"age": 3, "rest": Untouchable()})
    assert COMPILER.compile("content.age == 3 && has(content.age)").holds(facts)
