"""The transformer as a classifier of text samples: readings in, attributes and findings out.

It reports everything above a floor, and topics and mood of the text as it was sent. It decides
nothing: thresholds are the policy's.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.emoji import with_named_emoji
from gaveld.adapters.text.labels import ATTRIBUTES, CATEGORIES, REASONS
from gaveld.adapters.text.toxicity_model import LinearCompanion, blend
from gaveld.adapters.text.transformer_model.batcher import (
    BUCKET_TOKENS,
    TOKENS_A_BATCH,
    Batcher,
    BatchRun,
    PassageLogits,
)
from gaveld.adapters.text.transformer_model.engine import Engine, Numbers
from gaveld.adapters.text.transformer_model.manifest import Label, Manifest
from gaveld.adapters.text.transformer_model.panel_heads import PanelHeads
from gaveld.adapters.text.transformer_model.passages import (
    MAX_PASSAGES,
    Cut,
    Passage,
    PassageCutter,
)
from gaveld.adapters.text.transformer_model.spans import joined, peaks, telling_words
from gaveld.adapters.text.transformer_model.subject import SubjectReader
from gaveld.application.ports import PanelScores
from gaveld.domain.content import FoldedText, Span, TextReadings, TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding

MODEL_RELEASE: Final = "1.0.0"
OVERLAP_PARTS: Final = 4
"""Neighbouring passages share one part in so many, which is a sentence of ordinary length."""

SCORE_FLOOR: Final = 0.01
"""Below this probability a label is no finding, so that answers are not full of noise."""

TELLING_SCORE: Final = 0.5
"""From this score on, every passage of a text points at its words, not the strongest alone."""

MAX_SPANS: Final = 100
"""Of one label in one text; the last of them reaches to the last word that was found."""

PASSAGES_AT_ONCE: Final = 4
"""A long text asks for so many of its passages at a time, so that short texts get in between."""

_LIMITS: Final = (
    "Knows English word pieces only. Reads about {tokens} tokens of a text; of a longer one the "
    "beginning and the end, and says so. Irony and what only context tells escape it. Runs on "
    "{engine}."
)

Scores = npt.NDArray[np.float64]


class _View(NamedTuple):
    """One reading of the text, as the transformer is given it."""

    reading: FoldedText
    passages: tuple[Passage, ...]
    unread_characters: int


class _Opened(NamedTuple):
    """A text ready to be judged: its views, and the companion's logits, NaN where it has none.

    ``further`` are the passages of each group of texts beside it.
    """

    views: list[_View]
    further: list[tuple[Passage, ...]]
    companion: Scores


class _Read(NamedTuple):
    """One passage of one view, what the network said of it, and each token kind's peak in it."""

    view: _View
    passage: Passage
    logits: PassageLogits
    peaks: list[float]


