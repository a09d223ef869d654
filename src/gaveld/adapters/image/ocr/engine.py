"""Finds, turns and reads the lines of one frame, stage by stage, with rapidocr's models.

The files are named, so that the library never looks for them anywhere else. It blocks, decides
nothing, and can be stopped in the middle of a model.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import rapidocr
from onnxruntime import InferenceSession, RunOptions
from PIL import Image, ImageDraw, ImageFont
from rapidocr.ch_ppocr_rec import TextRecInput

from gaveld.adapters.image.ocr.reading_order import Rect, reading_order
from gaveld.domain.media import Frame

Pixels = npt.NDArray[np.uint8]
Quad = npt.NDArray[np.float32]
"""The corners of a line in pixels, ``[4, 2]``: upper left first, then clockwise."""

MODEL: Final = "PP-OCRv6-small"
VERSION: Final = f"{version('rapidocr')}+{MODEL}"

UPSCALED_PIXELS: Final = 300_000
MAX_UPSCALING: Final = 2.0
"""Smaller pictures are looked at enlarged, up to so many pixels and so many times."""

MIN_SIDE: Final = 64
"""Narrower pictures get a margin, for the network sees little at edges."""

MAX_ASPECT: Final = 100.0
"""A longer line is squeezed to so many times its height: what it takes to read grows with it."""

TALL: Final = 1.5
"""A line that is so many times higher than wide runs up or down, as the library has it."""

LINE_FLOOR: Final = 0.3
"""What is a line at least this surely is read; whether it says anything, reading shows."""

SURE: Final = 0.8
"""A line that is read less surely is tried upside down, too."""

FILES: Final = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}
_PROOF: Final = "Gavel 42"


class ReadingStopped(Exception):  # noqa: N818 - the state, not an error
    """Nobody waits for the lines any more."""


class Stop:
    """Ends the reading of one frame, from any thread, also while a network runs."""

    def __init__(self) -> None:
        self.options = RunOptions()

    def set(self) -> None:
        """End it."""
        self.options.terminate = True

    def check(self) -> None:
        """Raise ``ReadingStopped`` if it was set."""
        if self.options.terminate:
            raise ReadingStopped


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was found: what it says, how surely (0–1), and its corners in the frame.

    ``text`` is empty where nothing could be made out. ``turn`` is by how many degrees clockwise
    it stands turned: 0, 90, 180 or 270.
    """

    text: str = field(repr=False)
    confidence: float
    quad: Quad
    turn: int

    @property
    def rect(self) -> Rect:
        """The upright rectangle around it."""
        left, top = self.quad.min(axis=0).tolist()
        right, bottom = self.quad.max(axis=0).tolist()
        return Rect(left, top, right, bottom)


