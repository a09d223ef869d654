"""Loads what looks at pictures, and says what is missing.

A model that is not installed never keeps a server from starting: what it would have looked for
counts as not checked.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import structlog

from gaveld.adapters.image.hashes import BankError, BankFolder, KnownPictures, PdqClassifier
from gaveld.adapters.image.nsfw_model.installation import (
    CATEGORIES,
    NAME,
    InstallationState,
    NsfwInstallation,
)
from gaveld.application.ports import Classifier
from gaveld.bootstrap.nudenet import nudenet
from gaveld.bootstrap.settings import ImagesSettings, ModelsSettings, SettingsError
from gaveld.domain.image_signals import ImageSample
from gaveld.domain.signals import ClassifierCard

ImageClassifier = Classifier[ImageSample]

_log = structlog.get_logger(__name__)

_HINT: Final = "make models, or gavel models install"
_OCR_HINT: Final = "pip install rapidocr"


@dataclass(frozen=True, slots=True)
class ImageClassifiers:
    """The detectors that are loaded, the cheapest first, and the cards of those that are not."""

    loaded: tuple[ImageClassifier, ...]
    absent: tuple[ClassifierCard, ...]

    async def warm_up(self) -> None:
        """Run each once, so that the first call is no slower."""
        for classifier in self.loaded:
            await classifier.warm_up()


def build_image_classifiers(
    images: ImagesSettings, models: ModelsSettings, stack: AsyncExitStack
) -> ImageClassifiers:
    """Load the detectors that the settings name. Reads model files, so not for an event loop.

    Raises ``SettingsError`` for a bank that is damaged, for a model that can't be loaded, and for
    NudeNet if it is named and not there.
    """
    loaded: list[ImageClassifier] = []
    absent: list[ClassifierCard] = []
    if "hashes" in images.classifiers:
        loaded.extend(_hashes(images, stack))
    codes, text = _codes(images, stack), _text(images, stack)
    loaded.extend(codes)
    nsfw = NsfwInstallation(models.folder)
    state = nsfw.state() if NAME in images.classifiers else InstallationState.NOT_INSTALLED
    if state is InstallationState.INSTALLED:
        loaded.append(_nsfw(nsfw, images, stack))
    else:
        absent.append(ClassifierCard(NAME, "", CATEGORIES))
        if NAME in images.classifiers:
            _missing(NAME, state.value, _HINT)
    if "nudenet" in images.classifiers:
        loaded.append(nudenet(images, stack))
    loaded.extend(text)
    absent += [] if codes else [ClassifierCard("codes", "", frozenset())]
    absent += [] if text else [ClassifierCard("ocr", "", frozenset())]
    return ImageClassifiers(tuple(loaded), tuple(absent))


def hash_bank_names(images: ImagesSettings) -> frozenset[str]:
    """Return the names of the banks of known pictures that pictures are compared with."""
    if "hashes" not in images.classifiers:
        return frozenset()
    return frozenset(BankFolder(images.hashes_folder).names())


def _hashes(images: ImagesSettings, stack: AsyncExitStack) -> list[ImageClassifier]:
    folder = BankFolder(images.hashes_folder)
    try:
        banks = [folder.read(name) for name in folder.names()]
    except BankError as error:
        raise SettingsError(f"images.hashes_folder: {error}") from error
    if not banks:
        return []
    classifier = PdqClassifier(KnownPictures(banks))
    stack.callback(classifier.close)
    return [classifier]


def _nsfw(
    installation: NsfwInstallation, images: ImagesSettings, stack: AsyncExitStack
) -> ImageClassifier:
    # ONNX Runtime is 20 MB of memory that only those who use it should pay for.
    from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
    from gaveld.adapters.image.nsfw_model.network import NsfwNetwork

    try:
        network = NsfwNetwork(installation.file)
    except ValueError as error:
        raise SettingsError(f"models.folder: {error}") from error
    classifier = OnnxNsfwClassifier(
        network, threads=images.engine_threads, frames_a_batch=images.engine_batch_frames
    )
    stack.callback(classifier.close)
    return classifier


def _codes(images: ImagesSettings, stack: AsyncExitStack) -> list[ImageClassifier]:
    if "codes" not in images.classifiers:
        return []
    try:
        from gaveld.adapters.image.codes import ZxingClassifier
    except ImportError:
        _missing("codes", "not installed", "pip install zxing-cpp")
        return []
    classifier = ZxingClassifier(threads=images.engine_threads)
    stack.callback(classifier.close)
    return [classifier]


def _text(images: ImagesSettings, stack: AsyncExitStack) -> list[ImageClassifier]:
    if "ocr" not in images.classifiers:
        return []
    try:
        # OpenCV and the networks are 250 MB of memory that only those who use it should pay for.
        from gaveld.adapters.image.ocr.classifier import RapidOcrClassifier
        from gaveld.adapters.image.ocr.engine import TextEngine

        classifier = RapidOcrClassifier(TextEngine(), threads=images.ocr_threads)
    except ImportError:
        _missing("ocr", "not installed", _OCR_HINT)
        return []
    except ValueError:
        _missing("ocr", "damaged", f"{_OCR_HINT} --force-reinstall")
        return []
    stack.callback(classifier.close)
    return [classifier]


def _missing(name: str, state: str, hint: str) -> None:
    _log.warning("model_missing", model=name, state=state, install_with=hint)
