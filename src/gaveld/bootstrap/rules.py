"""Puts together what works out the conditions of policies' rules, once for everything that does."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.rules import CelConditionCompiler, Re2Patterns
from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.apply_rules import ApplyRules
from gaveld.application.ports import Patterns, Telemetry, UserStore
from gaveld.application.run_rules import RunRules
from gaveld.bootstrap.settings import Settings


@dataclass(frozen=True, slots=True)
class Rules:
    """What runs rules. ``users`` is None where nothing is stored of what users did."""

    run_rules: RunRules
    patterns: Patterns
    users: UserStore | None

    @property
    def apply_rules(self) -> ApplyRules:
        """What applies them to single texts and pictures."""
        return ApplyRules(self.run_rules, self.patterns, self.users)


def build_rules(settings: Settings, telemetry: Telemetry, engine: AsyncEngine | None) -> Rules:
    """Return what runs rules; users' histories are known where content is submitted as jobs."""
    users = SqlUserStore(engine) if engine is not None and settings.work.enabled else None
    return Rules(RunRules(CelConditionCompiler(), telemetry), Re2Patterns(), users)
