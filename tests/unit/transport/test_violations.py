"""What a caller is told of a broken rule of the contract: a limit, or the values it allows."""

import pytest
from gavel.v1 import content_service_pb2, policy_pb2, policy_service_pb2
from google.protobuf.message import Message

from gaveld.transport.grpc.errors import RefusedError
from gaveld.transport.grpc.interceptors.validation import validate

TYPES = (
    "must be one of FIELD_TYPE_STRING, FIELD_TYPE_INT, FIELD_TYPE_FLOAT, FIELD_TYPE_BOOL, "
    "FIELD_TYPE_DATETIME, FIELD_TYPE_URL, FIELD_TYPE_IMAGE, FIELD_TYPE_VIDEO, FIELD_TYPE_AUDIO, "
    "FIELD_TYPE_LIST, FIELD_TYPE_OBJECT"
)


def said_of(message: Message) -> dict[str, str]:
    """What is told of each field of a message."""
    with pytest.raises(RefusedError) as caught:
        validate(message)
    violations = caught.value.refusal.violations
    return {violation.field: violation.description for violation in violations}


def said_of_policy(**parts) -> tuple[str, str]:
    """What is told of the one fault of a policy, and of which of its fields."""
    policy = policy_pb2.Policy(name="projects/-/policy", **parts)
    ((path, said),) = said_of(policy_service_pb2.ApplyPolicyRequest(policy=policy)).items()
    return path.removeprefix("policy."), said


@pytest.mark.parametrize(
    ("parts", "path", "said"),
    [
        (
            {"content_types": [{"name": "a", "fields": [{"name": "b"}]}]},
            "content_types[0].fields[0].type",
            TYPES,
        ),
        (
            {"on_incomplete": 9},
            "on_incomplete",
            "must be one of ACTION_ALLOW, ACTION_REVIEW, ACTION_BLOCK",
        ),
        (
            {"categories": {"H1": {"review": 2}}},
            'categories["H1"].review',
            "must be from 0 to 1",
        ),
        (
            {"categories": {"H1": {"review": float("nan")}}},
            'categories["H1"].review',
            "must be from 0 to 1",
        ),
        (
            {"categories": {"hate": {}}},
            'categories["hate"]',
            "its key must match the pattern ^[A-Z][0-9]{1,2}$",
        ),
        ({"panel": {"amount": 11}}, "panel.amount", "must be at most 10"),
        ({"mask": {"character": "**"}}, "mask.character", "must be at most 1 character"),
        ({"description": "a" * 4_097}, "description", "must be at most 4096 bytes"),
        ({"rules": [{"name": "a"}]}, "rules[0].condition", "must not be empty"),
        ({"allowed_terms": ["a"] * 10_001}, "allowed_terms", "must have at most 10,000 entries"),
        (
            {"actions": [{"name": "a", "id": "b"}]},
            "actions[0].id",
            "must be a UUID, such as 7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11",
        ),
        (
            {"hash_banks": [{"name": "a"}]},
            "hash_banks[0]",
            "category_id is required for a block bank and must be empty for an allow bank",
        ),
    ],
)
def test_a_broken_rule_says_what_would_keep_it(parts: dict, path: str, said: str):
    """Law: who reads an error knows the limit, or the values, without the contract at hand."""
    assert said_of_policy(**parts) == (path, said)


def test_what_is_missing_is_named():
    """Law: a field that must be there is told from one that holds too little."""
    assert said_of(policy_service_pb2.ApplyPolicyRequest()) == {"policy": "is required"}
    said = said_of(content_service_pb2.SubmitContentRequest(content_id="a"))
    assert said == {"fields": "must not be empty"}
