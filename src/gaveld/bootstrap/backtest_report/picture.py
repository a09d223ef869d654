"""The report as a PNG, for where no page can be shown. Its font has Latin letters alone."""

import io
from typing import Final

from anyascii import anyascii
from PIL import Image, ImageDraw, ImageFont

from gaveld.bootstrap.backtest_report.figures import Figures
from gaveld.bootstrap.backtest_report.layout import (
    WIDTH,
    Box,
    Colour,
    Label,
    Point,
    Ribbon,
    captioned,
)

SCALE: Final = 2
_FINER: Final = 2
"""Shapes are drawn so much larger and then shrunk, which smooths their edges."""
_STEPS: Final = 48

# The three actions differ in lightness too, for those who can't tell red from green.
_COLOURS: Final[dict[Colour, tuple[int, int, int]]] = {
    "fore": (27, 31, 36),
    "dim": (92, 102, 112),
    "rule": (216, 222, 228),
    "allow": (26, 158, 131),
    "review": (201, 138, 6),
    "block": (179, 32, 46),
    "changed": (11, 98, 196),
}


def backtest_png(figures: Figures) -> bytes:
    """Return the picture, 1,920 pixels wide."""
    drawing = captioned(figures)
    size = (WIDTH * SCALE, round(drawing.height * SCALE))
    unit = SCALE * _FINER
    canvas = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), "white")
    draw = ImageDraw.Draw(canvas, "RGBA")
    for shape in drawing.shapes:
        match shape:
            case Box():
                x, y = shape.x * unit, shape.y * unit
                corner = (x + shape.width * unit, y + shape.height * unit)
                radius = min(shape.radius * unit, shape.width * unit / 2, shape.height * unit / 2)
                draw.rounded_rectangle(((x, y), corner), radius, _COLOURS[shape.colour])
            case Ribbon():
                opacity = 180 if shape.colour == "rule" else 115
                points = [(x * unit, y * unit) for x, y in _outline(shape)]
                draw.polygon(points, (*_COLOURS[shape.colour], opacity))
    picture = canvas.resize(size, Image.Resampling.BOX)
    draw = ImageDraw.Draw(picture)
    for shape in drawing.shapes:
        if isinstance(shape, Label):
            _write(draw, shape)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _write(draw: ImageDraw.ImageDraw, label: Label) -> None:
    font = ImageFont.load_default(label.size * SCALE)
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[label.anchor]
    draw.text(
        (label.x * SCALE, label.y * SCALE),
        anyascii(label.text),
        _COLOURS[label.colour],
        font,
        anchor,
        stroke_width=0.6 if label.is_bold else 0,
    )


def _outline(ribbon: Ribbon) -> list[Point]:
    """Return the ribbon's edge: along the top to the right, and along the bottom back."""
    steps = [step / _STEPS for step in range(_STEPS + 1)]
    across = [_mixed(ribbon.left, ribbon.right, 1.5 * s * (1 - s) + s**3) for s in steps]
    eased = [3 * s**2 - 2 * s**3 for s in steps]  # with ``across`` the curve of the page's SVG
    top = [_mixed(ribbon.left_top, ribbon.right_top, share) for share in eased]
    bottom = [_mixed(ribbon.left_bottom, ribbon.right_bottom, share) for share in eased]
    along = [*zip(across, top, strict=True)]
    return [*along, *reversed([*zip(across, bottom, strict=True)])]


def _mixed(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
