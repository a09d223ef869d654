"""Puts together what gets, decodes and judges pictures, from detectors that ``images`` loads."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Final

from gaveld import __version__
from gaveld.adapters.antivirus.classifier import ABSENT_ANTIVIRUS
from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.adapters.web.guard import GuardedTransport, SystemResolver
from gaveld.adapters.web.media import GuardedMediaFetcher
from gaveld.application.apply_rules import ApplyRules
from gaveld.application.describing import DescribingClassifier
from gaveld.application.look_at_picture import LookAtPicture, PictureDetectors
from gaveld.application.moderate_image import ModerateImage
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.ports import (
    Classifier,
    PictureDescriber,
    PolicyStore,
    Telemetry,
    TextReader,
    VerdictCache,
)
from gaveld.application.scan_file import ScanFile
from gaveld.bootstrap.images import ImageClassifier, ImageClassifiers, build_image_classifiers
from gaveld.bootstrap.settings import Settings
from gaveld.domain.image_signals import SeenPicture, blind_spot
from gaveld.domain.media import MediaFile
from gaveld.domain.signals import ClassifierCard

KNOWN: Final = ("hashes",)
CODES: Final = ("codes",)
TEXT: Final = ("ocr",)
"""Which detectors do what, by name; all others say what a picture shows."""


@dataclass(frozen=True, slots=True)
class PicturePath:
    """The parts that judge pictures.

    ``look_at_frames`` is ``look_at_picture`` without whoever describes pictures: for videos, in
    which every frame would be described. ``installed`` and ``absent`` are the cards of what is
    there and of what could be.
    """

    fetcher: GuardedMediaFetcher
    decoder: ProcessImageDecoder
    classifiers: ImageClassifiers
    look_at_picture: LookAtPicture
    look_at_frames: LookAtPicture
    places: PicturePlaces
    moderate_image: ModerateImage
    installed: tuple[ClassifierCard, ...]
    absent: tuple[ClassifierCard, ...]

    async def warm_up(self) -> None:
        """Start the decoder's processes and run every detector once."""
        await asyncio.gather(self.decoder.warm_up(), self.classifiers.warm_up())


async def build_picture_path(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    reader: TextReader,
    policies: PolicyStore,
    telemetry: Telemetry,
    antivirus: Classifier[MediaFile] | None = None,
    describer: PictureDescriber | None = None,
    cache: VerdictCache[SeenPicture] | None = None,
    apply_rules: ApplyRules | None = None,
) -> PicturePath:
    """Load the detectors and put them together. Raises what ``build_image_classifiers`` does."""
    images = settings.images
    classifiers = await asyncio.to_thread(build_image_classifiers, images, settings.models, stack)
    fetcher = _fetcher(stack)
    decoder = ProcessImageDecoder(workers=images.decoder_workers)
    stack.callback(decoder.close)
    detectors = sorted_detectors(classifiers)
    described = replace(
        detectors,
        describers=() if describer is None else (DescribingClassifier(describer),),
    )
    look = LookAtPicture(described, reader, telemetry)
    places = PicturePlaces(
        images.max_at_once, images.max_waiting, images.max_wait_seconds, telemetry
    )
    not_scanned = () if antivirus is not None else (ABSENT_ANTIVIRUS,)
    moderate_image = ModerateImage(
        fetcher=fetcher,
        decoder=decoder,
        look=look,
        scan_file=ScanFile(antivirus, not_scanned),
        places=places,
        policies=policies,
        telemetry=telemetry,
        cache=cache,
        apply_rules=apply_rules,
    )
    scanners = () if antivirus is None else (antivirus.card,)
    return PicturePath(
        fetcher=fetcher,
        decoder=decoder,
        classifiers=classifiers,
        look_at_picture=look,
        look_at_frames=LookAtPicture(detectors, reader, telemetry),
        places=places,
        moderate_image=moderate_image,
        installed=(*(entry.card for entry in described.all), *scanners),
        absent=(*classifiers.absent, *not_scanned),
    )


def sorted_detectors(classifiers: ImageClassifiers) -> PictureDetectors:
    """Return the detectors by what they do, with the card of what none of them can see."""

    def named(names: tuple[str, ...]) -> tuple[ImageClassifier, ...]:
        return tuple(entry for entry in classifiers.loaded if entry.card.name in names)

    others = {*KNOWN, *CODES, *TEXT}
    networks = tuple(entry for entry in classifiers.loaded if entry.card.name not in others)
    cards = [*(entry.card for entry in networks), *classifiers.absent]
    seen = {category for card in cards if card.name not in others for category in card.categories}
    return PictureDetectors(
        known=named(KNOWN),
        networks=networks,
        codes=named(CODES),
        text=named(TEXT),
        absent=(*classifiers.absent, blind_spot(seen)),
    )


def _fetcher(stack: AsyncExitStack) -> GuardedMediaFetcher:
    resolver = SystemResolver()
    stack.callback(resolver.close)
    transport = GuardedTransport(resolver)
    stack.push_async_callback(transport.aclose)
    fetcher = GuardedMediaFetcher(transport, user_agent=f"gavel/{__version__}")
    stack.push_async_callback(fetcher.close)
    return fetcher
