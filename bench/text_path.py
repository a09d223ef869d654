"""Texts a second through the whole text path, against each of its parts alone, in one run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from rich.console import Console
from rich.table import Table

from bench.samples import LONG, SHORT
from gaveld.application.ports import Classifier
from gaveld.bootstrap.container import build
from gaveld.bootstrap.settings import CacheSettings, Settings
from gaveld.domain.content import TextSample, TextSubmission
from gaveld.domain.policies import Policy, PolicyOverrides

SECONDS_EACH = 1.5
Work = Callable[[str], Awaitable[object]]


async def rate(work: Work, texts: Sequence[str]) -> float:
    """Return how many texts a second ``work`` gets through, one after another."""
    for text in texts:
        await work(text)
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < SECONDS_EACH:
        for text in texts:
            await work(text)
        done += len(texts)
    return done / elapsed


async def parts_of(stack: AsyncExitStack) -> dict[str, Work]:
    """Return the whole path first, then its parts, each as work on one text."""
    application = await build(Settings(cache=CacheSettings(max_bytes=0)), stack)
    path = application.text_path
    await path.warm_up()
    policy = Policy("bench", {})

    async def whole(text: str) -> object:
        return await application.moderate_text(
            TextSubmission(text),
            project="bench",
            overrides=PolicyOverrides(),
            deadline_seconds=30,
        )

    parts: dict[str, Work] = {
        "whole path": whole,
        "normalise": path.normaliser.normalise,
        "language": path.language_detector.detect,
    }
    samples: dict[str, TextSample] = {}
    for text in (*SHORT, *LONG):
        readings = await path.normaliser.normalise(text)
        language = await path.language_detector.detect(text)
        samples[text] = TextSample(readings, language, policy)
    for classifier in path.classifiers:
        parts[classifier.card.name] = _on_samples(classifier, samples)
    return parts


def _on_samples(classifier: Classifier[TextSample], samples: dict[str, TextSample]) -> Work:
    async def classify(text: str) -> object:
        return await classifier.classify(samples[text])

    return classify


async def measure(console: Console) -> None:
    """Print one table for short texts and one for long ones."""
    async with AsyncExitStack() as stack:
        parts = await parts_of(stack)
        for title, texts in (("short texts", SHORT), ("texts of 2,000 characters", LONG)):
            table = Table("part", "texts/s", "µs a text", "share of the whole path", title=title)
            whole = 0.0
            for name, work in parts.items():
                per_second = await rate(work, texts)
                whole = whole or per_second
                share = f"{whole / per_second:.0%}"
                table.add_row(name, f"{per_second:,.0f}", f"{1e6 / per_second:,.0f}", share)
            console.print(table)


def main(console: Console) -> None:
    """Run the benchmark."""
    asyncio.run(measure(console))
