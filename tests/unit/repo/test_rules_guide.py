"""What docs/rules.md says of conditions is so: its variables, its examples, its errors."""

import re
from pathlib import Path

import pytest
import yaml

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.adapters.rules.bounds import MAX_COST
from gaveld.adapters.rules.compiler import MAX_CONDITION_BYTES
from gaveld.adapters.rules.patterns import MAX_INSTRUCTIONS
from gaveld.adapters.rules.variables import COUNTS, OBJECTS, TYPES
from gaveld.adapters.storage.policies.document import policy_of
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.application.ports import ConditionInvalidError
from gaveld.domain.policies import Policy

GUIDE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
COMPILER = CelConditionCompiler()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, language
    return found[1]


def shown_policy() -> Policy:
    shown = yaml.safe_load(block("yaml"))
    return policy_of(PolicyDocument.model_validate({"name": "guide", "categories": {}, **shown}))


def variables() -> dict[str, tuple[str, str]]:
    table = GUIDE.partition("| variable | type |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return {row[0].strip(" `"): (row[1].strip(), row[2]) for row in rows}


def test_the_variables_table_is_the_environment():
    """Law: every variable is in the table, in its order, with its type and all of its fields."""
    table = variables()
    assert list(table) == list(TYPES)
    for name, kind in TYPES.items():
        shown, text = table[name]
        if kind[0].isupper():
            assert shown == "object"
            fields = [field.name for field in OBJECTS.get(kind, ())] + list(COUNTS.get(kind, ()))
            assert set(re.findall(r"`([a-z_0-9]+)`", text)) == set(fields)
        else:
            expected = {"map<string, double>": "map of numbers", "list<string>": "list of strings"}
            assert shown == expected.get(kind, kind)


def test_every_variable_can_be_asked_for():
    """Law: what the table promises compiles."""
    for name, kind in TYPES.items():
        for field in OBJECTS.get(kind, ()):
            COMPILER.compile(f"has({name}.{field.name})")
        for field in COUNTS.get(kind, ()):
            COMPILER.compile(f'{name}.{field}["H1"] > 1')
        if kind == "string":
            COMPILER.compile(f'{name} == "x"')


@pytest.mark.parametrize("condition", block("cel").splitlines())
def test_every_example_compiles(condition: str):
    """Law: the guide's conditions are conditions, on content of the type that it shows."""
    COMPILER.compile(condition, shown_policy().content_types)


def test_the_policy_that_is_shown_holds_together():
    """Law: its rules name actions and types that it has, and their conditions compile."""
    policy = shown_policy()
    known = {action.id for action in policy.actions}
    assert policy.rules
    for rule in policy.rules:
        assert set(rule.action_ids) <= known
        types = [entry for entry in policy.content_types if entry.name in rule.content_types]
        assert len(types) == len(rule.content_types)
        COMPILER.compile(rule.condition, types)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("scores.toxicity > 0.8 && content.agee < 18", "1:33: no such field: agee"),
        ("content.age < 18.5", "1:13: < does not take (int, double)"),
    ],
)
def test_errors_read_as_the_guide_shows_them(condition: str, said: str):
    """Law: the errors in the guide are word for word what an author sees."""
    with pytest.raises(ConditionInvalidError) as invalid:
        COMPILER.compile(condition, shown_policy().content_types)
    assert str(invalid.value) == said
    assert said in GUIDE


@pytest.mark.parametrize(
    "refused",
    [
        'content.body + "x" == "ax"',
        "content.body.contains(content.shop.country)",
        "content.body.matches(content.shop.country)",
        "content.body.indexOf(content.shop.country) > 1",
        'content.body.replace("a", "b") == ""',
        'content.body.split(" ").size() > 3',
        '["a"].join() == ""',
        '"%s".format(["a"]) == ""',
    ],
)
def test_what_is_said_not_to_exist_does_not(refused: str):
    """Law: the guide's list of what is refused is the compiler's."""
    with pytest.raises(ConditionInvalidError):
        COMPILER.compile(refused, shown_policy().content_types)


@pytest.mark.parametrize(
    "allowed",
    [
        "content.body.lowerAscii() == content.body.upperAscii()",
        'content.body.trim().charAt(0) == "x"',
        'content.body.substring(0, 3) == "abc" && content.body.indexOf("x") > 3',
        "math.abs(content.age) > 3 && math.greatest(content.age, 3) > 2",
        "content.photos.all(photo, has(photo.sha256))",
        "content.photos.filter(photo, has(photo.uri)).size() > 1",
        'content.photos.map(photo, photo.uri).exists_one(uri, uri == "x")',
    ],
)
def test_what_is_said_to_exist_does(allowed: str):
    """Law: the macros and functions that the guide names are there."""
    COMPILER.compile(allowed, shown_policy().content_types)


def test_the_bounds_are_those_of_the_code():
    """Law: the figures in the guide are the constants."""
    assert f"{MAX_CONDITION_BYTES:,} bytes, and about 30 levels" in GUIDE
    COMPILER.compile("(" * 28 + "true" + ")" * 28)
    with pytest.raises(ConditionInvalidError):
        COMPILER.compile("(" * 40 + "true" + ")" * 40)
    assert f"about {MAX_COST / 1e6:.1f} s on one core" in GUIDE
    assert f"up to {MAX_INSTRUCTIONS:,} instructions" in GUIDE
