"""Hypothesis strategies for panels: rules, ballots and ways to count them."""

from hypothesis import strategies as st

from gaveld.domain.decisions import Counting
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.reviews import Ballot, Decision, FlaggedRule, rules_in_force

RULES = rules_in_force()

confidences = st.sampled_from([0.0, 1.0, 2.5, 4.0, 5.0]) | st.floats(0, 5)
weights = st.sampled_from([0.0, 0.5, 1.0, 3.0]) | st.floats(0, 100)
flagged_rules = st.lists(
    st.builds(FlaggedRule, st.sampled_from([rule.id for rule in RULES]), confidences),
    max_size=4,
    unique_by=lambda entry: entry.rule_id,
).map(tuple)


def _ballots(decision: Decision, **changes: st.SearchStrategy) -> st.SearchStrategy[Ballot]:
    return st.builds(
        Ballot,
        reviewer=st.sampled_from(["one", "two", "three"]),
        decision=st.just(decision),
        reason=st.just("a reason"),
        model=st.just("model"),
        weight=weights,
        **changes,
    )


safe_ballots = _ballots(Decision.SAFE)
unsafe_ballots = _ballots(Decision.UNSAFE, flagged=flagged_rules)
failed_ballots = _ballots(Decision.FAILED)
ballots = safe_ballots | unsafe_ballots | failed_ballots
panels = st.lists(ballots, max_size=10)
countings = st.builds(
    Counting,
    method=st.sampled_from(DecisionMethod),
    rules=st.just(RULES),
    threshold=st.sampled_from([0.0, 0.28, 0.5, 1.0]) | st.floats(0, 1),
)
