"""Judging stored decisions again: what changes, why, and what can't be told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.actions import Action
from gaveld.domain.backtests import (
    BacktestTally,
    ChangeCause,
    Retrial,
    facts_under,
    judged_again,
    retried,
)
from gaveld.domain.decision_records import Decision, JudgedPart
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import Rule, RuleOutcome, RuleStatus
from gaveld.domain.signals import ClassifierOutcome, OutcomeStatus
from gaveld.domain.verdicts import raised_by_rules
from tests.decisions import LOOKED, POLICY, WORDS, decided, found

ALLOW, REVIEW, BLOCK = Action.ALLOW, Action.REVIEW, Action.BLOCK
MATCHED, FAILED = RuleStatus.MATCHED, RuleStatus.FAILED
YOUNG = Rule("young", "Young", "content.age < 18", verdict=BLOCK)


def tried(decision: Decision, policy: Policy, *outcomes: RuleOutcome, then: Policy | None = POLICY):
    return retried(decision, judged_again(decision, policy), outcomes, policy, then)


def with_rule(category_id: str, rule: CategoryRule, policy: Policy = POLICY) -> Policy:
    return replace(policy, categories={**policy.categories, category_id: rule})


def test_a_stricter_threshold_names_the_category_that_asks_for_it():
    """Law: what becomes stricter does so for what asks for it now."""
    decision = decided(scores={"L1": 0.6, "H2": 0.2})
    policy = with_rule("L1", CategoryRule(review=0.3, block=0.55))
    assert tried(decision, policy) == Retrial(REVIEW, BLOCK, (ChangeCause("L1"),))


def test_a_milder_threshold_names_the_category_that_asked_for_it():
    """Law: what becomes milder does so for all that asked for more, and for nothing else."""
    decision = decided(scores={"L1": 0.6, "H3": 0.85})
    policy = with_rule("H3", CategoryRule(review=0.4))
    assert tried(decision, policy) == Retrial(BLOCK, REVIEW, (ChangeCause("H3"),))
    lenient = with_rule("L1", CategoryRule(), with_rule("H3", CategoryRule()))
    assert tried(decision, lenient).causes == (ChangeCause("H3"), ChangeCause("L1"))


def test_of_a_policy_that_is_lost_all_that_acted_is_named():
    """Law: without the policy that decided, what acted then is the best that can be said."""
    decision = decided(scores={"L1": 0.6, "H3": 0.85}, rules=(("young", MATCHED),))
    lenient = with_rule("H3", CategoryRule(review=0.4))
    assert tried(decision, lenient, then=None).causes == (
        ChangeCause("H3"),
        ChangeCause("L1"),
        ChangeCause(rule_id="young"),
    )


def test_what_was_not_checked_is_a_cause_of_its_own():
    """Law: a category that is required and was not checked is told from one that was found."""
    missed = JudgedPart("body", (), (ClassifierOutcome(WORDS, OutcomeStatus.TIMED_OUT),))
    decision = decided("d", missed)
    assert decision.action is REVIEW
    relaxed = with_rule("H3", CategoryRule(review=0.4))
    assert tried(decision, relaxed).causes == (ChangeCause("H3", is_unchecked=True),)
    strict = replace(POLICY, on_incomplete=BLOCK)
    assert tried(decision, strict) == Retrial(
        REVIEW, BLOCK, (ChangeCause("H3", is_unchecked=True),)
    )


def test_a_rule_that_matches_now_is_the_cause():
    """Law: a new rule is named, and a shadow rule changes nothing."""
    decision = decided(facts=replace(decided().facts, content={"age": 9}))
    policy = replace(POLICY, rules=(YOUNG,))
    assert tried(decision, policy, RuleOutcome(YOUNG, MATCHED)) == Retrial(
        ALLOW, BLOCK, (ChangeCause(rule_id="young"),)
    )
    shadow = replace(YOUNG, shadow=True)
    assert not tried(decision, policy, RuleOutcome(shadow, MATCHED)).is_changed


def test_a_rule_that_is_gone_is_the_cause():
    """Law: what a rule alone asked for becomes milder without it, and the rule is named."""
    then = replace(POLICY, rules=(YOUNG,))
    decision = decided(rules=(("young", MATCHED),), action=BLOCK)
    assert tried(decision, POLICY, then=then) == Retrial(
        BLOCK, ALLOW, (ChangeCause(rule_id="young"),)
    )


def test_a_rule_that_needs_what_is_not_stored_leaves_a_decision_unjudged():
    """Law: nobody guesses what a rule would say of content that is not stored."""
    policy = replace(POLICY, rules=(YOUNG,))
    assert tried(decided(), policy, RuleOutcome(YOUNG, FAILED)) == Retrial(
        ALLOW, None, missing=("young",)
    )


def test_a_rule_that_fails_without_asking_for_words_fails_as_it_would_have():
    """Law: a user whom nobody named is no lost content; the failure is an answer."""
    rule = Rule("again", "Again", "user.flags_24h > 1 && content_type == ''", verdict=BLOCK)
    retrial = tried(decided(), replace(POLICY, rules=(rule,)), RuleOutcome(rule, FAILED))
    assert retrial == Retrial(ALLOW, REVIEW, (ChangeCause(rule_id="again"),))


def test_what_a_rule_could_not_change_is_judged_without_it():
    """Law: where a verdict is as strict as an unknown rule could make it, it is known."""
    policy = replace(POLICY, rules=(YOUNG,))
    blocked = decided(scores={"H3": 0.95})
    assert tried(blocked, policy, RuleOutcome(YOUNG, FAILED)).after is BLOCK
    silent = replace(YOUNG, verdict=None)
    assert tried(decided(), policy, RuleOutcome(silent, FAILED)).after is ALLOW


def test_the_same_rule_on_the_same_facts_came_out_as_it_did():
    """Law: a rule that did not change, on facts that did not, needs no content again."""
    then = replace(POLICY, rules=(YOUNG,))
    stored = decided(rules=(("young", MATCHED),), action=BLOCK)
    failed = RuleOutcome(YOUNG, FAILED)
    assert tried(stored, then, failed, then=then) == Retrial(BLOCK, BLOCK)
    changed = replace(YOUNG, condition="content.age < 16")
    assert tried(stored, then, RuleOutcome(changed, FAILED), then=then).after is None
    stricter = with_rule("L1", CategoryRule(review=0.1), then)
    found_more = decided(scores={"L1": 0.2}, rules=(("young", MATCHED),), action=BLOCK)
    assert tried(found_more, stricter, failed, then=then).after is None


def test_a_rule_that_fails_on_what_is_stored_fails_as_it_would_have():
    """Law: with everything stored, a failure is an answer, and asks for what failures ask for."""
    facts = replace(decided().facts, content={}, ocr_text="")
    policy = replace(POLICY, rules=(YOUNG,))
    retrial = tried(decided(facts=facts), policy, RuleOutcome(YOUNG, FAILED))
    assert retrial == Retrial(ALLOW, REVIEW, (ChangeCause(rule_id="young"),))


def test_a_call_that_changed_its_policy_is_not_judged():
    """Law: what a call overrode is not stored, so nobody says what its policy would be now."""
    decision = decided(policy=replace(POLICY, revision="shop@1+overrides"))
    assert tried(decision, POLICY) == Retrial(ALLOW, None)


SCORES = st.dictionaries(
    st.sampled_from(["H2", "H3", "L1"]), st.floats(0, 1), min_size=0, max_size=3
)
STATUSES = st.sampled_from(list(OutcomeStatus))
PARTS = st.lists(
    st.builds(
        lambda scores, status: JudgedPart(
            "f", found(**scores), (ClassifierOutcome(WORDS, status),)
        ),
        SCORES,
        STATUSES,
    ),
    min_size=1,
    max_size=3,
)
RULES = st.lists(
    st.tuples(
        st.sampled_from([None, ALLOW, REVIEW, BLOCK]),
        st.booleans(),
        st.sampled_from(list(RuleStatus)),
    ),
    max_size=3,
)


def numbered(rules) -> list[RuleOutcome]:
    return [
        RuleOutcome(Rule(f"r{n}", f"R{n}", "content.ok", verdict=verdict, shadow=shadow), status)
        for n, (verdict, shadow, status) in enumerate(rules)
    ]


@given(PARTS, RULES)
def test_the_same_policy_changes_nothing(parts, rules):
    """Law: under the policy that decided, every decision stays as it is, and each is judged."""
    outcomes = numbered(rules)
    policy = replace(POLICY, rules=tuple(entry.rule for entry in outcomes))
    verdict = raised_by_rules(judged_again(decided("d", *parts), policy), outcomes, policy)
    stored = decided(
        "d",
        *parts,
        policy=policy,
        action=verdict.action,
        rules=tuple((entry.rule.id, entry.status) for entry in outcomes),
    )
    again = judged_again(stored, policy)
    assert facts_under(stored, again) == stored.facts
    # What content would have told is not stored any more, so all that needs it fails now.
    later = [replace(entry, status=FAILED) for entry in outcomes]
    assert retried(stored, again, later, policy, policy) == Retrial(stored.action, stored.action)


@given(PARTS, st.floats(0, 1), st.floats(0, 1), st.sampled_from(["H2", "H3", "L1"]))
def test_a_stricter_threshold_never_makes_milder(parts, review, block, category_id):
    """Law: lowering a category's thresholds makes no decision milder, and names that category."""
    rule = POLICY.rule(category_id)
    stricter = CategoryRule(
        review=min(review, rule.review), block=min(block, rule.block or 1.0), required=rule.required
    )
    retrial = tried(decided("d", *parts), with_rule(category_id, stricter))
    assert retrial.after >= retrial.before
    assert retrial.causes == ((ChangeCause(category_id),) if retrial.is_changed else ())


