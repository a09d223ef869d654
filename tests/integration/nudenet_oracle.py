"""Asks the package nudenet itself, in a process of its own, what it makes of some input.

Standard input is a JSON object: ``frames`` as ``{width, height, rgb}`` with rgb in base64, and
``answers`` as ``{width, height, values}`` with the network's answer, [22][places]. Standard output
has ``prepared`` (each frame as the network would see it, in base64), ``detections`` of each frame,
and ``read``, what it makes of each answer. Runs only as a program: the package is under the
AGPL-3.0, and nothing of ours imports it.
"""

import base64
import json
import sys

import numpy as np
from nudenet import NudeDetector, nudenet


def pixels_of(frame: dict) -> np.ndarray:
    """A frame as an array; red comes first, which the package's own swap of colours keeps so."""
    rgb = np.frombuffer(base64.b64decode(frame["rgb"]), np.uint8)
    return rgb.reshape(frame["height"], frame["width"], 3)


def read(answer: dict) -> list:
    """What the package makes of the network's answer."""
    width, height = answer["width"], answer["height"]
    side = max(width, height)
    values = np.array([answer["values"]], np.float32)
    pads, ratios = (side - width, side - height), (side / width, side / height)
    return nudenet._postprocess([values], *pads, *ratios, width, height, 320, 320)


given = json.load(sys.stdin)
detector = NudeDetector()
frames = [pixels_of(frame) for frame in given["frames"]]
json.dump(
    {
        "prepared": [
            base64.b64encode(nudenet._read_image(frame, 320)[0].tobytes()).decode()
            for frame in frames
        ],
        "detections": [detector.detect(frame) for frame in frames],
        "read": [read(answer) for answer in given["answers"]],
    },
    sys.stdout,
)
