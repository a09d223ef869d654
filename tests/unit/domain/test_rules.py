"""What rules may ask of content, and what they make of a verdict, over all that can be learnt."""

from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.actions import Action
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.image_signals import ImageClass
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rule_facts import FactsOfPart, facts_of
from gaveld.domain.rules import Rule, RuleOutcome, RuleStatus
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
    Signals,
)
from gaveld.domain.verdicts import RuleCause, combined, judge, raised_by_rules
from tests.unit.domain import strategies as some

CARD = ClassifierCard("words", "1", frozenset({"H1", "L1"}))
POLICY = Policy("p@1", {"H1": CategoryRule(review=0.5, block=0.9)}, on_incomplete=Action.REVIEW)
RAN = ClassifierOutcome(CARD, OutcomeStatus.RAN)

rules = st.builds(
    Rule,
    id=st.sampled_from(["r1", "r2", "r3"]),
    name=st.just("A rule"),
    condition=st.just("true"),
    verdict=st.none() | st.sampled_from(Action),
    shadow=st.booleans(),
)
outcomes = st.lists(st.builds(RuleOutcome, rules, st.sampled_from(RuleStatus)), max_size=6)


def outcome(status: RuleStatus, verdict: Action | None, **more) -> RuleOutcome:
    return RuleOutcome(Rule("r1", "A rule", "true", verdict=verdict, **more), status)


def found(score: float):
    return judge(Signals((Finding("H1", score, "a word", "words", "1"),), (RAN,)), POLICY)


@given(some.signals, some.policies, outcomes)
def test_rules_never_soften(signals: Signals, policy: Policy, ran: list[RuleOutcome]):
    """Law: whatever rules come to, the action is no milder than thresholds alone made it."""
    before = judge(signals, policy)
    after = raised_by_rules(before, ran, policy)
    assert after.action >= before.action
    asked = [cause.action for cause in after.rule_causes]
    assert asked == sorted(asked, reverse=True)
    assert after.action == max([before.action, *asked])
    assert (after.findings, after.coverage) == (before.findings, before.coverage)


@given(some.signals, some.policies, outcomes)
def test_shadows_and_rules_that_did_not_match_change_nothing(signals, policy, ran):
    """Law: taking away the rules that don't act leaves the verdict as it is."""
    before = judge(signals, policy)
    acting = [
        entry
        for entry in ran
        if not entry.rule.shadow and entry.status is not RuleStatus.NOT_MATCHED
    ]
    assert raised_by_rules(before, ran, policy) == raised_by_rules(before, acting, policy)
    assert raised_by_rules(before, [], policy) is before


def test_a_rule_that_matched_asks_for_its_own_action():
    """Law: a match raises the verdict to the rule's action and is named as the cause."""
    verdict = raised_by_rules(found(0.0), [outcome(RuleStatus.MATCHED, Action.BLOCK)], POLICY)
    assert verdict.action is Action.BLOCK
    assert verdict.rule_causes == (RuleCause("r1", "A rule", Action.BLOCK),)


def test_a_rule_that_failed_is_a_check_that_was_not_made():
    """Law: a failed rule asks for on_incomplete, but for no more than it could itself."""
    for on_incomplete in Action:
        policy = Policy("p@1", {}, on_incomplete=on_incomplete)
        for verdict in Action:
            ran = [outcome(RuleStatus.FAILED, verdict)]
            after = raised_by_rules(found(0.0), ran, policy)
            assert after.action is min(on_incomplete, verdict)
            assert all(cause.failed for cause in after.rule_causes)
    unasked = [outcome(RuleStatus.FAILED, None)]
    assert raised_by_rules(found(0.0), unasked, POLICY).action is Action.ALLOW


