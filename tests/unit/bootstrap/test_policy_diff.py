"""What a person is told of two policies: entry by entry, in the words of the document."""

import pytest
from hypothesis import given, settings

from gaveld.adapters.storage.policies import tree_of
from gaveld.bootstrap.cli.policy_diff import Difference, differences
from gaveld.domain.policies import Policy
from tests.policies import policies


def rule(name: str, **parts) -> dict:
    return {"id": f"id of {name}", "name": name, "condition": "true", **parts}


def typed(*fields: dict) -> dict:
    return {"content_types": [{"name": "comment", "fields": list(fields)}]}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"on_incomplete": "block"}, Difference("+", "on_incomplete: block")),
        (
            {"on_incomplete": "allow"},
            {"on_incomplete": "block"},
            Difference("~", "on_incomplete: allow → block"),
        ),
        (
            {"links": {"blocked_domains": ["a.example", "b.example"]}},
            {"links": {"blocked_domains": ["b.example", "c.example"]}},
            Difference("-", "links.blocked_domains: a.example"),
        ),
        (
            {"categories": {"H1": {"review": 0.5}}},
            {"categories": {"H1": {"review": 0.6, "required": True}}},
            Difference("~", "category H1", ("~ review: 0.5 → 0.6", "+ required: true")),
        ),
        ({"categories": {"H1": {}}}, {"categories": {}}, Difference("-", "category H1")),
        (
            {"rules": []},
            {"rules": [rule("Spam", actions=["Ban"])]},
            Difference("+", "rule Spam", ("condition: 'true'", "actions: [Ban]")),
        ),
        (
            {"rules": [rule("Spam")]},
            {"rules": [rule("Spam") | {"name": "Junk", "condition": "false"}]},
            Difference("~", "rule Junk", ("~ name: Spam → Junk", "~ condition: 'true' → 'false'")),
        ),
        (
            {"rules": [rule("a"), rule("b")]},
            {"rules": [rule("b"), rule("a")]},
            Difference("~", "order of rules", ("b, a",)),
        ),
        (
            {"term_lists": [{"name": "rivals", "terms": ["acme", "globex"]}]},
            {"term_lists": [{"name": "rivals", "terms": ["globex", "initech"]}]},
            Difference("~", "term list rivals", ("- terms: acme", "+ terms: initech")),
        ),
        (
            typed({"name": "age", "type": "int", "max": 120}),
            typed({"name": "age", "type": "int", "max": 150}, {"name": "sku", "type": "string"}),
            Difference(
                "~",
                "content type comment",
                ("~ fields.age.max: 120 → 150", "+ fields.sku: {name: sku, type: string}"),
            ),
        ),
        (
            {"term_lists": [{"name": "a", "terms": ["b"]}] * 2},
            {"term_lists": []},
            Difference("~", "term_lists", ("[]",)),
        ),
    ],
)
def test_each_entry_that_differs_is_told(before: dict, after: dict, told: Difference):
    """Law: what came, went or changed is said of the entry that it is about alone."""
    assert differences(before, after)[0] == told


@settings(deadline=None, max_examples=60)
@given(policies(), policies())
def test_policies_that_differ_are_told_apart(before: Policy, after: Policy):
    """Law: equal documents differ nowhere, and others somewhere."""
    old, new = tree_of(before), tree_of(after)
    assert differences(old, old) == []
    assert bool(differences(old, new)) == (old != new)
