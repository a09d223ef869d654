"""Every enabled rule of the content's type is run, reported and counted; shadows never act."""

import asyncio
import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.application.apply_rules import ApplyRules, history_of
from gaveld.application.run_rules import MOST_POLICIES, RunRules
from gaveld.domain.actions import Action
from gaveld.domain.errors import ErrorReason, InvalidRequest, Unavailable
from gaveld.domain.policies import CategoryChange, Policy, PolicyOverrides
from gaveld.domain.rule_facts import FactsOfPart
from gaveld.domain.rules import (
    CallFacts,
    Rule,
    RuleAction,
    RuleFacts,
    RuleStatus,
    UserHistory,
    UserWindow,
)
from gaveld.domain.signals import Attribute, Signals
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType
from gaveld.domain.verdicts import judge
from tests.fakes.rules import FakeConditionCompiler, FakePatterns
from tests.fakes.telemetry import FakeTelemetry

BAN = RuleAction("5f0c1a9e-5a43-4f0e-9a86-2a4c1b7f3d10", "Ban user", secret="s" * 24)
POST = ContentType("Post", (FieldDefinition("age", FieldType.INT, required=True),))
FACTS = RuleFacts(
    scores={"toxicity": 0.9},
    categories={},
    findings=frozenset(),
    image_scores={},
    language="en",
    verdict="allow",
    coverage="complete",
    content={"age": 17},
    content_type="Post",
)
M, N, F = RuleStatus.MATCHED, RuleStatus.NOT_MATCHED, RuleStatus.FAILED


def rule(id_: str, condition: str = "true", **more) -> Rule:
    return Rule(id_, f"Rule {id_}", condition, **more)


def policy(*rules: Rule, **more) -> Policy:
    return Policy("p@1", {}, rules=rules, actions=(BAN,), content_types=(POST,), **more)


class House:
    """The use case with its parts within reach."""

    def __init__(self) -> None:
        self.compiler, self.telemetry = FakeConditionCompiler(), FakeTelemetry()
        self.run = RunRules(self.compiler, self.telemetry)


async def test_rules_come_out_in_the_policys_order():
    """Law: matched, not matched and failed rules are all reported and counted, in order."""
    house = House()
    outcomes = await house.run(
        policy(
            rule("old", "scores.toxicity > 0.8", action_ids=(BAN.id,)),
            rule("mild", "scores.toxicity > 0.95", action_ids=(BAN.id,)),
            rule("blind", "scores.threat > 0.5", action_ids=(BAN.id,)),
            rule("shadow", shadow=True, action_ids=(BAN.id,)),
        ),
        FACTS,
    )
    assert [(entry.rule.id, entry.status) for entry in outcomes] == [
        ("old", M),
        ("mild", N),
        ("blind", F),
        ("shadow", M),
    ]
    assert [entry.actions for entry in outcomes] == [(BAN,), (), (), ()]
    assert [bool(entry.error) for entry in outcomes] == [False, False, True, False]
    assert house.telemetry.rules == [(M, False), (N, False), (F, False), (M, True)]


async def test_only_enabled_rules_of_the_type_run():
    """Law: a disabled rule, and one for other content, is neither run nor reported."""
    house = House()
    rules = policy(
        rule("off", enabled=False),
        rule("posts", content_types=("Post",)),
        rule("notes", content_types=("Note",)),
        rule("all"),
    )
    assert [entry.rule.id for entry in await house.run(rules, FACTS)] == ["posts", "all"]
    untyped = replace(FACTS, content_type="")
    assert [entry.rule.id for entry in await house.run(rules, untyped)] == ["all"]


async def test_a_policy_without_rules_costs_nothing():
    """Law: nothing is compiled, run or counted where there is nothing to run."""
    house = House()
    assert await house.run(policy(), FACTS) == ()
    assert (house.compiler.compiled, house.telemetry.rules) == ([], [])


