"""Thresholds that are proposed: within the budget, measured elsewhere, or not at all."""

import random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.storage.policies import DEFAULT_POLICY, YamlPolicyStore
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.bootstrap.evaluation.thresholds import (
    FOLDS,
    CategoryProposal,
    Scored,
    fewest_negatives,
    fold_of,
    lowest_within,
    policy_snippet,
    propose,
)

SCORED = st.lists(
    st.builds(Scored, st.integers(0, FOLDS - 1), st.floats(0, 1), st.booleans()), max_size=60
).filter(lambda texts: any(not text.is_harmful for text in texts))


def drawn(harmless: int, harmful: int) -> list[Scored]:
    """Texts whose scores overlap: harmless ones below 0.8, harmful ones above 0.3."""
    chance = random.Random(7)
    texts = [Scored(n % FOLDS, chance.uniform(0, 0.8), False) for n in range(harmless)]
    return texts + [Scored(n % FOLDS, chance.uniform(0.3, 1), True) for n in range(harmful)]


def alarms(texts: list[Scored], threshold: float) -> int:
    return sum(text.score >= threshold and not text.is_harmful for text in texts)


@given(SCORED, st.floats(0.001, 0.5))
def test_a_threshold_keeps_within_its_budget(texts: list[Scored], budget: float):
    """Law: what is proposed flags no more than allowed, and a lower one would flag too many."""
    harmless = sum(not text.is_harmful for text in texts)
    threshold = lowest_within(texts, budget)
    if threshold is None:
        assert alarms(texts, 0.99) > budget * harmless
        return
    assert alarms(texts, threshold) <= budget * harmless
    flagged = {text for text in texts if text.score >= threshold}
    for lower in (hundredth / 100 for hundredth in range(1, round(threshold * 100))):
        more = {text for text in texts if text.score >= lower}
        assert more == flagged or alarms(texts, lower) > budget * harmless


def test_a_threshold_is_no_lower_than_what_scores():
    """Between two scores every threshold does the same; the one next to the upper is proposed."""
    texts = [Scored(0, 0.2, False)] * 99 + [Scored(0, 0.6, True)] * 9 + [Scored(0, 0.6, False)]
    assert lowest_within(texts, 0.01) == 0.6
    assert lowest_within(texts, 0.001) == 0.61


def test_the_rule_of_three():
    """To tell that 1% is kept takes about 300 harmless texts, and ten times as many for 0.1%."""
    assert fewest_negatives(0.01) == 299
    assert fewest_negatives(0.001) == 2995


def test_too_little_data_is_said():
    """Law: no threshold from texts that can't bear it, and how many it would take."""
    proposal = propose(drawn(298, 50), 0.01)
    assert proposal.threshold is None
    assert proposal.why_not == "too little data: 298 harmless texts; 0.01 needs at least 299"
    assert propose(drawn(299, 50), 0.01).threshold is not None


def test_recall_needs_harmful_texts():
    """With a handful of harmful texts the threshold stands, and its recall is not stated."""
    assert propose(drawn(400, 19), 0.01).recall is None
    assert propose(drawn(400, 20), 0.01).recall is not None


def test_what_a_threshold_does_is_measured_on_other_texts():
    """Law: a fold that is unlike the others is judged by their threshold, and tells."""
    texts = drawn(1000, 100)
    odd = [
        Scored(text.fold, 0.95, False) if text.fold == 0 and not text.is_harmful else text
        for text in texts
    ]
    proposal = propose(odd, 0.1)
    assert alarms(odd, proposal.threshold) <= 0.1 * 1000
    assert proposal.false_positive_rate.value == pytest.approx(0.2)


def test_equal_texts_share_a_fold():
    """A fold follows from the text alone, in every process, and each fold is used."""
    assert fold_of("good morning") == 2
    assert {fold_of(f"text {number}") for number in range(100)} == set(range(FOLDS))


def test_no_threshold_helps_where_all_harmless_score_1():
    """Where every harmless text has the highest score, nothing is proposed, and that is said."""
    texts = [Scored(number % FOLDS, 1.0, False) for number in range(400)]
    assert propose(texts, 0.01).why_not == "no threshold below 1 keeps within the budget"


async def test_the_snippet_is_a_policy(tmp_path):
    """Law: what is printed can be put into the policy as it is, comments and all."""
    texts = drawn(3000, 100)
    snippet = policy_snippet(
        [
            CategoryProposal(
                "H1", "Hate Speech", 3100, 100, 2, propose(texts, 0.01), propose(texts, 0.001)
            )
        ],
        "posts.csv",
    )
    default = yaml.safe_load(DEFAULT_POLICY.read_text("utf-8"))
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(default | yaml.safe_load(snippet)), "utf-8")
    store = YamlPolicyStore(path, validate_term_lists, listed_domain)
    rule = (await store.current("any")).rule("H1")
    assert rule.review == propose(texts, 0.01).threshold
    assert rule.block == propose(texts, 0.001).threshold
    assert "3100 texts, 100 harmful, 2 more not checked" in snippet
    assert "of 0.01 allowed, recall " in snippet


@pytest.mark.parametrize(("harmless", "kept"), [(300, {"review"}), (10, set())])
def test_the_snippet_leaves_out_what_can_not_be_said(harmless: int, kept: set[str]):
    """A block threshold that the data can't bear is a comment, and the rest is still YAML."""
    texts = drawn(harmless, 40)
    entry = CategoryProposal(
        "S1", "Spam", len(texts), 40, 0, propose(texts, 0.01), propose(texts, 0.001)
    )
    snippet = policy_snippet([entry], "posts.csv")
    assert set(yaml.safe_load(snippet)["categories"].get("S1", {})) == kept
    assert "block: too little data" in snippet
