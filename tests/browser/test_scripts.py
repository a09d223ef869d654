"""The page's scripts by themselves, in the browser that runs them."""

import ast
import itertools
import random

import pytest

LITERALS = [
    {},
    [],
    {"a": [1, 2.5, -0.0, True, False, None], "b": {"c": 'it\'s "so" \\ \n 😀 \u2028 \x00 \ud800'}},
    [{"role": "user", "text": "x"}, [[], {}]],
]


def run(visitor, module: str, call: str, *arguments: object) -> object:
    """Call a function of one of the page's scripts."""
    script = f"async (given) => (await import('./playground/{module}.js')).{call}(...given)"
    return visitor.page.evaluate(script, list(arguments))


@pytest.mark.parametrize("value", LITERALS, ids=repr)
def test_values_are_written_as_python_reads_them(visitor, value):
    """Law: what a snippet holds is, to Python, what the page sent."""
    assert ast.literal_eval(run(visitor, "snippets", "literal", value)) == value


def test_segments_part_a_text_without_gap_or_overlap(visitor):
    """Law: however spans overlap, the pieces are the text, each with just the spans over it."""
    dice = random.Random(6)
    text = "a😀" * 20
    for _ in range(50):
        spans = [sorted(dice.sample(range(len(text) + 30), 2)) for _ in range(dice.randrange(6))]
        findings = [
            {"id": place, "span": {"utf16Start": start, "utf16End": end}}
            for place, (start, end) in enumerate(spans)
        ]
        pieces = run(visitor, "marking", "segments", text, findings)
        edges = [piece["start"] for piece in pieces] + [pieces[-1]["end"]]
        assert edges[0] == 0
        assert edges[-1] == len(text.encode("utf-16-le")) // 2
        assert all(one["end"] == other["start"] for one, other in itertools.pairwise(pieces))
        for piece in pieces:
            over = {
                place
                for place, (start, end) in enumerate(spans)
                if start <= piece["start"] and piece["end"] <= end
            }
            assert {finding["id"] for finding in piece["findings"]} == over


@pytest.mark.parametrize(
    ("pasted", "turns"),
    [
        (
            "Ann: hi\nBen: no",
            [{"authorId": "Ann", "text": "hi"}, {"authorId": "Ben", "text": "no"}],
        ),
        ("User: hi\r\nmore\r\n", [{"role": "user", "text": "hi\nmore"}]),
        ("no name", [{"text": "no name"}]),
        ("http://example.com/", [{"text": "http://example.com/"}]),
        ("at 10:30 it began", [{"text": "at 10:30 it began"}]),
        ('{"messages": [{"role": "user", "content": "hi"}]}', [{"role": "user", "text": "hi"}]),
        ("", []),
    ],
)
def test_pasted_conversations_are_parted_into_turns(visitor, pasted, turns):
    """Law: a name and a colon begin a turn; addresses and times don't."""
    assert run(visitor, "inputs", "turnsOf", pasted) == turns
