"""Policies on the wire: nothing is lost but secrets, and the contract's rules are kept."""

import json

import protovalidate
import pytest
from gavel.v1 import policy_pb2
from hypothesis import given, settings

from gaveld.application.check_policy import MAX_ALL_PARAMETERS_BYTES, MOST_FIELDS
from gaveld.domain.errors import ErrorReason, InvalidRequest
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import RuleAction
from gaveld.transport.grpc.converters.policies import policy_from_proto, policy_to_proto
from gaveld.transport.grpc.converters.policy_changes import changes_to_proto
from gaveld.transport.grpc.converters.policy_rules import check_size
from tests.policies import policies


@settings(deadline=None, max_examples=60)
@given(policies())
def test_a_message_holds_all_of_a_policy(policy: Policy):
    """Law: what is sent of a policy reads as the same policy."""
    body = policy_to_proto(policy, "shop").SerializeToString()
    assert policy_from_proto(policy_pb2.Policy.FromString(body)) == (policy, ())


@settings(deadline=None, max_examples=60)
@given(policies())
def test_what_is_sent_keeps_the_contracts_rules(policy: Policy):
    """Law: every policy that a document may say can be sent back as it was read."""
    protovalidate.validate(policy_to_proto(policy, "shop"))


def test_an_empty_message_means_the_defaults():
    """Law: what a client leaves out is as the contract says, which is as the domain has it."""
    assert policy_from_proto(policy_pb2.Policy()) == (Policy("", {}), ())


def test_a_secret_is_read_and_never_sent():
    """Law: signing secrets come in and don't go out."""
    policy = Policy("", {}, actions=(RuleAction("", "Tell", secret="whsec_" + "a" * 32),))
    message = policy_to_proto(policy, "shop")
    assert message.actions[0].secret == ""
    message.actions[0].secret = policy.actions[0].secret
    assert policy_from_proto(message) == (policy, ())


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"categories": {"Z9": {"review": 0.5}}}, 'categories["Z9"]'),
        ({"mask": {"category_ids": ["H1", "Z9"]}}, "mask.category_ids[1]"),
        ({"term_lists": [{"name": "a", "category_id": "Z9"}]}, "term_lists[0].category_id"),
        ({"hash_banks": [{"name": "a", "category_id": "Z9"}]}, "hash_banks[0].category_id"),
        (
            {"actions": [{"name": "a", "parameters": {"n": float("nan")}}]},
            "actions[0].parameters",
        ),
        ({"panel": {"reviewers": [{"name": "a"}, {"name": "a"}]}}, "panel.reviewers"),
    ],
)
def test_what_no_policy_can_hold_is_named(message: dict, path: str):
    """Law: an unknown category or an impossible panel is told with its place."""
    _, violations = policy_from_proto(policy_pb2.Policy(**message))
    assert [violation.field for violation in violations] == [path]


@settings(deadline=None, max_examples=60)
@given(policies(), policies())
def test_changes_are_told_where_there_are_any(before: Policy, after: Policy):
    """Law: equal policies differ nowhere, and others somewhere."""
    assert changes_to_proto(before, before) == []
    assert bool(changes_to_proto(before, after)) == (before != after)


def test_what_has_no_order_is_told_in_the_order_of_its_names():
    """Law: the same change reads the same each time: protobuf shuffles maps."""
    names = [f"{letter}1" for letter in "VSPHLDCA"]
    rules = {name: CategoryRule(review=0.5) for name in names}
    told = changes_to_proto(Policy("", {"V1": CategoryRule(review=0.1)}), Policy("", rules))
    assert [change.path for change in told] == [
        *(f"categories.{name}" for name in sorted(names)[:-1]),
        "categories.V1.review",
    ]
    parameters = {"b": {"z": 1, "y": 2}, "a": 3}
    action = RuleAction("", "Tell", parameters=parameters, headers={"x-b": "1", "x-a": "2"})
    (added,) = changes_to_proto(Policy("", {}), Policy("", {}, actions=(action,)))
    said = dict(json.loads(added.after, object_pairs_hook=list))
    assert [name for name, _ in said["headers"]] == ["x-a", "x-b"]
    assert [name for name, _ in said["parameters"]] == ["a", "b"]


def objects(count: int) -> policy_pb2.Policy:
    """A content type of so many fields, in objects of 64 with the object counted."""
    inner = [{"name": f"f{index}", "type": "FIELD_TYPE_INT"} for index in range(63)]
    fields = [
        {"name": f"o{index}", "type": "FIELD_TYPE_OBJECT", "fields": inner}
        for index in range(count // 64)
    ]
    return policy_pb2.Policy(content_types=[{"name": "t", "fields": fields}])


def sending(bytes_of_json: int) -> policy_pb2.Policy:
    """An action with parameters that are dear in protobuf: a list of ones."""
    ones = [1] * (bytes_of_json // len("1, "))
    return policy_pb2.Policy(actions=[{"name": "a", "parameters": {"a": ones}}])


def test_a_policy_too_large_to_be_validated_is_refused_first():
    """Law: what a policy may hold at most is let through, and what is far more is not looked at."""
    check_size(objects(MOST_FIELDS))
    check_size(sending(MAX_ALL_PARAMETERS_BYTES))
    for policy, path in (
        (objects(MOST_FIELDS + 64), "policy.content_types"),
        (sending(3 * MAX_ALL_PARAMETERS_BYTES), "policy.actions"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            check_size(policy)
        assert caught.value.reason is ErrorReason.POLICY_INVALID
        assert [violation.field for violation in caught.value.violations] == [path]
