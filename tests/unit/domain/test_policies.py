"""What a rule asks for, and what one call may change of a policy."""

import pytest

from gaveld.domain.actions import Action
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy, PolicyOverrides

POLICY = Policy(
    "default@1", {"H2": CategoryRule(0.5, 0.9, required=True)}, masked=frozenset({"L1"})
)


def test_no_overrides_change_nothing():
    """Law: a call that overrides nothing is judged by the very revision that is stored."""
    assert POLICY.with_overrides(PolicyOverrides()) is POLICY


def test_an_override_changes_what_it_names_only():
    """Law: an unset part of an override keeps what the policy says, and the revision tells."""
    changed = POLICY.with_overrides(PolicyOverrides({"H2": CategoryChange(block=0.7)}))
    assert changed.rule("H2") == CategoryRule(0.5, 0.7, required=True)
    assert changed.masked == POLICY.masked
    assert changed.on_incomplete is POLICY.on_incomplete
    assert changed.revision == "default@1+overrides"


def test_a_disabled_category_neither_acts_nor_is_required():
    """Law: enabled false silences a category in that call."""
    changed = POLICY.with_overrides(PolicyOverrides({"H2": CategoryChange(enabled=False)}))
    assert changed.rule("H2").action(1.0) is Action.ALLOW
    assert not changed.rule("H2").required


def test_every_part_can_be_overridden():
    """Law: on_incomplete and the mask are the call's when it says so."""
    overrides = PolicyOverrides(on_incomplete=Action.BLOCK, masked=frozenset(), mask_character="#")
    changed = POLICY.with_overrides(overrides)
    assert (changed.on_incomplete, changed.masked) == (Action.BLOCK, frozenset())
    assert changed.mask_character == "#"


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_the_range_is_refused(score: float):
    """Law: thresholds are probabilities."""
    with pytest.raises(ValueError, match="review"):
        CategoryRule(review=score)


def test_a_policy_names_known_categories_only():
    """Law: a misspelt category can't be silently without effect."""
    with pytest.raises(ValueError, match="Z9"):
        Policy("x", {"Z9": CategoryRule()})


def test_a_policy_cannot_be_changed_through_its_mapping():
    """Law: a policy is what its revision names, for ever."""
    with pytest.raises(TypeError):
        POLICY.categories["H2"] = CategoryRule()  # type: ignore[index]
