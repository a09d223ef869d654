"""A document keeps every limit that the contract states, and a fault names its place."""

from typing import Any

import protovalidate
import pytest
from gavel.v1 import policy_pb2
from pydantic import ValidationError

from gaveld.adapters.storage.policies.document import policy_of
from gaveld.adapters.storage.policies.reading import PolicyError, policy_in
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.transport.grpc.converters.policies import policy_to_proto

RULE = {"name": "r", "condition": "true"}
FIELD = {"name": "f", "type": "string"}


def parts(count: int, **entry: Any) -> list[dict[str, Any]]:
    """Return so many entries, each with a name and an id of its own."""
    return [{"name": f"n{number}", **entry} for number in range(count)]


def typed(field: dict[str, Any]) -> dict[str, Any]:
    return {"content_types": [{"name": "t", "fields": [field]}]}


LIMITS = [
    ({"description": "ü" * 2048}, {"description": "ü" * 2049}, "description"),
    (
        {"term_lists": parts(64, terms=["a"])},
        {"term_lists": parts(65, terms=["a"])},
        "term_lists",
    ),
    (
        {"term_lists": [{"name": "n" * 128, "terms": ["ü" * 256]}]},
        {"term_lists": [{"name": "n", "terms": ["ü" * 257]}]},
        "term_lists.0.terms.0",
    ),
    (
        {"term_lists": parts(1, terms=["a"] * 10_000)},
        {"term_lists": parts(1, terms=["a"] * 10_001)},
        "term_lists.0.terms",
    ),
    (
        {"allowed_terms": ["ü" * 128] * 10_000},
        {"allowed_terms": ["ü" * 129]},
        "allowed_terms.0",
    ),
    (
        {"links": {"blocked_domains": ["a.example"] * 100_000}},
        {"links": {"blocked_domains": ["a.example"] * 100_001}},
        "links.blocked_domains",
    ),
    (
        {"media": {"fetch_hosts": [f"h{n}" for n in range(64)]}},
        {"media": {"fetch_hosts": [f"h{n}" for n in range(65)]}},
        "media.fetch_hosts",
    ),
    (
        {"hash_banks": parts(64, kind="allow")},
        {"hash_banks": parts(65, kind="allow")},
        "hash_banks",
    ),
    (
        {"hash_banks": parts(1, kind="allow", max_distance=128)},
        {"hash_banks": parts(1, kind="allow", max_distance=129)},
        "hash_banks.0.max_distance",
    ),
    ({"hash_banks": parts(1, category="A1")}, {"hash_banks": parts(1)}, "hash_banks.0"),
    ({"panel": {"amount": 10}}, {"panel": {"amount": 11}}, "panel.amount"),
    (
        {"panel": {"reviewers": parts(32)}},
        {"panel": {"reviewers": parts(33)}},
        "panel.reviewers",
    ),
    (
        {"panel": {"reviewers": parts(1, weight=100)}},
        {"panel": {"reviewers": parts(1, weight=101)}},
        "panel.reviewers.0.weight",
    ),
    ({"content_types": parts(256)}, {"content_types": parts(257)}, "content_types"),
    (
        {"content_types": parts(1, fields=parts(128, type="int"))},
        {"content_types": parts(1, fields=parts(129, type="int"))},
        "content_types.0.fields",
    ),
    (
        typed({**FIELD, "name": "f" * 64}),
        typed({**FIELD, "name": "f" * 65}),
        "content_types.0.fields.0.name",
    ),
    (typed(FIELD), typed({**FIELD, "name": "a.b"}), "content_types.0.fields.0.name"),
    (
        typed({**FIELD, "pattern": "a" * 512}),
        typed({**FIELD, "pattern": "a" * 513}),
        "content_types.0.fields.0.pattern",
    ),
    (
        typed({**FIELD, "min": 0}),
        typed({**FIELD, "min": float("inf")}),
        "content_types.0.fields.0.min",
    ),
    (
        typed({"name": "f", "type": "list", "item": {"type": "int"}}),
        typed({"name": "f", "type": "list", "item": {"type": "number"}}),
        "content_types.0.fields.0.item.type",
    ),
    (
        {"rules": parts(256, condition="true")},
        {"rules": parts(257, condition="true")},
        "rules",
    ),
    (
        {"rules": [{**RULE, "condition": "ü" * 2048}]},
        {"rules": [{**RULE, "condition": "ü" * 2049}]},
        "rules.0.condition",
    ),
    ({"rules": [RULE]}, {"rules": [{**RULE, "condition": ""}]}, "rules.0.condition"),
    ({"rules": [{**RULE, "id": "i" * 64}]}, {"rules": [{**RULE, "id": "i" * 65}]}, "rules.0.id"),
    (
        {"rules": [RULE | {"review_queue": "q" * 64}]},
        {"rules": [RULE | {"review_queue": "q" * 65}]},
        "rules.0.review_queue",
    ),
    ({"actions": parts(256)}, {"actions": parts(257)}, "actions"),
    (
        {"actions": [{"name": "a", "id": "7B0C0E2E-2F65-4F0E-9B0F-0D3F7E1C2A11"}]},
        {"actions": [{"name": "a", "id": "7b0c0e2e"}]},
        "actions.0.id",
    ),
    (
        {"actions": [{"name": "a", "callback_url": "HTTPS://a.example/" + "x" * 2030}]},
        {"actions": [{"name": "a", "callback_url": "https://a.example/" + "x" * 2031}]},
        "actions.0.callback_url",
    ),
    (
        {"actions": [{"name": "a", "callback_url": "http://a.example"}]},
        {"actions": [{"name": "a", "callback_url": "ftp://a.example"}]},
        "actions.0.callback_url",
    ),
    (
        {"actions": [{"name": "a", "headers": {f"h{n}": "ü" * 2048 for n in range(32)}}]},
        {"actions": [{"name": "a", "headers": {"h": "ü" * 2049}}]},
        "actions.0.headers.h",
    ),
    (
        {"actions": [{"name": "a", "headers": {"x-team!": "a"}}]},
        {"actions": [{"name": "a", "headers": {"x team": "a"}}]},
        "actions.0.headers.x team",
    ),
    (
        {"actions": [{"name": "a", "secret": "s" * 256}]},
        {"actions": [{"name": "a", "secret": "s" * 23}]},
        "actions.0.secret",
    ),
    (
        {"review_queues": [{"id": "q" * 64, "claim_seconds": 86_400}]},
        {"review_queues": [{"id": "q", "claim_seconds": 86_401}]},
        "review_queues.0.claim_seconds",
    ),
    (
        {"review_queues": [{"id": "q-1_a"}]},
        {"review_queues": [{"id": "Q"}]},
        "review_queues.0.id",
    ),
    (
        {"storage": {"content_retention_days": 3650}},
        {"storage": {"content_retention_days": 3651}},
        "storage.content_retention_days",
    ),
    ({"mask_character": "█"}, {"mask_character": "**"}, "mask_character"),
]


