"""How many stored decisions a second a backtest tries, and how fast a busy user's history is read.

Beside a backtest stands what the same database does when the same rows are only read, by the bare
driver and in the same run.
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from tests.decisions import decided
from tests.fakes.policies import FakePolicyHistory

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.adapters.storage.decisions import SqlDecisionStore, record_decision
from gaveld.adapters.storage.journal import write_ahead
from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.users import Deed, SqlUserStore, UserHourRow, count_deed
from gaveld.application.backtest import BacktestPlan, BacktestPolicy
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import JudgedPart, Records
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import Rule
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus

DECISIONS: Final = 10_000
CONTENTS: Final = 100_000
TOGETHER: Final = 1_000
READS: Final = 200
START: Final = datetime(2026, 11, 1, tzinfo=UTC)
CLASSIFIERS: Final = 8
CONDITIONS: Final = (
    "scores.toxicity > 0.8",
    '"H2" in findings && categories.H2 > 0.7',
    'verdict == "review" && coverage == "complete"',
    "user.flags_24h >= 3",
    'language == "en" && scores.spam > 0.9',
)
POLICY: Final = Policy(
    "shop@1",
    {name: CategoryRule(0.5, 0.9) for name in ("H1", "H2", "H3", "L1", "S1", "V1")},
)
OTHER: Final = replace(POLICY, categories={name: CategoryRule(0.4, 0.8) for name in ("H2", "L1")})
RULES: Final = tuple(
    Rule(f"r{number}", f"Rule {number}", condition, verdict=Action.REVIEW)
    for number, condition in enumerate(CONDITIONS)
)


def main(console: Console) -> None:
    """Run the benchmark and print what it found."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measured(console, Path(folder) / "gavel.db"))


async def _measured(console: Console, file: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    write_ahead(engine)
    await migrate(engine)
    await _fill(engine)
    with closing(sqlite3.connect(file)) as database:
        started = time.perf_counter()
        rows = database.execute("SELECT * FROM decisions ORDER BY decided_at, id").fetchall()
        bare = len(rows) / (time.perf_counter() - started)
        size = database.execute("SELECT avg(length(judgement)) FROM decisions").fetchone()[0]
    table = Table("what", "decisions/s", "CPU µs each")
    table.add_row("rows read by the bare driver", f"{bare:,.0f}")
    for name, policy in (
        ("a backtest of thresholds", OTHER),
        (f"a backtest with {len(RULES)} rules", replace(OTHER, rules=RULES)),
    ):
        rate, microseconds = await _tried(engine, policy)
        table.add_row(name, f"{rate:,.0f}", f"{microseconds:,.0f}")
    console.print(table)
    milliseconds = await _history_milliseconds(engine)
    console.print(f"A decision takes {size:,.0f} bytes of JSON.")
    console.print(
        f"The history of a user with {CONTENTS:,} contents: {milliseconds:.2f} ms a read."
    )
    await engine.dispose()


async def _fill(engine: AsyncEngine) -> None:
    """Keep decisions as content leaves them: one part, eight classifiers, a finding or two."""
    chance = random.Random(7)
    outcomes = tuple(
        ClassifierOutcome(
            ClassifierCard(f"classifier-{n}", "1.0.0+abcdef12", frozenset(POLICY.categories)),
            OutcomeStatus.RAN,
        )
        for n in range(CLASSIFIERS)
    )
    for first in range(0, DECISIONS, TOGETHER):
        async with async_sessionmaker(engine).begin() as session:
            for number in range(first, first + TOGETHER):
                findings = tuple(
                    Finding(name, chance.random(), "", "classifier-0", "1.0.0+abcdef12")
                    for name in chance.sample(sorted(POLICY.categories), 2)
                )
                decision = decided(
                    f"{number:032x}",
                    JudgedPart("body", findings, outcomes),
                    policy=POLICY,
                    at=START + timedelta(seconds=number),
                    actor_id="",
                )
                scores = {name: chance.random() for name in ("toxicity", "insult", "spam")}
                decision = replace(decision, facts=replace(decision.facts, scores=scores))
                await record_decision(session, Records(decision))


async def _tried(engine: AsyncEngine, policy: Policy) -> tuple[float, float]:
    """Return how many decisions a second are tried, and the CPU time of each in microseconds."""
    backtest = BacktestPolicy(
        SqlDecisionStore(engine), FakePolicyHistory(POLICY), CelConditionCompiler()
    )
    plan = BacktestPlan("shop", policy, START, START + timedelta(days=30))
    started, worked = time.perf_counter(), time.process_time()
    report = await backtest(plan)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    return report.decision_count / seconds, cpu_seconds / report.decision_count * 1e6


async def _history_milliseconds(engine: AsyncEngine) -> float:
    """Leave behind what contents of thirty days do, and read the history of who made them."""
    now = START + timedelta(days=30)
    hours = range(int(now.timestamp() // 3600) - 720, int(now.timestamp() // 3600))
    each = CONTENTS // len(hours)
    async with async_sessionmaker(engine).begin() as session:
        deed = Deed("shop", "busy", now, is_flag=True, is_strike=True)
        await count_deed(session, deed, half_life_days=30, kept_days=90)
        session.add_all(
            UserHourRow(project="shop", actor_id="busy", hour=hour, kind=kind, count=each)
            for hour in hours
            for kind in ("contents", "flags", *POLICY.categories)
        )
    users = SqlUserStore(engine)
    started = time.perf_counter()
    for _ in range(READS):
        await users.history("shop", "busy", now)
    return (time.perf_counter() - started) / READS * 1000