class TransformerTextClassifier:
    """Scores text by a trained transformer, in batches with whatever else is being judged.

    ``lane`` is where texts are tokenised; one that long texts of other classifiers do not fill.
    ``tokens_a_batch`` bounds a batch, padding included. ``on_batch`` hears of every batch, on the
    engine's thread. A text for which the companion gives every label less than ``cascade_below``
    is taken at its word, and the engine is not asked. Call ``close`` at the end.
    """

    def __init__(
        self,
        lane: CpuLane,
        manifest: Manifest,
        engine: Engine,
        *,
        tokens_a_batch: int = TOKENS_A_BATCH,
        on_batch: Callable[[BatchRun], None] | None = None,
        cascade_below: float = 0.0,
    ) -> None:
        self._lane = lane
        self._cascade_below = cascade_below
        self._cutter = PassageCutter(
            manifest.tokenizer, manifest.max_tokens, manifest.max_tokens // OVERLAP_PARTS
        )
        self._max_tokens = manifest.max_tokens
        self._labels = manifest.labels
        self._token_kinds = manifest.token_kinds
        self._slopes = np.array([label.slope for label in manifest.labels])
        self._intercepts = np.array([label.intercept for label in manifest.labels])
        self._token_threshold = manifest.token_threshold
        self._subject = SubjectReader(manifest)
        self._panel = PanelHeads(manifest)
        self._batcher = Batcher(engine, tokens_a_batch=tokens_a_batch, on_batch=on_batch)
        self._companion, self._companion_share = None, 0.0
        if manifest.companion is not None:
            self._companion, self._companion_share = LinearCompanion(), manifest.companion.share
            if self._companion.digest != manifest.companion.digest:
                raise ValueError("it was calibrated beside another linear model: finish it again")
        columns = list(enumerate(manifest.labels))
        self._category_columns = [(n, label) for n, label in columns if label.name in CATEGORIES]
        self._attribute_columns = [
            (n, ATTRIBUTES[label.name]) for n, label in columns if label.name in ATTRIBUTES
        ]
        names = {label.name for label in manifest.labels}
        self._card = ClassifierCard(
            name="transformer",
            version=f"{MODEL_RELEASE}+{manifest.digest}.{engine.name}",
            categories=frozenset(CATEGORIES[name] for name in names & CATEGORIES.keys()),
            attributes=frozenset(ATTRIBUTES[name] for name in names & ATTRIBUTES.keys()),
            languages=frozenset({"en"}),
            limits=_LIMITS.format(
                tokens=MAX_PASSAGES * manifest.max_tokens * (OVERLAP_PARTS - 1) // OVERLAP_PARTS,
                engine=engine.name,
            ),
            reads_sentences=True,
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; the version names the weights and the engine."""
        return self._card

    @property
    def heads(self) -> int:
        """How many heads its panel has; 0 for a network without one."""
        return self._panel.count

    async def warm_up(self) -> None:
        """Run a batch of every padded length once, and prove that the scores are numbers."""
        for length in range(BUCKET_TOKENS, self._max_tokens + BUCKET_TOKENS, BUCKET_TOKENS):
            ids = np.ones(min(length, self._max_tokens), np.int64)
            logits = await self._batcher.read(ids)
            shapes = (logits.labels.shape, logits.tokens.shape)
            if shapes != (self._slopes.shape, (len(ids), self._token_kinds)):
                raise ValueError("the network's outputs are not what its manifest says")
            if not np.isfinite(logits.labels).all():
                raise ValueError("the network gives no finite scores: train or export it again")
            self._subject.check(logits)
            self._panel.check(logits)

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return attributes, findings for each category above the floor, topics and mood."""
        opened = await self._lane.aside(partial(self._open, sample.readings, ()))
        if self._is_plain(opened):
            return self._plain_report(opened.companion)
        return self._report(sample, opened, await self._answers(opened))

    async def score(self, sample: TextSample, further: Sequence[Sequence[str]] = ()) -> PanelScores:
        """Return that report and what the panel's heads say; see ``PanelScorer.score``."""
        opened = await self._lane.aside(partial(self._open, sample.readings, further))
        answers = await self._answers(opened)
        own = [view.passages for view in opened.views]
        of_views, of_further = (
            [self._panel.scores([answers[passage.key] for passage in cut]) for cut in cuts]
            for cuts in (own, opened.further)
        )
        return PanelScores(
            self._report(sample, opened, answers),
            of_views[0],
            of_views[-1],
            tuple(of_further),
            self._said_by_companion(opened.companion),
        )

    def _is_plain(self, opened: _Opened) -> bool:
        """Whether the companion is sure enough that there is nothing to find in all of the text."""
        known = opened.companion[~np.isnan(opened.companion)]
        whole = not any(view.unread_characters for view in opened.views)
        return bool(len(known) and whole and _sigmoid(known.max()) < self._cascade_below)

    def _plain_report(self, companion: Scores) -> ClassifierReport:
        return ClassifierReport(
            attributes={
                ATTRIBUTES[label.name]: float(_sigmoid(logit))
                for label, logit in zip(self._labels, companion, strict=True)
                if label.name in ATTRIBUTES and not np.isnan(logit)
            }
        )

    def close(self) -> None:
        """End the engine's thread; calls in progress fail."""
        self._batcher.close()

    async def _answers(self, opened: _Opened) -> dict[bytes, PassageLogits]:
        cuts = (*(view.passages for view in opened.views), *opened.further)
        return await self._ask({p.key: p for cut in cuts for p in cut})

    def _report(
        self, sample: TextSample, opened: _Opened, answers: Mapping[bytes, PassageLogits]
    ) -> ClassifierReport:
        views = opened.views
        reads = [
            _Read(view, passage, logits, peaks(logits.tokens))
            for view in views
            for passage in view.passages
            for logits in (answers[passage.key],)
        ]
        labels = np.stack([read.logits.labels for read in reads])
        # Plain numbers from here on: steps over arrays as small as these cost more than they do.
        scores = self._probabilities(labels, opened.companion).T.tolist()
        findings = [
            finding
            for column, label in self._category_columns
            if max(scores[column]) >= SCORE_FLOOR
            for finding in self._findings(sample.text, reads, scores[column], label)
        ]
        attributes = {
            attribute: max(scores[column]) for column, attribute in self._attribute_columns
        }
        unread = max(view.unread_characters for view in views)
        as_sent = [read.logits for read in reads if read.view is views[0]]
        return ClassifierReport(
            tuple(findings),
            attributes,
            f"The text is long; {unread} characters in its middle were not read." if unread else "",
            self._subject.topics(as_sent),
            self._subject.sentiment(as_sent),
        )

    def _open(
        self, readings: TextReadings, further: Sequence[Sequence[str]], checkpoint: Checkpoint
    ) -> _Opened:
        names = [label.name for label in self._labels]
        said = np.full(len(names), np.nan)
        if self._companion is not None:
            said = self._companion.logits(readings, names, checkpoint)
        beside = [
            tuple(
                passage
                for text in group
                for passage in self._cutter.cut(
                    with_named_emoji(FoldedText.identity(text)).text, checkpoint
                ).passages
            )
            for group in further
        ]
        return _Opened(self._views(readings, checkpoint), beside, said)

    def _views(self, readings: TextReadings, checkpoint: Checkpoint) -> list[_View]:
        texts = [FoldedText.identity(readings.as_sent)]
        if readings.unmasked.text != readings.as_sent.lower():
            texts.append(readings.unmasked)
        texts = [with_named_emoji(view) for view in texts]
        cuts: list[Cut] = [self._cutter.cut(view.text, checkpoint) for view in texts]
        return [
            _View(reading, cut.passages, cut.unread_characters)
            for reading, cut in zip(texts, cuts, strict=True)
        ]

    async def _ask(self, passages: dict[bytes, Passage]) -> dict[bytes, PassageLogits]:
        if len(passages) == 1:
            ((key, passage),) = passages.items()
            return {key: await self._batcher.read(passage.ids)}
        answers: dict[bytes, PassageLogits] = {}
        todo = iter(passages.items())

        async def work(todo: Iterator[tuple[bytes, Passage]]) -> None:
            for key, passage in todo:
                answers[key] = await self._batcher.read(passage.ids)

        async with asyncio.TaskGroup() as workers:
            for _worker in range(min(PASSAGES_AT_ONCE, len(passages))):
                workers.create_task(work(todo))
        return answers

    def _probabilities(self, labels: Numbers, companion: Scores) -> Scores:
        blended = blend(labels.astype(np.float64), companion, self._companion_share)
        return _sigmoid(blended * self._slopes + self._intercepts)

    def _said_by_companion(self, logits: Scores) -> dict[str, float]:
        return {
            CATEGORIES[label.name]: float(chance)
            for label, chance in zip(self._labels, _sigmoid(logits), strict=True)
            if label.name in CATEGORIES and not np.isnan(chance)
        }

    def _findings(
        self, text: str, reads: Sequence[_Read], scores: Sequence[float], label: Label
    ) -> list[Finding]:
        score = max(scores)
        spans: list[Span | None] = list(self._spans(text, reads, scores, label))
        return [
            Finding(
                category_id=CATEGORIES[label.name],
                score=score,
                reason=REASONS[label.name],
                classifier=self._card.name,
                version=self._card.version,
                span=span,
            )
            for span in spans or [None]
        ]

    def _spans(
        self, text: str, reads: Sequence[_Read], scores: Sequence[float], label: Label
    ) -> list[Span]:
        if not label.span_kinds:
            return []
        strongest, threshold = scores.index(max(scores)), self._token_threshold
        ranges: list[tuple[int, int]] = [
            read.view.reading.original(start, end)
            for number, read in enumerate(reads)
            if number == strongest or scores[number] >= TELLING_SCORE
            for kinds in ([kind for kind in label.span_kinds if read.peaks[kind] >= threshold],)
            for start, end in telling_words(read.passage, read.logits.tokens, kinds, threshold)
        ]
        whole = joined(text, ranges)
        if len(whole) > MAX_SPANS:
            whole[MAX_SPANS - 1 :] = [(whole[MAX_SPANS - 1][0], whole[-1][1])]
        return [Span(start, end) for start, end in whole]


def _sigmoid(margins: Scores) -> Scores:
    chances: Scores = 1 / (1 + np.exp(-np.clip(margins, -_STEEPEST, _STEEPEST)))
    return chances


_STEEPEST: Final = 50.0
"""Beyond this margin a probability is 0 or 1 to the last digit; it keeps exp() from overflowing."""