async def test_conditions_are_compiled_once_for_a_policy():
    """Law: calls and their overrides share what was compiled; another policy's is its own."""
    house = House()
    own = policy(rule("a"), rule("b"))
    for _ in range(3):
        await house.run(own, FACTS)
        await house.run(
            own.with_overrides(PolicyOverrides({"H1": CategoryChange(block=0.1)})), FACTS
        )
    assert house.compiler.compiled == ["true", "true"]
    await house.run(policy(rule("a")), FACTS)
    assert len(house.compiler.compiled) == 3


async def test_calls_wait_for_one_compilation():
    """Law: calls that come at once compile nothing twice, and none that leaves takes it along."""
    house = House()
    own = policy(rule("a"), rule("b"))
    calls = [asyncio.ensure_future(house.run(own, FACTS)) for _ in range(5)]
    gone = asyncio.ensure_future(house.run(own, FACTS))
    await asyncio.sleep(0)  # each of them has its first turn
    gone.cancel()
    assert {len(outcomes) for outcomes in await asyncio.gather(*calls)} == {2}
    assert house.compiler.compiled == ["true", "true"]


async def test_a_content_type_that_changes_is_compiled_for():
    """Law: rules are checked against the types of the policy that runs, whosever rules they are."""
    house = House()
    own = policy(rule("a", "content.age < 18", content_types=("Post",)))
    (outcome,) = await house.run(own, FACTS)
    assert outcome.status is M
    (outcome,) = await house.run(replace(own, content_types=(ContentType("Post"),)), FACTS)
    assert outcome.status is F


async def test_actions_are_those_of_the_policy_that_runs():
    """Law: a new secret of an action is used at once, although its rules were compiled before."""
    house = House()
    own = policy(rule("a", action_ids=(BAN.id, "5f0c1a9e-0000-4f0e-9a86-2a4c1b7f3d10")))
    await house.run(own, FACTS)
    changed = replace(own, actions=(replace(BAN, secret="t" * 24),))
    (outcome,) = await house.run(changed, FACTS)
    assert outcome.actions == changed.actions


async def test_so_many_policies_are_kept():
    """Law: what is compiled is kept for a bounded number of policies."""
    house = House()
    policies = [policy(rule("a")) for _ in range(MOST_POLICIES + 1)]
    for own in policies:
        await house.run(own, FACTS)
    compiled = len(house.compiler.compiled)
    await house.run(policies[-1], FACTS)
    assert len(house.compiler.compiled) == compiled
    await house.run(policies[0], FACTS)
    assert len(house.compiler.compiled) == compiled + 1


async def test_what_does_not_compile_fails_alone():
    """Law: a rule that slipped through does not take the others with it, and says what is wrong."""
    house = House()
    bad, good = await house.run(
        policy(rule("bad", "content.agee > 3", content_types=("Post",)), rule("good")), FACTS
    )
    assert (bad.status, good.status) == (F, M)
    assert "agee" in bad.error


class Breaks:
    """A compiler whose conditions break in a way that nobody foresaw, quoting what they saw."""

    def compile(self, source, content_types=()):
        return self

    def holds(self, facts):
        raise ValueError(f"saw {facts.content}")


async def test_a_failure_is_logged_once_and_quotes_nothing(caplog):
    """Law: the log names the rule and the cause, once a policy, and nothing of the content."""
    caplog.set_level(logging.INFO)
    run = RunRules(Breaks(), FakeTelemetry())
    own = policy(rule("broken"))
    secret = replace(FACTS, content={"age": "canary-4711"})
    for _ in range(5):
        (outcome,) = await run(own, secret)
    assert outcome.status is F
    (record,) = caplog.records
    assert (record.rule, record.policy) == ("broken", "p@1")
    assert "canary" not in outcome.error + repr(record.__dict__)


@given(
    st.lists(
        st.builds(
            rule,
            st.sampled_from("abc"),
            st.sampled_from(["true", "false", "scores.threat > 1.0", "nonsense"]),
            shadow=st.booleans(),
            enabled=st.booleans(),
            action_ids=st.just((BAN.id,)),
        ),
        max_size=40,
    )
)
async def test_every_rule_comes_out_once_and_only_matches_act(rules: list[Rule]):
    """Law: there is one outcome for each enabled rule, and only an acting match sets things off."""
    house = House()
    outcomes = await house.run(policy(*rules), FACTS)
    assert [entry.rule for entry in outcomes] == [entry for entry in rules if entry.enabled]
    for entry in outcomes:
        assert bool(entry.error) is (entry.status is F)
        assert bool(entry.actions) is (entry.status is M and not entry.rule.shadow)
    assert len(house.telemetry.rules) == len(outcomes)


