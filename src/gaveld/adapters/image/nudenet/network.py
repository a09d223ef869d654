"""Runs the network: a frame in, the parts of the body in it out, each with a score and a box.

It knows how the network wants to see a picture and how its answer is read; not what that means.
"""

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime

from gaveld.adapters.image.nudenet.parts import PARTS, BodyPart
from gaveld.domain.image_signals import BoundingBox
from gaveld.domain.media import Frame

PACKAGE: Final = "nudenet"
SIDE: Final = 320
"""The network sees squares of so many pixels; what a frame lacks to one is black."""

SCORE_FLOOR: Final = 0.25
"""Boxes below it are dropped, as the network's own package does."""

MOST_OVERLAP: Final = 0.45
"""Of boxes that share more (intersection over union), only the likeliest counts: likewise."""

MOST_CANDIDATES: Final = 300
_ERRORS_ONLY: Final = 3

Pixels = npt.NDArray[np.float32]


class NudeNetNotInstalled(Exception):  # noqa: N818 - the state, as the domain's own errors are named
    """The package is not there, or it does not hold the network that belongs to it."""


class Detection(NamedTuple):
    """A part of the body, how likely it is there (0–1), and where."""

    part: BodyPart
    score: float
    box: BoundingBox


def installed_network() -> Path:
    """Return where the package keeps its network. Raises ``NudeNetNotInstalled``."""
    found = importlib.util.find_spec(PACKAGE)
    folders = (found and found.submodule_search_locations) or ()
    for folder in folders:
        file = Path(folder) / "320n.onnx"
        if file.is_file():
            return file
    raise NudeNetNotInstalled(PACKAGE)


def installed_version() -> str:
    """Return the version of the package. Raises ``NudeNetNotInstalled``."""
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise NudeNetNotInstalled(PACKAGE) from error


class NudeNetwork:
    """The network on ONNX Runtime, on the CPU. May be asked by several threads at once.

    Each call works on its caller's thread alone. ``ValueError`` is raised for a file that can't be
    loaded. ``digest`` is eight hex digits that tell one file from another.
    """

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            content = file.read_bytes()
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ValueError(f"{file.name} can't be loaded: {type(error).__name__}") from error
        (self._input,) = (entry.name for entry in self._session.get_inputs())
        self.digest = hashlib.sha256(content).hexdigest()[:8]
        self.engine = f"onnxruntime-{onnxruntime.__version__}"

    def look_at(self, frame: Frame) -> tuple[Detection, ...]:
        """Return what is in a frame, the likeliest first. Blocks."""
        return detections(self.answer(prepared(frame)), frame.width, frame.height)

    def answer(self, pixels: Pixels) -> Pixels:
        """Return the network's answer to ``[1, 3, 320, 320]``: ``[22, places]``. Blocks.

        Of each place it has the box's centre, width and height in pixels of the square, and a
        score, 0–1, for every part. Raises ``ValueError`` for a network that answers otherwise.
        """
        (answers,) = self._session.run(None, {self._input: pixels})
        if answers.ndim != 3 or answers.shape[:2] != (1, 4 + len(PARTS)):  # noqa: PLR2004
            raise ValueError("the network's answer has another shape than NudeNet's")
        answer: Pixels = answers[0]
        return answer


def prepared(frame: Frame) -> Pixels:
    """Return a frame as the network takes it: ``[1, 3, 320, 320]``, red first, 0–1.

    At the left and at the top of a black square, which is made smaller by bilinear interpolation
    between the four nearest pixels.
    """
    pixels = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
    square = max(frame.width, frame.height)
    upper, lower, above, below = _neighbours(frame.height, square)
    rows = pixels[upper] * above[:, None, None] + pixels[lower] * below[:, None, None]
    left, right, before, after = _neighbours(frame.width, square)
    seen = rows[:, left] * before[None, :, None] + rows[:, right] * after[None, :, None]
    return np.ascontiguousarray(seen.transpose(2, 0, 1)[None] / np.float32(255))


Places = npt.NDArray[np.intp]


def _neighbours(length: int, square: int) -> tuple[Places, Places, Pixels, Pixels]:
    """Return, for each of ``SIDE`` places, the pixels on both sides and how much each counts.

    A pixel beyond the frame's ``length`` is black and counts nothing.
    """
    places = ((np.arange(SIDE) + 0.5) * square / SIDE - 0.5).clip(0, square - 1)
    first = np.floor(places).astype(np.intp)
    second = np.minimum(first + 1, square - 1)
    share = places - first
    first_weight = np.where(first < length, 1 - share, 0).astype(np.float32)
    second_weight = np.where(second < length, share, 0).astype(np.float32)
    last = length - 1
    return np.minimum(first, last), np.minimum(second, last), first_weight, second_weight


def detections(answer: Pixels, width: int, height: int) -> tuple[Detection, ...]:
    """Return what the network's answer says of a frame of so many pixels, the likeliest first."""
    scores = answer[4:].max(axis=0)
    likeliest = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    likeliest = likeliest[scores[likeliest] > SCORE_FLOOR]
    across, down, wide, high = answer[:4, likeliest]
    edges = np.stack(
        [across - wide / 2, down - high / 2, across + wide / 2, down + high / 2]
    ) * np.float32(max(width, height) / SIDE)
    limits = np.array([width, height, width, height], np.float32)[:, None]
    edges = edges.clip(0, limits)
    kept = _without_overlaps(edges)
    parts = answer[4:, likeliest].argmax(axis=0)
    left, top, right, bottom = edges / limits
    return tuple(
        Detection(
            PARTS[parts[i]],
            float(min(1.0, scores[likeliest[i]])),
            BoundingBox(
                float(left[i]), float(top[i]), float(right[i] - left[i]), float(bottom[i] - top[i])
            ),
        )
        for i in kept
    )


def _without_overlaps(edges: Pixels) -> list[int]:
    """Return the boxes of ``[4, boxes]`` that share too little with any that is kept before."""
    left, top, right, bottom = edges
    areas = (right - left) * (bottom - top)
    waiting = np.flatnonzero((right > left) & (bottom > top))
    kept: list[int] = []
    while waiting.size:
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        wide = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        high = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        shared = wide.clip(0) * high.clip(0)
        waiting = rest[shared <= MOST_OVERLAP * (areas[best] + areas[rest] - shared)]
    return kept
