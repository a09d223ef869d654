"""The JSON Schema of policies says what the reader takes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from gaveld.adapters.storage.policies import DEFAULT_POLICY, PolicyText, policy_schema
from gaveld.adapters.storage.policies.document import tree_of
from gaveld.domain.policies import Policy
from tests.policies import policies

ROOT = Path(__file__).parents[4]
VALIDATOR = jsonschema.Draft202012Validator(policy_schema())


def test_the_published_schema_is_current():
    """Law: docs/policy.schema.json is what `gavel policy schema` prints."""
    published = (ROOT / "docs" / "policy.schema.json").read_text("utf-8")
    assert published == json.dumps(policy_schema(), indent=2) + "\n"


@pytest.mark.parametrize("path", [DEFAULT_POLICY, ROOT / "examples" / "policy.yaml"], ids=str)
def test_the_policies_that_we_show_fit_it(path: Path):
    """Law: an editor finds no fault in a policy that a server takes."""
    VALIDATOR.validate(yaml.safe_load(path.read_text("utf-8")))


@settings(deadline=None, max_examples=40)
@given(policies())
def test_every_document_fits_it(policy: Policy):
    """Law: what is written of any policy fits the schema."""
    VALIDATOR.validate(tree_of(policy))


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "{categories: {Z9: {review: 0.5}}}",
        "{categories: {H1: {reveiw: 0.5}}}",
        "{categories: {H1: {review: 1.5}}}",
        "{categories: {}, rules: [{name: a}]}",
        "{categories: {}, content_types: [{name: a, fields: [{name: b, type: text}]}]}",
        "{categories: {H1: {review: '0.5'}}}",
        "{categories: {H1: {review: true}}}",
        "{categories: {H1: {required: 1}}}",
        "{categories: {}, panel: {amount: 2.5}}",
        "{categories: {}, rules: true}",
        "{categories: {}, storage: {content_retention_days: '30'}}",
        "{categories: {}, content_types: [{name: a, fields: [{name: b, type: int, min: '1'}]}]}",
    ],
)
def test_a_fault_is_found_in_the_editor(document: str):
    """Law: what the schema refuses, the reader refuses for its shape."""
    assert not VALIDATOR.is_valid(yaml.safe_load(document))
    assert PolicyText(document, "p").faults()


def test_projects_are_held_to_it():
    """Law: what single projects change has the policy's own shape."""
    document = "{categories: {}, projects: {kids: {name: x}}}"
    assert not VALIDATOR.is_valid(yaml.safe_load(document))
