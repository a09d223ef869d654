"""Lets somebody who describes pictures stand among those that look at them."""

from gaveld.application.ports import PictureDescriber
from gaveld.domain.image_signals import ImageReport, ImageSample
from gaveld.domain.signals import ClassifierCard


class DescribingClassifier:
    """A ``Classifier`` of pictures that finds nothing and says what the first frame shows."""

    def __init__(self, describer: PictureDescriber) -> None:
        self._describer = describer

    @property
    def card(self) -> ClassifierCard:
        """The describer's card."""
        return self._describer.card

    async def warm_up(self) -> None:
        """Do nothing: a describer is not asked before there is a picture."""

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return the description as a report."""
        described = await self._describer.describe(sample.picture.frames[0])
        return ImageReport(description=described)
