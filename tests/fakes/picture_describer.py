"""A describer that says what a test says."""

from gaveld.domain.media import Frame
from gaveld.domain.signals import ClassifierCard


class FakePictureDescriber:
    """A ``PictureDescriber`` that says ``sentence`` of every frame and keeps those it was shown.

    ``failure`` is raised instead.
    """

    card = ClassifierCard("describing", "1", frozenset())

    def __init__(self, sentence: str = "A grey square.", failure: Exception | None = None) -> None:
        self.sentence = sentence
        self.failure = failure
        self.shown: list[Frame] = []

    async def describe(self, frame: Frame) -> str:
        self.shown.append(frame)
        if self.failure is not None:
            raise self.failure
        return self.sentence