@pytest.mark.parametrize(("good", "bad", "path"), LIMITS, ids=[path for _, _, path in LIMITS])
def test_a_limit_is_the_contracts(good: dict[str, Any], bad: dict[str, Any], path: str):
    """Law: what is at a limit is a good document and a good message, and past it is neither."""
    policy = policy_of(PolicyDocument.model_validate({"categories": {}, **good}))
    protovalidate.validate(policy_to_proto(policy, "shop"))
    with pytest.raises(ValidationError) as caught:
        PolicyDocument.model_validate({"categories": {}, **bad})
    places = [".".join(map(str, fault["loc"])) for fault in caught.value.errors()]
    assert any(place.removesuffix(".[key]") == path for place in places)


def test_a_secret_is_never_quoted():
    """Law: what is wrong with a secret is told without it."""
    text = "{categories: {}, actions: [{name: a, secret: a-short-secret}]}"
    with pytest.raises(PolicyError, match=r"actions\[0\]\.secret: has 14 characters") as caught:
        policy_in(text, "policy.yaml")
    assert "a-short-secret" not in str(caught.value)


def test_one_projects_policy_has_no_projects():
    """Law: what a server's file may say beside a policy is no part of one that is applied."""
    with pytest.raises(PolicyError, match="projects: one project's policy"):
        policy_in("{categories: {}, projects: {kids: {}}}", "policy.yaml")


def test_the_messages_that_are_proved_are_policies():
    """Law: the contract refuses what the documents do: a limit of the message is tried, too."""
    past = policy_pb2.Policy(name="projects/-/policy", description="ü" * 2049)
    with pytest.raises(protovalidate.ValidationError):
        protovalidate.validate(past)
