"""Runs the network: frames in, the probabilities of its five classes out.

It knows what the network wants to see and in which order it answers; not what that means.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from gaveld.adapters.image.nsfw_model.conversion import INPUT, OUTPUT
from gaveld.domain.image_signals import ImageClass
from gaveld.domain.media import Frame

SIDE: Final = 224
"""The network sees squares of so many pixels."""

CLASSES: Final = (
    ImageClass.DRAWING,
    ImageClass.HENTAI,
    ImageClass.NEUTRAL,
    ImageClass.PORN,
    ImageClass.SEXUAL,
)
"""In the network's order; it calls the last one Sexy."""

Pixels = npt.NDArray[np.float32]

_ERRORS_ONLY: Final = 3
_WHITE: Final = np.float32(255)


def prepared(frame: Frame) -> Pixels:
    """Return a frame as the network takes it: ``[224, 224, 3]``, 0–1.

    Squeezed to a square by bilinear interpolation between the four nearest pixels, corner on
    corner, as the network's own package does; so a large picture is sampled and not averaged.
    """
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
    upper, lower, down = _neighbours(frame.height)
    left, right, across = _neighbours(frame.width)
    across = across[None, :, None]
    above = _between(pixels[upper[:, None], left], pixels[upper[:, None], right], across)
    below = _between(pixels[lower[:, None], left], pixels[lower[:, None], right], across)
    above += (below - above) * down[:, None, None]
    return above


def _neighbours(length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Pixels]:
    """Return, for each of ``SIDE`` places, the pixels before and after it and how far between."""
    places = np.arange(SIDE) * ((length - 1) / (SIDE - 1))
    before = np.floor(places).astype(np.intp)
    after = np.minimum(np.ceil(places).astype(np.intp), length - 1)
    return before, after, (places - before).astype(np.float32)


def _between(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], share: Pixels) -> Pixels:
    start = np.divide(first, _WHITE, dtype=np.float32)
    return start + (np.divide(second, _WHITE, dtype=np.float32) - start) * share


class NsfwNetwork:
    """The network on ONNX Runtime, on the CPU. May be asked by several threads at once.

    ``file`` is what ``NsfwInstallation`` made; ``ValueError`` is raised for one that can't be
    loaded. Each call works on its caller's thread alone.
    """

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ValueError(f"{file.name} can't be loaded: {type(error).__name__}") from error
        self.name = f"onnxruntime-{onnxruntime.__version__}"

    def look_at(self, frames: Sequence[Frame]) -> Pixels:
        """Return the probabilities ``[frames, classes]`` of some frames. Blocks."""
        return self.classes(np.stack([prepared(frame) for frame in frames]))

    def classes(self, pixels: Pixels) -> Pixels:
        """Return the probabilities ``[frames, classes]`` of ``[frames, 224, 224, 3]``. Blocks."""
        (classes,) = self._session.run([OUTPUT], {INPUT: pixels})
        probabilities: Pixels = classes
        return probabilities
