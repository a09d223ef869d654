"""Applies a policy's rules to one text or picture that was judged by its thresholds.

Typed content as a whole is judged elsewhere, by the same rules; only there they set things off.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from gaveld.application.failures import place_of
from gaveld.application.ports import Patterns, UserStore
from gaveld.application.run_rules import RunRules
from gaveld.domain.conforming import conform, content_type_named
from gaveld.domain.errors import Unavailable
from gaveld.domain.policies import Policy
from gaveld.domain.rule_facts import FactsOfPart, facts_of
from gaveld.domain.rules import CallFacts, Rule, RuleOutcome, UserHistory
from gaveld.domain.signals import ClassifierOutcome
from gaveld.domain.verdicts import Verdict, known_scores, raised_by_rules

_log = logging.getLogger(__name__)


class Ruled(NamedTuple):
    """A verdict as the rules left it, and how they came out."""

    verdict: Verdict
    outcomes: tuple[RuleOutcome, ...]


class ApplyRules:
    """Has the rules of a policy run on what was learnt of one text or picture.

    ``users`` is None where nothing is stored: users are unknown then.
    """

    def __init__(
        self, run_rules: RunRules, patterns: Patterns, users: UserStore | None = None
    ) -> None:
        self._run_rules = run_rules
        self._patterns = patterns
        self._users = users

    def fitted(self, policy: Policy, said: CallFacts) -> CallFacts:
        """Return what a call says of its content as the content's type means it.

        Raises ``InvalidRequest`` (UNKNOWN_CONTENT_TYPE, CONTENT_TYPE_MISMATCH).
        """
        content_type = content_type_named(said.content_type, policy.content_types)
        if content_type is None or said.fields is None:
            return said
        return replace(said, fields=conform(content_type, said.fields, self._patterns.fits))

    async def __call__(
        self,
        policy: Policy,
        verdict: Verdict,
        looks: Iterable[ClassifierOutcome],
        part: FactsOfPart,
        said: CallFacts,
        *,
        project: str,
    ) -> Ruled:
        """Return the verdict as the rules leave it; ``looks`` are what became of every classifier.

        A user's history that can't be read is unknown.
        """
        if not policy.rules:
            return Ruled(verdict, ())
        facts = facts_of(
            verdict,
            (part,),
            content=said.fields,
            content_type=said.content_type,
            user=await self._user(policy.rules, project, said.actor_id),
        )
        facts = replace(facts, categories=known_scores(verdict, looks))
        outcomes = await self._run_rules(policy, facts)
        return Ruled(raised_by_rules(verdict, outcomes, policy), outcomes)

    async def _user(self, rules: Sequence[Rule], project: str, actor_id: str) -> UserHistory | None:
        asked = any(rule.enabled and "user" in rule.condition for rule in rules)
        return await history_of(self._users, project, actor_id) if asked else None


async def history_of(users: UserStore | None, project: str, actor_id: str) -> UserHistory | None:
    """Return what rules may ask of a user: one that was never seen did nothing yet.

    None, which is unknown, for a user whom nobody named or whose history can't be read.
    """
    if users is None or not actor_id:
        return None
    try:
        history = await users.history(project, actor_id, datetime.now(UTC))
    except Unavailable as failure:
        _log.error("user history not read", extra={"cause": place_of(failure.__cause__ or failure)})
        return None
    return history or UserHistory(actor_id)