class Users:
    """A store that knows one user, or can't be reached."""

    def __init__(self, *, reached: bool = True) -> None:
        self.asked = 0
        self._reached = reached

    async def history(self, project, actor_id, now):
        self.asked += 1
        if not self._reached:
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "gone")
        known = UserHistory("u1", (UserWindow(24, 5, 3), UserWindow(168), UserWindow(720)))
        return known if (project, actor_id) == ("shop", "u1") else None


async def test_a_history_is_known_or_it_is_not(caplog):
    """Law: a new user did nothing; one without a name, a store or an answer is unknown."""
    users = Users()
    assert (await history_of(users, "shop", "u1")).windows[0].flags == 3
    assert await history_of(users, "shop", "u2") == UserHistory("u2")
    assert await history_of(users, "shop", "") is None
    assert await history_of(None, "shop", "u1") is None
    assert await history_of(Users(reached=False), "shop", "u1") is None
    (record,) = caplog.records
    assert record.message == "user history not read"
    assert "u1" not in repr(record.__dict__)


def applying(users: Users | None = None) -> ApplyRules:
    return ApplyRules(RunRules(FakeConditionCompiler(), FakeTelemetry()), FakePatterns(), users)


async def applied(own: Policy, said: CallFacts, users: Users | None = None):
    verdict = judge(Signals((), ()), own)
    part = FactsOfPart({Attribute.TOXICITY: 0.9})
    return await applying(users)(own, verdict, (), part, said, project="shop")


async def test_rules_ask_of_the_call_and_of_the_user():
    """Law: fields, content type and history are facts like scores, and raise the verdict."""
    own = policy(
        rule("typed", "content.age < 18", content_types=("Post",), verdict=Action.REVIEW),
        rule("user", "user.flags_24h >= 3", verdict=Action.BLOCK),
    )
    ruled = await applied(own, CallFacts("Post", {"age": 17}, "u1"), Users())
    assert [entry.status for entry in ruled.outcomes] == [M, M]
    assert ruled.verdict.action is Action.BLOCK
    assert [cause.rule_id for cause in ruled.verdict.rule_causes] == ["user", "typed"]
    unnamed = await applied(own, CallFacts("Post", {"age": 18}), Users())
    assert [entry.status for entry in unnamed.outcomes] == [N, F]
    assert unnamed.verdict.action is Action.REVIEW


async def test_a_history_is_only_read_where_a_rule_asks_for_it():
    """Law: the storage is left alone unless an enabled rule speaks of the user."""
    users = Users()
    said = CallFacts("", None, "u1")
    await applied(policy(), said, users)
    await applied(policy(rule("a"), rule("off", "user.strikes > 1.0", enabled=False)), said, users)
    assert users.asked == 0
    await applied(policy(rule("a", "user.strikes > 1.0")), said, users)
    assert users.asked == 1


def test_what_a_call_says_must_fit_its_type():
    """Law: fields are proved against the type, and a picture's call, which has none, is not."""
    own, rules = policy(), applying()
    assert rules.fitted(own, CallFacts("Post", {"age": 3})).fields == {"age": 3}
    assert rules.fitted(own, CallFacts("", {"x": 1})).fields == {"x": 1}
    assert rules.fitted(own, CallFacts("Post", None)).fields is None
    for said, reason in (
        (CallFacts("Post", {"age": "x"}), ErrorReason.CONTENT_TYPE_MISMATCH),
        (CallFacts("Note", {}), ErrorReason.UNKNOWN_CONTENT_TYPE),
        (CallFacts("Note", None), ErrorReason.UNKNOWN_CONTENT_TYPE),
    ):
        with pytest.raises(InvalidRequest) as refused:
            rules.fitted(own, said)
        assert refused.value.reason is reason
