"""The use case that tries a policy on stored decisions, over fakes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gaveld.application.backtest import BacktestPlan, BacktestPolicy
from gaveld.application.ports import ConditionFailedError, PolicyEntry, PolicyRevision
from gaveld.domain.actions import Action
from gaveld.domain.backtests import ChangeCause
from gaveld.domain.decision_records import Decision, Records
from gaveld.domain.policies import CategoryRule, Policy, TermList, TermMatch
from gaveld.domain.rules import Rule, RuleFacts
from tests.decisions import NOON, POLICY, blocked, decided
from tests.fakes.decisions import FakeDecisions

DAY = timedelta(days=1)
STRICT = replace(POLICY, revision="", categories={"L1": CategoryRule(block=0.1)})


@dataclass
class History:
    """A ``PolicyHistory`` that is read alone, and counts how often."""

    policies: tuple[Policy, ...] = (POLICY,)
    asked: list[str] = field(default_factory=list)

    async def find(self, project: str, revision: str = "") -> PolicyRevision | None:
        self.asked.append(revision)
        for policy in self.policies:
            if (project, policy.revision) == ("shop", revision):
                entry = PolicyEntry(1, revision, datetime(2026, 1, 1, tzinfo=UTC))
                return PolicyRevision(policy, entry)
        return None


class Conditions:
    """A ``ConditionCompiler`` of functions by name."""

    def __init__(self, **conditions: Callable[[RuleFacts], bool]) -> None:
        self._conditions = conditions

    def compile(self, source: str, content_types=()):
        return _Condition(self._conditions[source])


@dataclass
class _Condition:
    told: Callable[[RuleFacts], bool]

    def holds(self, facts: RuleFacts) -> bool:
        try:
            return self.told(facts)
        except TypeError as error:
            raise ConditionFailedError("It needs what is not known.") from error


def use_case(*decisions: Decision, history: History | None = None, **conditions) -> BacktestPolicy:
    store = FakeDecisions()
    for decision in decisions:
        store.record(Records(decision))
    return BacktestPolicy(store, history or History(), Conditions(**conditions))


def plan(policy: Policy, **changed) -> BacktestPlan:
    return BacktestPlan("shop", policy, **{"since": NOON - DAY, "until": NOON + DAY, **changed})


async def test_decisions_of_the_project_in_that_time_are_tried():
    """Law: nothing else is read, and what changes is counted by cause."""
    backtest = use_case(
        decided("a", scores={"L1": 0.6}),
        decided("b", scores={"L1": 0.2}, at=NOON + timedelta(hours=1)),
        decided("c"),
        decided("late", scores={"L1": 0.6}, at=NOON + DAY),
        decided("theirs", scores={"L1": 0.6}, project="blog"),
    )
    report = await backtest(plan(STRICT))
    assert (report.decision_count, report.changed_count, report.unjudged_count) == (3, 2, 0)
    assert [(row.cause, row.before, row.after, row.content_ids) for row in report.rows] == [
        (ChangeCause("L1"), Action.REVIEW, Action.BLOCK, ("content-a",)),
        (ChangeCause("L1"), Action.ALLOW, Action.BLOCK, ("content-b",)),
    ]
    assert report.warnings == ()


async def test_rules_see_what_thresholds_make_of_it_now():
    """Law: a rule on the verdict or on findings sees those of the policy that is tried."""
    policy = replace(
        STRICT,
        categories={"L1": CategoryRule(review=0.1)},
        rules=(Rule("new", "New", "found", verdict=Action.BLOCK),),
    )
    backtest = use_case(
        decided("a", scores={"L1": 0.2}), found=lambda facts: "L1" in facts.findings
    )
    (row,) = (await backtest(plan(policy))).rows
    assert (row.cause, row.after) == (ChangeCause(rule_id="new"), Action.BLOCK)


async def test_what_needs_content_is_unjudged_and_said():
    """Law: a rule on content that is not stored leaves its decisions untold, by name."""
    young = "content.age < 18"
    policy = replace(POLICY, rules=(Rule("age", "Age", young, verdict=Action.BLOCK),))
    conditions = {young: lambda facts: facts.content["age"] < 18}
    backtest = use_case(decided("a"), blocked("b"), **conditions)
    report = await backtest(plan(policy))
    assert (report.decision_count, report.unjudged_count) == (2, 1)
    assert report.warnings == (
        "1 decision is unjudged: rule 'Age' needs content that is not stored.",
    )


async def test_what_would_be_looked_for_otherwise_is_said():
    """Law: what scores can't tell is a warning that counts the decisions it concerns."""
    history = History((POLICY, replace(POLICY, revision="shop@0", allowed_terms=("cat",))))
    policy = replace(
        POLICY,
        allowed_terms=("cat",),
        term_lists=(TermList("ours", TermMatch.EXACT, ("dog",)),),
    )
    backtest = use_case(
        decided("a"),
        decided("b", policy_revision="shop@0"),
        decided("c", policy_revision="shop@gone"),
        decided("d", policy_revision="shop@gone"),
        history=history,
    )
    first, second, third = (await backtest(plan(policy))).warnings
    assert first.startswith("term_lists differ from those of 2 decisions")
    assert second.startswith("allowed_terms differ from those of 1 decisions")
    assert third.startswith("The policies of 2 decisions are not kept any more")
    assert sorted(history.asked) == ["shop@0", "shop@1", "shop@gone"]


async def test_a_sample_is_as_large_as_asked_and_says_so():
    """Law: of more decisions than asked an even sample is tried, and that is said."""
    backtest = use_case(
        *(decided(f"{n:02}", at=NOON + n * timedelta(seconds=1)) for n in range(40))
    )
    report = await backtest(plan(POLICY, max_decisions=10))
    assert (report.decision_count, report.changed_count) == (10, 0)
    assert report.warnings == ("Of 40 decisions 10 were tried, evenly.",)


async def test_progress_is_told(monkeypatch):
    """Law: whoever waits hears how far it is, from nothing to within a step of all."""
    monkeypatch.setattr("gaveld.application.backtest.PROGRESS_EVERY", 2)
    told = []

    async def progress(tried: int, total: int) -> None:
        told.append((tried, total))

    await use_case(*(decided(str(n)) for n in range(5)))(plan(POLICY), progress)
    assert told == [(0, 5), (2, 5), (4, 5)]


async def test_a_candidate_is_never_taken_for_the_policy_that_decided():
    """Law: a document that still names an old revision is judged by what it says."""
    same_name = replace(STRICT, revision=POLICY.revision)
    report = await use_case(decided("a", scores={"L1": 0.2}))(plan(same_name))
    assert report.changed_count == 1