def test_what_a_rule_raised_is_not_by_incompleteness():
    """Law: an action is by incompleteness only where nothing else asked for as much."""
    policy = Policy("p@1", {"S3": CategoryRule(block=0.5, required=True)})
    verdict = judge(Signals((), ()), policy)
    assert verdict.by_incompleteness
    raised = raised_by_rules(verdict, [outcome(RuleStatus.MATCHED, Action.BLOCK)], policy)
    assert (raised.action, raised.by_incompleteness) == (Action.BLOCK, False)
    same = raised_by_rules(verdict, [outcome(RuleStatus.MATCHED, Action.REVIEW)], policy)
    assert (same.action, same.by_incompleteness) == (Action.REVIEW, True)


def test_facts_are_the_highest_of_all_parts():
    """Law: of several texts and pictures the worst counts, and findings that act are named."""
    facts = facts_of(
        found(0.7),
        (
            FactsOfPart({Attribute.TOXICITY: 0.2, Attribute.INSULT: 0.9}),
            FactsOfPart({Attribute.TOXICITY: 0.6}, {ImageClass.PORN: 0.1, ImageClass.DRAWING: 0.9}),
            FactsOfPart(image_scores={ImageClass.PORN: 0.3}, read_text="line one\nline two"),
            FactsOfPart(read_text="three"),
        ),
        content={"age": 3},
        content_type="Post",
    )
    assert facts.scores == {"toxicity": 0.6, "insult": 0.9}
    assert facts.image_scores == {"porn": 0.3, "drawing": 0.9}
    assert facts.categories == {"H1": 0.7, "L1": 0.0}
    assert facts.findings == {"H1"}
    assert facts.ocr_text == "line one\nline two\nthree"
    assert (facts.verdict, facts.coverage) == ("review", "complete")
    assert (facts.content, facts.content_type, facts.user) == ({"age": 3}, "Post", None)


def test_what_was_found_and_does_not_act_is_a_score_and_no_finding():
    """Law: findings are those that act; every other one is in the categories' scores alone."""
    facts = facts_of(found(0.4), (), content=None)
    assert facts.findings == frozenset()
    assert facts.categories["H1"] == 0.4


def language(*parts: FactsOfPart) -> str | None:
    return facts_of(found(0.0), parts, content={}).language


def test_several_languages_are_one_code():
    """Law: one language told is the language, several are mul, none is und."""
    english, german = (FactsOfPart(language=DetectedLanguage(code, 0.9)) for code in ("en", "de"))
    untold = FactsOfPart(language=DetectedLanguage())
    assert language() == "und"
    assert language(FactsOfPart()) == "und"
    assert language(untold, untold) == "und"
    assert language(english, untold, english) == "en"
    assert language(english, german) == "mul"


def test_what_one_part_could_not_tell_is_not_known_of_the_whole():
    """Law: a language or words that nobody could read are unknown, and never just absent."""
    english = FactsOfPart(language=DetectedLanguage("en", 0.9))
    assert language(english, FactsOfPart(is_language_unknown=True)) is None
    unread = facts_of(
        found(0.0), (FactsOfPart(read_text="x"), FactsOfPart(read_text=None)), content={}
    )
    assert unread.ocr_text is None


@given(st.permutations([0, 1, 2, 3]))
def test_the_order_of_parts_does_not_matter_to_scores(order: list[int]):
    """Law: scores and language do not depend on which field comes first."""
    parts = [
        FactsOfPart({Attribute.TOXICITY: number / 4}, language=DetectedLanguage(code, 0.5))
        for number, code in enumerate(["en", "und", "de", "en"])
    ]
    facts = facts_of(found(0.0), [parts[number] for number in order], content={})
    assert (facts.scores, facts.language) == ({"toxicity": 0.75}, "mul")


def test_pieces_that_rules_raised_stay_raised_together():
    """Law: what a rule asked for one piece is asked for the whole."""
    raised = raised_by_rules(found(0.0), [outcome(RuleStatus.MATCHED, Action.BLOCK)], POLICY)
    both = combined([found(0.6), raised])
    assert both.action is Action.BLOCK
    assert both.rule_causes == raised.rule_causes
    assert not both.by_incompleteness
