"""Ports of what finds signals: classifiers, and what a text is read with before them."""

from typing import Protocol, TypeVar

from gaveld.domain.content import DetectedLanguage, TextReadings
from gaveld.domain.signals import ClassifierCard, ClassifierReport

SampleT_contra = TypeVar("SampleT_contra", contravariant=True)


class Classifier(Protocol[SampleT_contra]):
    """Finds signals of some categories in one kind of sample.

    The same sample gives the same report. A sample in which nothing is found gives an empty
    report, never an error. A cancelled call stops its work within 100 ms, wherever it runs.
    Anything raised counts as a failure of this classifier alone.
    """

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; constant over its life.

        Only the version may change, where a server is asked that learns as it runs.
        """
        ...

    async def warm_up(self) -> None:
        """Load and prove everything, so that the first call is as fast as the rest. Idempotent."""
        ...

    async def classify(self, sample: SampleT_contra) -> ClassifierReport:
        """Return what is found. Finding spans lie within the sample's text."""
        ...


class TextNormaliser(Protocol):
    """Reads through disguises. Never fails on any string, and reads equal texts equally."""

    async def normalise(self, text: str) -> TextReadings:
        """Return the readings of a text, with ``as_sent`` the text itself."""
        ...


class LanguageDetector(Protocol):
    """Tells languages apart, and says unknown rather than guess wildly on little text."""

    @property
    def card(self) -> ClassifierCard:
        """What the detector is; it covers no category."""
        ...

    async def detect(self, text: str) -> DetectedLanguage:
        """Return the language of a text, unknown for one without words."""
        ...
