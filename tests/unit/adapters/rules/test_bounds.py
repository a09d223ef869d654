"""No condition that compiles runs for long, and none that needs long compiles."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.adapters.rules.bounds import MAX_COST, cost_of
from gaveld.adapters.rules.tree import Node, Tree
from gaveld.application.ports import ConditionFailedError, ConditionInvalidError
from gaveld.domain.rules import RuleFacts
from tests.contracts.test_condition_compiler import FACTS

COMPILER = CelConditionCompiler()


def doubling(levels: int, step: str, start: str = "content.body") -> str:
    """Return loops in loops, each with a value made twice of the last one's."""
    condition = f"x{levels} == x{levels}"
    for level in range(levels, 0, -1):
        last = f"x{level - 1}" if level > 1 else "x0"
        condition = f"[{step.format(last)}].exists(x{level}, {condition})"
    return f"[{start}].exists(x0, {condition})"


def counted(count: int, of: str) -> str:
    return "[" + ",".join("1" * count) + f"].all(x, {of})"


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        pytest.param(doubling(8, "{0}+{0}"), "+ is for numbers", id="doubled text"),
        pytest.param(doubling(8, "{0}+{0}", "[1]"), "+ is for numbers", id="doubled list"),
        pytest.param(doubling(25, "[{0},{0}]", "[1]"), "too dear", id="tree of lists"),
        pytest.param("content.a + content.b == 'x'", "+ is for numbers", id="untyped sum"),
        pytest.param("b'a' + b'b' == b'ab'", "+ is for numbers", id="bytes"),
        pytest.param(
            counted(500, "content.a != content.b"), "too dear", id="many comparisons of texts"
        ),
        pytest.param(
            "content.l.all(a, content.l.all(b, content.l.all(c, a == b)))",
            "too dear",
            id="loops in loops",
        ),
        pytest.param(
            counted(60, "content.body.matches('a.{1,60}b')"), "too dear", id="many searches"
        ),
        pytest.param("content.body.matches('(.*a.{1,90})*b')", "too dear", id="large pattern"),
        pytest.param("content.body.matches('((a{1,99}){1,99}){1,99}')", "pattern", id="huge one"),
        pytest.param("content.body.matches(content.p)", "written", id="foreign pattern"),
        pytest.param("content.body.contains(content.p)", "written", id="foreign needle"),
        pytest.param(
            "'a'.replace('a', 'aaaa').replace('a', 'aaaa') == ''", "function", id="replace"
        ),
        pytest.param("['a', 'b'].join(content.body) == ''", "function", id="join"),
        pytest.param("content.body.split('').size() > 1", "function", id="split"),
        pytest.param("'%s'.format([content.body]) == ''", "function", id="format"),
        pytest.param("(" * 500 + "true" + ")" * 500, "deep", id="parentheses"),
        pytest.param("[" * 200 + "]" * 200 + " == []", "deep", id="brackets"),
        pytest.param("1" + " + 1" * 200 + " > 1", "deep", id="sums"),
        pytest.param("content" + ".a" * 200 + " == 1", "deep", id="fields"),
        pytest.param("true || " * 600 + "true", "4096", id="length"),
    ],
)
def test_a_bomb_is_no_condition(bomb: str, message: str):
    """Law: what could take long is refused before it is ever run, and says why."""
    with pytest.raises(ConditionInvalidError, match=message.replace("+", r"\+")):
        COMPILER.compile(bomb)


TOKENS = (
    "content", "scores", "user", "findings", "x", ".age", ".body", ".tags", ".toxicity", "(", ")",
    "[", "]", "{", "}", ",", ":", "?", "+", "-", "*", "/", "%", "==", "<", "&&", "||", "!", " in ",
    "1", "2.5", "'x'", "true", "null", "has(", "size(", ".exists(x,", ".all(x,", ".map(x,",
    ".filter(x,", ".contains('a')", ".matches('a+')", "timestamp('2026-01-01T00:00:00Z')", "b'a'",
    "`in`", "\n", "é", "😀", "\x00", "//", "r'\\d'", "math.abs(", "type(", "\ud800",
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_whatever_is_written_compiles_or_is_refused(source: str):
    """Law: no text breaks the compiler, and what compiles holds, does not hold, or fails."""
    with suppress(ConditionInvalidError):
        condition = COMPILER.compile(source)
        with suppress(ConditionFailedError):
            assert condition.holds(FACTS) in {True, False}


@pytest.mark.parametrize(
    "condition",
    [
        "content.comments.exists(c, c.text.lowerAscii().contains('free') && c.likes > 3)",
        "content.body.contains('free') || content.body.contains('prize')",
        "content.body.matches('(?i)\\\\b(buy|sell|trade|swap)\\\\b')",
        "content.tags.exists(tag, tag in ['a', 'b', 'c'])",
        "content.body in content.tags && content.a == content.b",
        "size(content.body) > 10000 && scores.spam > 0.5",
        "content.l.exists(a, content.m.exists(b, a == 1 && b == 2))",
        counted(2_000, "x == 1"),
    ],
)
def test_what_people_write_is_no_bomb(condition: str):
    """Law: the bounds leave room for every condition that is meant."""
    COMPILER.compile(condition)


def test_more_loops_than_the_engine_runs_are_a_failure():
    """Law: a condition that is cut off after 10,000 iterations has failed, and is not false."""
    condition = COMPILER.compile("content.l.all(a, content.l.all(b, a == 1 && b == 1))")
    with pytest.raises(ConditionFailedError, match="10,000"):
        condition.holds(_with_list(tuple([1] * 101)))
    assert condition.holds(_with_list(tuple([1] * 90)))


def test_the_cost_grows_with_every_operation():
    """Law: a condition with more in it costs more, so that there is no way around the bound."""
    comparison = Node(1, "call", "_==_", parts=(_content("a"), _content("b")))
    both, costs = comparison, []
    for _ in range(64):
        costs.append(cost_of(Tree(both)))
        both = Node(2, "call", "_&&_", parts=(both, comparison))
    assert costs == sorted(set(costs))
    assert costs[0] < MAX_COST < costs[-1]


def _content(field: str) -> Node:
    return Node(3, "select", field, parts=(Node(4, "ident", "content"),))


def _with_list(values: tuple[int, ...]) -> RuleFacts:
    return replace(FACTS, content={"l": values})
