"""Tries another policy on stored decisions. It looks at no content, changes nothing, keeps nothing.

What becomes of one decision, ``domain.backtests`` says; here they are read, and rules are run.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gaveld.application.ports import ConditionCompiler, DecisionStore, PolicyHistory
from gaveld.application.run_rules import RunRules
from gaveld.domain.backtests import (
    OVERRIDDEN,
    BacktestReport,
    BacktestTally,
    facts_under,
    judged_again,
    retried,
    sections_that_look,
)
from gaveld.domain.decision_records import Decision
from gaveld.domain.policies import Policy

Progress = Callable[[int, int], Awaitable[None]]
"""Is told how many decisions were tried, and of how many."""

AT_A_TIME: Final = 16
"""So many are judged before others have their turn: about two milliseconds."""

PROGRESS_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """What to try: the policy of a project, on up to ``max_decisions`` of a stretch of time."""

    project: str
    policy: Policy
    since: datetime
    until: datetime
    max_decisions: int = 100_000
    max_samples: int = 10


async def _say_nothing(_tried: int, _total: int) -> None:
    pass


class BacktestPolicy:
    """The use case behind ``BacktestPolicy``."""

    def __init__(
        self, decisions: DecisionStore, history: PolicyHistory, compiler: ConditionCompiler
    ) -> None:
        self._decisions = decisions
        self._history = history
        self._run_rules = RunRules(compiler, None)

    async def __call__(
        self, plan: BacktestPlan, progress: Progress = _say_nothing
    ) -> BacktestReport:
        """Return what the policy would have decided. The same plan gives the same answer.

        Raises ``Unavailable`` when decisions or policies can't be read.
        """
        stretch = {"since": plan.since, "until": plan.until}
        there = await self._decisions.count(plan.project, **stretch)
        total = min(there, plan.max_decisions)
        tally = BacktestTally(plan.policy, plan.max_samples)
        policies: dict[str, Policy | None] = {}
        revisions: Counter[str] = Counter()
        await progress(0, total)
        read = self._decisions.read(plan.project, **stretch, most=plan.max_decisions)
        async for decision in read:
            revision = decision.policy_revision.removesuffix(OVERRIDDEN)
            if revision not in policies:
                policies[revision] = await self._policy(plan, revision)
            revisions[revision] += 1
            await self._try(tally, decision, plan.policy, policies[revision])
            if tally.tried_count % AT_A_TIME == 0:
                await asyncio.sleep(0)
            if tally.tried_count % PROGRESS_EVERY == 0:
                await progress(tally.tried_count, max(total, tally.tried_count))
        warnings = list(_blind_spots(plan.policy, policies, revisions))
        if there > total:
            warnings.insert(0, f"Of {there:,} decisions {tally.tried_count:,} were tried, evenly.")
        return tally.report(warnings)

    async def _try(
        self, tally: BacktestTally, decision: Decision, policy: Policy, then: Policy | None
    ) -> None:
        verdict = judged_again(decision, policy)
        outcomes = await self._run_rules(policy, facts_under(decision, verdict))
        tally.add(decision.content_id, retried(decision, verdict, outcomes, policy, then))

    async def _policy(self, plan: BacktestPlan, revision: str) -> Policy | None:
        found = await self._history.find(plan.project, revision)
        return None if found is None else found.policy


def _blind_spots(
    policy: Policy, policies: dict[str, Policy | None], revisions: Counter[str]
) -> Iterable[str]:
    """Say what the policy looks for otherwise than those that decided, and so can't be told."""
    looked: Counter[str] = Counter()
    lost = 0
    looks = sections_that_look(policy)
    for revision, then in policies.items():
        if then is None:
            lost += revisions[revision]
            continue
        before = sections_that_look(then)
        for name, section in looks.items():
            if section != before[name]:
                looked[name] += revisions[revision]
    for name, count in looked.items():
        yield (
            f"{name} differ from those of {count:,} decisions: what they would have found "
            "otherwise can't be told from stored scores, so it is left as it was found."
        )
    if lost:
        yield (
            f"The policies of {lost:,} decisions are not kept any more: whether they looked for "
            "something else is not known."
        )
