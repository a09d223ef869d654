"""Ports of reading a text whole: its signals, opinions of a model of several heads, a memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, ClassifierReport, Signals


@dataclass(frozen=True, slots=True)
class TextSignals:
    """What was learnt about a text, without the text: enough to judge it by any thresholds.

    ``language`` is None when the detector failed.
    """

    language: DetectedLanguage | None
    language_outcome: ClassifierOutcome
    signals: Signals

    @property
    def outcomes(self) -> tuple[ClassifierOutcome, ...]:
        """What became of the detector and of every classifier."""
        return (self.language_outcome, *self.signals.outcomes)


@dataclass(frozen=True, slots=True)
class TextRead:
    """A text's readings, and what was learnt of it."""

    readings: TextReadings
    learnt: TextSignals


class TextReader(Protocol):
    """Reads texts with everything on this server that finds signals in text. It judges nothing.

    A classifier that fails, is late or does not read the language costs coverage and never the
    call. A cancelled call stops its work within 100 ms.
    """

    async def read(
        self,
        text: str,
        policy: Policy,
        *,
        blocked_terms: tuple[str, ...] = (),
        deadline_seconds: float | None = None,
    ) -> TextRead:
        """Return the readings of a text and what was learnt of it under a policy's term lists.

        ``blocked_terms`` are found beside the policy's own. No classifier has longer than until
        ``deadline_seconds`` from now, or than the reader's own patience if that is less.
        """
        ...

    def unread(self, reason: str, *, is_needless: bool = False) -> tuple[ClassifierOutcome, ...]:
        """Return the outcomes of everything for a text that was not read, and why it was not.

        ``is_needless``: there was no text, so that everything in it was checked.
        """
        ...


HeadScores = tuple[Mapping[str, float], ...]
"""One mapping a head: each category's id that the model speaks of to a probability, 0–1."""


@dataclass(frozen=True, slots=True)
class PanelScores:
    """What a model of several heads says of a text and of texts beside it.

    ``report`` is what the model finds in the text as a classifier; ``as_sent``, ``unmasked`` and
    ``further`` are what each panel head says of those readings and of each group of further texts,
    of which the most telling counts. All are empty for a model without a panel. ``companion`` is
    what a lighter model that stands by it says of the text, for the categories that it has a say
    on; empty where none does.
    """

    report: ClassifierReport
    as_sent: HeadScores
    unmasked: HeadScores
    further: tuple[HeadScores, ...] = ()
    companion: Mapping[str, float] = field(default_factory=dict)


class PanelScorer(Protocol):
    """A text model with a panel of trained heads: several opinions from one pass.

    Equal texts get equal scores. Whatever texts a call has are read together, each different one
    once. Anything raised means that there are no scores. A cancelled call stops its work within
    100 ms.
    """

    @property
    def card(self) -> ClassifierCard:
        """What the model is and sees; constant over its life."""
        ...

    @property
    def heads(self) -> int:
        """How many panel heads there are."""
        ...

    async def score(self, sample: TextSample, further: Sequence[Sequence[str]] = ()) -> PanelScores:
        """Return what the model says of a sample and of groups of further texts made from it.

        A group has at least one text.
        """
        ...


LearntT = TypeVar("LearntT")


class VerdictCache(Protocol[LearntT]):
    """Remembers what was learnt about content, for as long as it likes. A miss costs time only.

    Keys are digests that name the content, the models and the policy. A cache that can't be
    reached knows nothing and drops what it is given: it never raises, and never takes longer than
    asking the classifiers again would.
    """

    async def find(self, key: bytes) -> LearntT | None:
        """Return what was kept under the key, equal to what was given; None if there is none."""
        ...

    async def keep(self, key: bytes, learnt: LearntT) -> None:
        """Remember this under the key, in place of what was there."""
        ...
