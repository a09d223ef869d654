"""Has the server's own code read examples, and keeps what the panel's members see of each.

Nothing is fitted or measured here, and no text is kept.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from gaveld.adapters.reviewers.embedded.members import Member, View, Witness
from gaveld.adapters.reviewers.embedded.texts import sentences
from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.lexicon import LexiconClassifier
from gaveld.adapters.text.normalise.normaliser import read
from gaveld.adapters.text.transformer_model import (
    Manifest,
    OnnxRuntimeEngine,
    TransformerTextClassifier,
)
from gaveld.application.ports import HeadScores
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy

Numbers = npt.NDArray[np.float64]

AT_ONCE: Final = 64
THREADS: Final = 2

_VIEWS: Final = (View.AS_SENT, View.UNMASKED, View.SENTENCES)
_POLICY: Final = Policy("training", {})


class Labelled(Protocol):
    """As much of a training example as is looked at here."""

    @property
    def text(self) -> str:
        """The text as it is learnt from."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    @property
    def answers(self) -> npt.NDArray[np.float32]:
        """1, 0 or -1 (unknown) a label."""
        ...

    @property
    def deduced(self) -> npt.NDArray[np.bool_]:
        """Which of the answers nobody set."""
        ...


@dataclass(frozen=True)
class Seen:
    """What is seen of some texts; probabilities and scores, 0–1.

    ``heads`` is ``[texts, views, heads, categories]``, with the views that a text has by itself;
    ``companion`` is ``[texts, categories]``, NaN where it has no say; ``lexicon`` is the strongest
    listed word of each category, 0 for none.
    """

    categories: tuple[str, ...]
    heads: Numbers
    companion: Numbers
    lexicon: Numbers

    def of(self, member: Member) -> tuple[Numbers, Numbers, Numbers]:
        """Return head, companion and lexicon, each ``[texts, categories]``, as a member sees them.

        The companion is NaN where it has no say, or the member does not hear it.
        """
        own = [place for place, view in enumerate(_VIEWS) if view in member.views] or [0]
        heads: Numbers = self.heads[:, own, member.head].max(axis=1)
        hears_companion = Witness.COMPANION in member.witnesses
        hears_words = Witness.LEXICON in member.witnesses
        return (
            heads,
            self.companion if hears_companion else np.full_like(self.companion, np.nan),
            self.lexicon if hears_words else np.zeros_like(self.lexicon),
        )


@contextmanager
def opened(folder: Path) -> Iterator[tuple[TransformerTextClassifier, LexiconClassifier]]:
    """Load the model of a folder, and the lexicon."""
    manifest = Manifest.read(folder)
    lane, aside = CpuLane(THREADS), CpuLane(THREADS)
    model = TransformerTextClassifier(aside, manifest, OnnxRuntimeEngine(manifest.weights, THREADS))
    try:
        yield model, LexiconClassifier(lane)
    finally:
        model.close()
        lane.close()
        aside.close()


def see(
    examples: Sequence[Labelled],
    model: TransformerTextClassifier,
    lexicon: LexiconClassifier,
    advance: Callable[[], object],
) -> Seen:
    """Return what is seen of every example; ``advance`` is called after each."""
    categories = tuple(sorted(model.card.categories))
    heads = np.zeros((len(examples), len(_VIEWS), model.heads, len(categories)))
    companion = np.full((len(examples), len(categories)), np.nan)
    words = np.zeros((len(examples), len(categories)))
    todo = iter(enumerate(examples))

    async def work() -> None:
        for row, example in todo:
            text = example.text
            readings = read(text, lambda: None)
            sample = TextSample(readings, DetectedLanguage("en", 1.0), _POLICY)
            scores = await model.score(sample, [sentences(text) or (text,)])
            views = (scores.as_sent, scores.unmasked, scores.further[0])
            heads[row] = [_table(view, categories) for view in views]
            for category_id, chance in scores.companion.items():
                companion[row, categories.index(category_id)] = chance
            for finding in (await lexicon.classify(sample)).findings:
                if finding.category_id in categories:
                    place = row, categories.index(finding.category_id)
                    words[place] = max(words[place], finding.score)
            advance()

    async def everything() -> None:
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    asyncio.run(everything())
    return Seen(categories, heads, companion, words)


def _table(view: HeadScores, categories: Sequence[str]) -> list[list[float]]:
    return [[head[category_id] for category_id in categories] for head in view]
