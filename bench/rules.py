"""What a rule's condition costs, beside the bare engine and the least that Python could do."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cel_expr_python import cel
from rich.console import Console
from rich.table import Table

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.adapters.rules.bounds import MAX_CONTENT_BYTES, MAX_COST, MAX_TEXT_BYTES
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.run_rules import RunRules
from gaveld.domain.policies import Policy
from gaveld.domain.rules import Rule, RuleFacts, UserHistory
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

SECONDS_EACH: Final = 0.5
POST: Final = ContentType(
    "Post",
    (
        FieldDefinition("age", FieldType.INT),
        FieldDefinition("body", FieldType.STRING),
        FieldDefinition("tags", FieldType.LIST, item=FieldDefinition("", FieldType.STRING)),
    ),
)
CONTENT: Final[dict[str, Any]] = {"age": 17, "body": "a word " * 60, "tags": tuple("abcdefgh")}
FACTS: Final = RuleFacts(
    scores={"toxicity": 0.9, "insult": 0.4, "threat": 0.1},
    categories={"H1": 0.9, "H2": 0.1},
    findings=frozenset({"H1"}),
    image_scores={},
    language="en",
    verdict="review",
    coverage="complete",
    content=CONTENT,
    content_type="Post",
    user=UserHistory("somebody"),
)
LARGEST: Final = replace(
    FACTS,
    content={
        "age": 17,
        "body": "a" * MAX_TEXT_BYTES,
        "tags": ("a" * ((MAX_CONTENT_BYTES - MAX_TEXT_BYTES) // 256),) * 256,
    },
)
FLAGS: Final = UserHistory("somebody").windows[0]
CONDITIONS: Final[dict[str, Callable[[], Any]]] = {
    "scores.toxicity > 0.8 && content.age < 18": lambda: (
        FACTS.scores["toxicity"] > 0.8 and CONTENT["age"] < 18
    ),
    '"H1" in findings && user.flags_24h >= 3': lambda: "H1" in FACTS.findings and FLAGS.flags >= 3,
    'content.body.contains("free money")': lambda: "free money" in CONTENT["body"],
    'content.tags.exists(tag, tag == "z")': lambda: any(tag == "z" for tag in CONTENT["tags"]),
}
DEAREST: Final = (
    'content.body.contains("' + "a" * 2_000 + 'b")',
    'content.body.matches("(?i)(one|two|three|four|five|six)[a-z]{1,20}[0-9]")',
    "content.body in content.tags && content.tags == content.tags",
    'content.tags.exists(a, a.lowerAscii().contains("zz"))',
    "[" + ",".join("1" * 2_000) + "].all(x, x == 1)",
)


def microseconds(work: Callable[[], object]) -> float:
    """Return what one call takes, over as many as there is time for."""
    work()
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < SECONDS_EACH:
        for _ in range(50):
            work()
        done += 50
    return elapsed / done * 1e6


def bare(source: str) -> Callable[[], object]:
    """Return the condition on the bare engine, over values that are ready for it."""
    env = cel.NewEnv(
        variables={
            "scores": cel.Type("map<string, double>"),
            "content": cel.Type("map<string, dyn>"),
            "user": cel.Type("map<string, dyn>"),
            "findings": cel.Type("list<string>"),
        }
    )
    expression = env.compile(source)
    data = {
        "scores": dict(FACTS.scores),
        "findings": list(FACTS.findings),
        "user": {"flags_24h": 0},
        "content": {"age": 17, "body": "a word " * 60, "tags": list("abcdefgh")},
    }
    return lambda: expression.eval(data=data)


def measure_conditions(console: Console) -> None:
    """Print what conditions cost that people write."""
    compiler = CelConditionCompiler()
    table = Table("condition", "µs", "bare engine, µs", "Python by hand, µs", "compiled in, µs")
    for source, by_hand in CONDITIONS.items():
        condition = compiler.compile(source, [POST])
        table.add_row(
            source,
            f"{microseconds(partial(condition.holds, FACTS)):.1f}",
            f"{microseconds(bare(source)):.1f}",
            f"{microseconds(by_hand):.2f}",
            f"{microseconds(compiling_anew(compiler, source)):.0f}",
        )
    console.print(table)


def compiling_anew(compiler: CelConditionCompiler, source: str) -> Callable[[], object]:
    """Return what compiles a condition that is written anew each time: none is remembered."""
    numbers = itertools.count()
    return lambda: compiler.compile(f"{source} // {next(numbers)}", [POST])


def measure_bounds(console: Console) -> None:
    """Print what conditions near the bound cost on the largest content, beside the bound."""
    compiler = CelConditionCompiler()
    table = Table("condition", "ms on the largest content", "share of the bound")
    for source in DEAREST:
        condition = compiler.compile(source, [POST])
        best = min(_seconds(partial(condition.holds, LARGEST)) for _ in range(5))
        shown = source if len(source) < 60 else f"{source[:57]}…"
        table.add_row(shown, f"{best * 1e3:.1f}", f"{best * 1e6 / MAX_COST:.0%}")
    console.print(table)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def measure_policies(console: Console) -> None:
    """Print what all rules of a policy cost one call."""
    run = RunRules(CelConditionCompiler(), PrometheusTelemetry())
    table = Table("rules", "µs a call", "µs a rule")
    for count in (0, 1, 16, 256):
        sources = list(CONDITIONS)
        policy = Policy(
            f"bench@{count}",
            {},
            content_types=(POST,),
            rules=tuple(
                Rule(f"r{n}", "A rule", sources[n % len(sources)], content_types=("Post",))
                for n in range(count)
            ),
        )
        await run(policy, FACTS)
        started, done = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < SECONDS_EACH:
            await run(policy, FACTS)
            done += 1
        each = elapsed / done * 1e6
        table.add_row(str(count), f"{each:.1f}", f"{each / count:.1f}" if count else "")
    console.print(table)


def main(console: Console) -> None:
    """Measure conditions, the dearest ones, and policies."""
    measure_conditions(console)
    measure_bounds(console)
    asyncio.run(measure_policies(console))
