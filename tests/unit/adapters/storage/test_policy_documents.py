"""Policies as documents: nothing is lost on the way there and back."""

import json
from dataclasses import replace

import yaml
from hypothesis import given, settings

from gaveld.adapters.storage.policies.document import fingerprint, policy_of, tree_of
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.adapters.storage.policies.yaml_file import yaml_of
from gaveld.domain.policies import CategoryRule, Policy, named_id
from gaveld.domain.rules import Rule, RuleAction
from tests.policies import policies


def read(tree: dict, like: Policy | None = None) -> Policy:
    return policy_of(PolicyDocument.model_validate(tree), like=like)


@settings(deadline=None, max_examples=60)
@given(policies())
def test_a_document_holds_all_of_a_policy(policy: Policy):
    """Law: what is stored of a policy reads as the same policy, under the same fingerprint."""
    stored = json.loads(json.dumps(tree_of(policy)))
    assert read(stored) == policy
    assert fingerprint(read(stored)) == fingerprint(policy)


@settings(deadline=None, max_examples=60)
@given(policies())
def test_a_policy_can_be_written_for_people_and_read_again(policy: Policy):
    """Law: the YAML that is shown says all of the policy."""
    assert read(yaml.safe_load(yaml_of(policy))) == policy


def test_secrets_are_neither_written_nor_fingerprinted():
    """Law: what is shown or named of a policy is the same whatever its secrets are."""
    open_one = Policy("", {}, actions=(RuleAction(named_id("Tell"), "Tell"),))
    secret = replace(open_one.actions[0], secret="whsec_" + "a" * 32)
    signed = replace(open_one, actions=(secret,))
    assert tree_of(signed) == tree_of(open_one)
    assert fingerprint(signed) == fingerprint(open_one)
    assert "whsec_" not in yaml_of(signed)


def test_actions_go_by_their_names():
    """Law: a document that gives no id has the same ids every time, and names stand for them."""
    tree = {
        "categories": {},
        "actions": [{"name": "Ban"}],
        "rules": [{"name": "Spam", "condition": "true", "actions": ["Ban"]}],
        "review_queues": [{"id": "bans", "action": "Ban"}],
    }
    policy = read(tree)
    assert policy == read(tree)
    [action] = policy.actions
    assert action.id == named_id("Ban") == policy.rules[0].action_ids[0]
    assert policy.review_queues[0].action_id == action.id
    assert "- Ban" in yaml_of(policy)


def test_what_has_an_id_already_keeps_it():
    """Law: a document without ids changes what has its names, and adds nothing beside it."""
    known = RuleAction("7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11", "Ban")
    before = Policy("", {}, rules=(Rule("r7", "Spam", "false"),), actions=(known,))
    tree = {
        "categories": {},
        "actions": [{"name": "Ban"}],
        "rules": [{"name": "Spam", "condition": "true", "actions": ["Ban"]}],
    }
    policy = read(tree, before)
    assert (policy.actions[0].id, policy.rules[0].id) == (known.id, "r7")
    assert policy.rules[0].action_ids == (known.id,)


def test_a_new_key_changes_no_old_fingerprint():
    """Law: what a document leaves out does not count, so that a release renames no revision."""
    assert tree_of(Policy("", {"H1": CategoryRule(review=0.5)})) == {
        "categories": {"H1": {"review": 0.5}}
    }
