"""Hypothesis strategies for the domain's values."""

from hypothesis import strategies as st

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.content import Span
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)

category_ids = st.sampled_from(sorted(CATALOGUE))
scores = st.floats(0, 1)
thresholds = st.none() | scores
rules = st.builds(CategoryRule, thresholds, thresholds, st.booleans())
spans = st.none() | st.builds(
    lambda start, length: Span(start, start + length), st.integers(0, 50), st.integers(1, 50)
)
findings = st.builds(
    Finding,
    category_id=category_ids,
    score=scores,
    reason=st.sampled_from(["a word", "a number"]),
    classifier=st.sampled_from(["one", "two"]),
    version=st.just("1"),
    span=spans,
)
cards = st.builds(
    ClassifierCard,
    name=st.sampled_from(["one", "two", "three", "four"]),
    version=st.just("1"),
    categories=st.frozensets(category_ids, max_size=6),
)
outcomes = st.builds(
    ClassifierOutcome,
    card=cards,
    status=st.sampled_from(OutcomeStatus),
    is_check=st.booleans(),
)
policies = st.builds(
    Policy,
    revision=st.just("test@1"),
    categories=st.dictionaries(category_ids, rules, max_size=8),
    on_incomplete=st.sampled_from(Action),
)
signals = st.builds(
    Signals,
    findings=st.lists(findings, max_size=8).map(tuple),
    outcomes=st.lists(outcomes, max_size=6).map(tuple),
)