def test_rows_moves_and_counts_add_up():
    """Law: each decision is in one move; rows count each cause, with the first samples."""
    tally = BacktestTally(replace(POLICY, rules=(YOUNG,)), max_samples=2)
    for number in range(3):
        tally.add(f"c{number}", Retrial(ALLOW, BLOCK, (ChangeCause("H3"), ChangeCause("L1"))))
    tally.add("c3", Retrial(BLOCK, REVIEW, (ChangeCause(rule_id="young"),)))
    tally.add("c4", Retrial(ALLOW, ALLOW))
    tally.add("c5", Retrial(ALLOW, None, missing=("young",)))
    tally.add("c6", Retrial(ALLOW, None))
    report = tally.report(["Beware."])
    assert (report.decision_count, report.changed_count, report.unjudged_count) == (7, 4, 2)
    assert report.moves == {(ALLOW, BLOCK): 3, (BLOCK, REVIEW): 1, (ALLOW, ALLOW): 1}
    assert [(row.cause, row.count, row.content_ids) for row in report.rows] == [
        (ChangeCause("H3"), 3, ("c0", "c1")),
        (ChangeCause("L1"), 3, ("c0", "c1")),
        (ChangeCause(rule_id="young"), 1, ("c3",)),
    ]
    assert report.warnings[0] == "Beware."
    assert report.warnings[1:] == (
        "1 decision is unjudged: rule 'Young' needs content that is not stored.",
        "1 decision is unjudged: a call changed the policy, and how is not stored.",
    )


@pytest.mark.parametrize("parts", [(), (JudgedPart("body", (), LOOKED),)])
def test_content_without_anything_to_judge_is_judged_all_the_same(parts):
    """Law: no parts are no findings, and what is required was not looked at."""
    decision = replace(decided(), parts=parts)
    assert judged_again(decision, POLICY).action is (ALLOW if parts else REVIEW)
