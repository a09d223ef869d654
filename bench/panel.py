"""What the embedded panel of ten costs against one reviewer, on texts that were never read before.

Everything runs in this process, without a wire: reading the text, one pass of the transformer, the
reviewers' votes. Every ballot is waited for. ``ModerateText`` on texts of the same kind stands
beside it: one reading, and no panel.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.samples import LONG, SHORT
from gaveld.application.panels import ReviewWishes
from gaveld.bootstrap.container import Application, build
from gaveld.bootstrap.settings import CacheSettings, Settings
from gaveld.domain.content import TextSubmission
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.reviews import ContentKind, ConversationContent, ReviewContent, TextContent, Turn

AMOUNTS: Final = (1, 2, 5, 10)
ROUNDS: Final = 40
ENGLISH: Final = SHORT[:-1]

Make = Callable[[str], ReviewContent]
Work = Callable[[str], Awaitable[object]]


def turns(text: str) -> ConversationContent:
    """Return ten turns, none of which was said before, with a text as the last."""
    number = text.partition(" ")[0]
    said = [*(f"{number} {entry}" for entry in ENGLISH), text]
    roles = itertools.cycle(("user", "assistant"))
    return ConversationContent(
        tuple(Turn(entry, role) for entry, role in zip(said, roles, strict=False))
    )


CONTENTS: Final[dict[str, tuple[ContentKind, Make, tuple[str, ...]]]] = {
    "short texts": (ContentKind.TEXT, TextContent, ENGLISH),
    "2,000 characters": (ContentKind.TEXT, TextContent, LONG),
    "search queries": (ContentKind.SEARCH, TextContent, ENGLISH),
    "ten turns": (ContentKind.CONVERSATION, turns, ENGLISH),
}


def works(application: Application, kind: ContentKind, make: Make) -> list[Work]:
    """Return what is timed: moderating a text, and its review by ever more reviewers."""
    review = application.review_compliance

    async def moderate(text: str) -> object:
        return await application.moderate_text(
            TextSubmission(text), project="bench", overrides=PolicyOverrides(), deadline_seconds=60
        )

    def reviewed(amount: int) -> Work:
        wishes = ReviewWishes(amount=amount, wants_every_ballot=True)

        async def work(text: str) -> object:
            return await review(kind, make(text), wishes, project="bench", deadline_seconds=60)

        return work

    return [moderate, *map(reviewed, AMOUNTS)]


async def milliseconds(
    timed: list[Work], texts: list[str], numbers: "itertools.count[int]"
) -> list[float]:
    """Return the median time of each work on a text; they take turns, and no two get one text."""
    seconds: list[list[float]] = [[] for _ in timed]
    for text in texts:
        for work, own in zip(timed, seconds, strict=True):
            fresh = f"{next(numbers)} {text}"
            started = time.perf_counter()
            await work(fresh)
            own.append(time.perf_counter() - started)
    return [1e3 * median(own) for own in seconds]


async def measure(console: Console) -> None:
    """Print one table: a review's time by kind of content and number of reviewers."""
    settings = Settings(cache=CacheSettings(max_bytes=0))
    async with AsyncExitStack() as stack:
        application = await build(settings, stack)
        await application.text_path.warm_up()
        numbers = itertools.count(10_000)
        heads = (f"{amount} of ten, ms" for amount in AMOUNTS)
        table = Table("", "ModerateText, ms", *heads, "10 against 1", title="The embedded panel")
        for name, (kind, make, texts) in CONTENTS.items():
            asked = list(itertools.islice(itertools.cycle(texts), ROUNDS))
            timed = works(application, kind, make)
            moderated, *reviews = await milliseconds(timed, asked, numbers)
            cells = (f"{value:.2f}" for value in reviews)
            is_one_text = kind is not ContentKind.CONVERSATION
            table.add_row(
                name,
                f"{moderated:.2f}" if is_one_text else "–",
                *cells,
                f"{reviews[-1] / reviews[0]:.2f} ×",
            )
        console.print(table)


def main(console: Console) -> None:
    """Run the benchmark."""
    asyncio.run(measure(console))
