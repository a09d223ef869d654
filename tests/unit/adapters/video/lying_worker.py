"""A worker that a file has taken over: it answers every file with a lie, chosen by `max_frames`."""

import json
import os
import sys
import time

from gaveld.adapters.video.protocol import LENGTHS, packed

FRAME = {"frame": [0.0, 1, 1, False]}
CLAIMS = {"claims": [1, 1.0]}
LIES = [
    b"no message at all",
    LENGTHS.pack(1 << 31, 0),
    LENGTHS.pack(2, 1 << 31) + b"{}",
    LENGTHS.pack(7, 0) + b"no JSON",
    LENGTHS.pack(20_000, 0) + b"[" * 20_000,
    packed({}),
    LENGTHS.pack(2, 0) + b"[]",
    packed({"frame": [0.0, 100, 100, False]}, b"rgb"),
    packed({"frame": [0.0, -1, -1, False]}, b"rgb"),
    packed({"frame": [float("nan"), 1, 1, False]}, b"rgb"),
    packed({"frame": [-1.0, 1, 1, False]}, b"rgb"),
    packed({"frame": [5.0, 1, 1, False]}, b"rgb") + packed(FRAME, b"rgb"),
    packed({"frame": 7}),
    packed(FRAME, b"rgb") * 1_000,
    packed({"claims": ["many", None]}),
    packed({"claims": [1, float("inf")]}),
    packed({"size": [1]}),
    packed({"size": [-1, 1]}),
    packed({"subtitle": [2.0, 1.0]}, b"text"),
    packed({"subtitle": [0.0, 1.0]}, b"\xff"),
    packed({"subtitle": [0.0, 1.0]}, b"a" * 100_000),
    packed({"subtitle": [0.0, 1.0]}, b"a") * 20_000,
    packed({"sound": [0.0, 1.0]}, b"odd"),
    packed({"done": [1, 1.0]}),
    packed({"refused": "NO_SUCH_REFUSAL", "detail": {}}),
    packed({"refused": "DAMAGED", "detail": 7}),
    packed({"surprise": 1}),
    packed({"frame": [0.0, 1, 1, False], "done": [1, 1.0, False]}, b"rgb"),
    b"",
]


def main() -> None:
    lie = LIES[json.loads(sys.argv[1])["max_frames"]]
    os.write(1, packed({"ready": True}))
    os.read(0, 1_024)
    rest = memoryview(packed(CLAIMS) + lie)
    while rest:
        rest = rest[os.write(1, rest) :]
    os.closerange(0, 3)
    if not lie:
        time.sleep(3_600)  # closes its pipes, and lives on


if __name__ == "__main__":
    main()
