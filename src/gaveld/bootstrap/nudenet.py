"""Loads NudeNet where the operator names it, and says under which licence it is.

It is never loaded unasked, and a server that is told to use it does not start without it.
"""

from contextlib import AsyncExitStack
from typing import Final

import structlog

from gaveld.application.ports import Classifier
from gaveld.bootstrap.settings import ImagesSettings, SettingsError
from gaveld.domain.image_signals import ImageSample

LICENCE: Final = "AGPL-3.0"
INSTALL_WITH: Final = "pip install 'gaveld[nudenet]'"

_log = structlog.get_logger(__name__)


def nudenet(images: ImagesSettings, stack: AsyncExitStack) -> Classifier[ImageSample]:
    """Return the classifier, which the stack closes. Reads a file, so not for an event loop.

    Raises ``SettingsError`` if the package is not installed or its network can't be loaded.
    """
    # ONNX Runtime is 20 MB of memory that only those who use it should pay for.
    from gaveld.adapters.image.nudenet.classifier import NAME, NudeNetClassifier
    from gaveld.adapters.image.nudenet.network import (
        NudeNetNotInstalled,
        NudeNetwork,
        installed_network,
        installed_version,
    )

    try:
        version = installed_version()
        network = NudeNetwork(installed_network())
    except NudeNetNotInstalled as error:
        raise SettingsError(
            f"images.classifiers: {NAME} is not installed; it is under the {LICENCE}: "
            f"{INSTALL_WITH}"
        ) from error
    except ValueError as error:
        raise SettingsError(f"images.classifiers: {NAME}: {error}") from error
    _log.info("nudenet_in_use", version=version, licence=LICENCE)
    classifier = NudeNetClassifier(network, version, threads=images.engine_threads)
    stack.callback(classifier.close)
    return classifier
