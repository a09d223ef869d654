"""Runs a policy's rules on what was learnt of content, and says how each came out and why.

What the outcomes set off is for others to do. Conditions are worked out behind a port.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gaveld.application.failures import place_of
from gaveld.application.ports import (
    Condition,
    ConditionCompiler,
    ConditionFailedError,
    ConditionInvalidError,
    Telemetry,
)
from gaveld.domain.policies import Policy
from gaveld.domain.rules import Rule, RuleAction, RuleFacts, RuleOutcome, RuleStatus
from gaveld.domain.typed_content import ContentType

MOST_POLICIES: Final = 256
"""The compiled rules of so many policies are kept, those that were run last."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One enabled rule. ``condition`` is None where ``error`` says why it does not compile."""

    rule: Rule
    condition: Condition | None
    error: str = ""


@dataclass(slots=True)
class _Program:
    """A policy's enabled rules, and which of them a log entry was already written for."""

    policy: Policy
    rules: tuple[_Compiled, ...]
    logged: set[tuple[str, str]]


class RunRules:
    """Runs all enabled rules of a policy that are for the content's type, in the policy's order.

    A shadow rule is run and counted and sets nothing off. One that can't be worked out has failed:
    it is reported and counted, and never passes for one that did not match. The log has each cause
    once for each policy, under the rule's id. Without telemetry nothing is counted or logged, for
    trials.
    """

    def __init__(self, compiler: ConditionCompiler, telemetry: Telemetry | None) -> None:
        self._compiler = compiler
        self._telemetry = telemetry
        self._programs: OrderedDict[int, _Program] = OrderedDict()
        self._compiling: dict[tuple[int, int], asyncio.Future[_Program]] = {}

    async def __call__(self, policy: Policy, facts: RuleFacts) -> tuple[RuleOutcome, ...]:
        """Return how the rules came out; at once where the policy has none."""
        if not policy.rules:
            return ()
        program = await self._program(policy)
        outcomes = []
        for entry in program.rules:
            if entry.rule.content_types and facts.content_type not in entry.rule.content_types:
                continue
            outcome = self._run(entry, policy, facts)
            if self._telemetry is not None:
                self._telemetry.rule_run(outcome.status, is_shadow=entry.rule.shadow)
                if outcome.status is RuleStatus.FAILED:
                    self._log_once(program, outcome)
            outcomes.append(outcome)
            if len(outcomes) % _RULES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return tuple(outcomes)

    @staticmethod
    def _run(entry: _Compiled, policy: Policy, facts: RuleFacts) -> RuleOutcome:
        rule = entry.rule
        if entry.condition is None:
            return RuleOutcome(rule, RuleStatus.FAILED, entry.error)
        try:
            holds = entry.condition.holds(facts)
        except ConditionFailedError as failure:
            return RuleOutcome(rule, RuleStatus.FAILED, str(failure))
        except Exception as failure:  # noqa: BLE001 - one rule fails alone, and its text may quote
            return RuleOutcome(rule, RuleStatus.FAILED, f"It broke: {place_of(failure)}.")
        if not holds:
            return RuleOutcome(rule, RuleStatus.NOT_MATCHED)
        return RuleOutcome(
            rule, RuleStatus.MATCHED, actions=() if rule.shadow else _actions(rule, policy)
        )

    async def _program(self, policy: Policy) -> _Program:
        # Overrides make a new policy of each call, and leave its rules the tuple that they are.
        key = id(policy.rules)
        program = self._programs.get(key)
        if program is None or program.policy.content_types is not policy.content_types:
            # Calls that need the same rules wait for one compilation, which outlives each of them.
            which = key, id(policy.content_types)
            work = self._compiling.get(which)
            if work is None:
                work = self._compiling[which] = asyncio.ensure_future(self._compiled(key, policy))
                work.add_done_callback(lambda _: self._compiling.pop(which, None))
            program = await asyncio.shield(work)
        if key in self._programs:
            self._programs.move_to_end(key)
        return program

    async def _compiled(self, key: int, policy: Policy) -> _Program:
        rules = await asyncio.to_thread(
            lambda: tuple(self._compile(rule, policy) for rule in policy.rules if rule.enabled)
        )
        program = self._programs[key] = _Program(policy, rules, set())
        while len(self._programs) > MOST_POLICIES:
            self._programs.popitem(last=False)
        return program

    def _compile(self, rule: Rule, policy: Policy) -> _Compiled:
        types = types_of(rule, policy.content_types)
        try:
            return _Compiled(rule, self._compiler.compile(rule.condition, types))
        except ConditionInvalidError as error:
            return _Compiled(rule, None, f"It does not compile: {error}")

    @staticmethod
    def _log_once(program: _Program, outcome: RuleOutcome) -> None:
        cause = (outcome.rule.id, outcome.error)
        if cause not in program.logged and len(program.logged) < _MOST_LOGGED:
            program.logged.add(cause)
            _log.warning(
                "rule failed",
                extra={
                    "rule": outcome.rule.id,
                    "policy": program.policy.revision,
                    "cause": outcome.error,
                },
            )


def _actions(rule: Rule, policy: Policy) -> tuple[RuleAction, ...]:
    named = {action.id: action for action in policy.actions}
    return tuple(named[action_id] for action_id in rule.action_ids if action_id in named)


def types_of(rule: Rule, content_types: Sequence[ContentType]) -> tuple[ContentType, ...]:
    """Return the content types that a rule's condition is checked against; none means any."""
    by_name: Mapping[str, ContentType] = {entry.name: entry for entry in content_types}
    return tuple(by_name[name] for name in rule.content_types if name in by_name)


_RULES_AT_ONCE: Final = 16
_MOST_LOGGED: Final = 256