class TextEngine:
    """Reads frames; several threads may ask at once, and each is one core's work.

    Raises ``ValueError`` if the models are missing or can't read.
    """

    def __init__(self) -> None:
        # OpenCV would use every core for what is done in a millisecond.
        cv2.setNumThreads(1)
        folder = Path(rapidocr.__file__).parent / "models"
        try:
            reader: Any = rapidocr.RapidOCR(params=_parameters(folder))
            proof = reader(_proof_picture())
        except Exception as error:
            raise ValueError(f"the models of rapidocr can't be loaded: {error}") from error
        if proof.txts != (_PROOF,):
            raise ValueError("the models of rapidocr can't read")
        # It has loaded each model by reading; from now on every run can be stopped.
        for stage in (reader.text_det, reader.text_cls, reader.text_rec):
            stage.session.session = _StoppableSession(stage.session.session)
        self._reader = reader

    def lines(self, frame: Frame, max_pixels: int, stop: Stop) -> list[Line]:
        """Return every line of a frame in the order of reading, also what can't be made out.

        Lines are looked for on at most ``max_pixels`` and read at the frame's full size. Raises
        what the library does when stopped, or ``ReadingStopped``.
        """
        rgb = np.frombuffer(frame.rgb, np.uint8).reshape(frame.height, frame.width, 3)
        pixels: Pixels = np.ascontiguousarray(rgb[:, :, ::-1])
        _running.options = stop.options
        quads = self._find(pixels, max_pixels)
        stop.check()
        if not len(quads):
            return []
        crops = self._reader.crop_text_regions(pixels, quads)
        lines = []
        for quad, crop in zip(quads, crops, strict=True):
            lines.append(self._read(quad, _bounded(crop)))
            stop.check()
        return _in_order(lines, frame)

    def _find(self, pixels: Pixels, max_pixels: int) -> npt.NDArray[np.float32]:
        """Return the corners of lines, ``[lines, 4, 2]``, in pixels of the frame."""
        height, width = pixels.shape[:2]
        scale = _scale(height * width, max_pixels)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=how)
        across, down = (max(0, MIN_SIDE - side + 1) // 2 for side in size)
        edge = cv2.BORDER_REPLICATE
        scaled = cv2.copyMakeBorder(scaled, down, down, across, across, edge)
        boxes = self._reader.text_det(scaled).boxes
        if boxes is None:
            return np.empty((0, 4, 2), np.float32)
        corners = (boxes - (across, down)) * (width / size[0], height / size[1])
        quads: npt.NDArray[np.float32] = np.clip(corners, 0, (width, height)).astype(np.float32)
        return quads[np.minimum(*_sides(quads)) > 0]

    def _read(self, quad: Quad, crop: Pixels) -> Line:
        """Return the line, upside down if it reads better so than the library would have it."""
        upright = self._reader.text_cls([crop])
        label, sureness = upright.cls_res[0]
        is_flipped = label == "180" and sureness > self._reader.text_cls.cls_thresh
        text, confidence = self._words(upright.img_list[0])
        if confidence < SURE:
            other, better = self._words(np.rot90(upright.img_list[0], 2))
            if better > max(confidence, SURE):
                text, confidence, is_flipped = other, better, not is_flipped
        turn = 90 * _is_tall(quad) + 180 * is_flipped
        return Line(text, confidence, quad, turn)

    def _words(self, crop: Pixels) -> tuple[str, float]:
        read = self._reader.text_rec(TextRecInput(img=[crop]))
        return read.txts[0].strip(), float(read.scores[0])


_running = threading.local()


class _StoppableSession:
    """A session whose runs end when the thread's ``Stop`` says so."""

    def __init__(self, session: InferenceSession) -> None:
        self.get_inputs = session.get_inputs
        self.get_outputs = session.get_outputs
        self._run = session.run

    def run(self, outputs: Sequence[str], feed: Mapping[str, Any]) -> Any:
        return self._run(outputs, feed, _running.options)


def _parameters(folder: Path) -> dict[str, object]:
    """Return the library's settings: our files, one thread, and no scaling of its own."""
    return {
        **{f"{stage}.model_path": str(folder / name) for stage, name in FILES.items()},
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Det.limit_type": "max",
        "Det.limit_side_len": 1 << 20,
        "Det.box_thresh": LINE_FLOOR,
        "Rec.rec_batch_num": 1,
        "Global.log_level": "critical",
    }


def _proof_picture() -> Pixels:
    picture = Image.new("RGB", (320, 96), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(picture).text((40, 20), _PROOF, fill="black", font=font)
    return np.asarray(picture)


def _scale(area: int, max_pixels: int) -> float:
    if area > max_pixels:
        return float((max_pixels / area) ** 0.5)
    return float(min(MAX_UPSCALING, max(1.0, (UPSCALED_PIXELS / area) ** 0.5)))


def _bounded(crop: Pixels) -> Pixels:
    height, width = crop.shape[:2]
    most = int(height * MAX_ASPECT)
    if width <= most:
        return crop
    return np.asarray(cv2.resize(crop, (most, height), interpolation=cv2.INTER_AREA), np.uint8)


def _sides(quads: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return how wide and how high lines are along their own sides, in whole pixels."""
    upper, right, lower, left = (
        np.linalg.norm(quads[..., corner, :] - quads[..., corner - 1, :], axis=-1)
        for corner in (1, 2, 3, 0)
    )
    return np.maximum(upper, lower).astype(np.intp), np.maximum(right, left).astype(np.intp)


def _is_tall(quad: Quad) -> bool:
    wide, high = _sides(quad)
    return bool(high >= TALL * wide)


def _in_order(lines: Sequence[Line], frame: Frame) -> list[Line]:
    """Return the lines as they are read when the picture is turned as most of them are."""
    turns = [line.turn for line in lines]
    turn = max(sorted(set(turns)), key=turns.count)
    rects = [_turned_back(line.rect, turn, frame.width, frame.height) for line in lines]
    return [lines[index] for index in reading_order(rects)]


def _turned_back(rect: Rect, turn: int, width: int, height: int) -> Rect:
    left, top, right, bottom = rect
    if turn == 90:  # noqa: PLR2004 - a quarter
        return Rect(top, width - right, bottom, width - left)
    if turn == 180:  # noqa: PLR2004 - a half
        return Rect(width - right, height - bottom, width - left, height - top)
    if turn == 270:  # noqa: PLR2004 - three quarters
        return Rect(height - bottom, left, height - top, right)
    return rect
