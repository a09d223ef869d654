"""What a worker tells its parent of a video, once, even if it reads the file a second time."""

import gc
from collections.abc import Callable
from typing import Any, Final

from av.video.frame import VideoFrame

from gaveld.adapters.video.pictures import Developer, upright_size
from gaveld.adapters.video.protocol import MAX_SUBTITLE_CHARACTERS, MAX_SUBTITLES

Say = Callable[[dict[str, Any], bytes], None]

_LONGEST_SECONDS: Final = 1e9


class Telling:
    """Says what was found. ``say`` takes a message's head and the bytes that belong to it."""

    def __init__(self, say: Say, max_frame_pixels: int) -> None:
        self.is_cut = False
        self.frame_count = 0
        self._latest = 0.0
        self._say = say
        self._developer = Developer(max_frame_pixels)
        self._size: tuple[int, int] | None = None
        self._told = {"subtitle": 0, "sound": 0}
        self._again = dict.fromkeys(self._told, 0)

    @property
    def developer(self) -> Developer:
        """What frames are developed with."""
        return self._developer

    @property
    def sound_count(self) -> int:
        """How many stretches of sound were told of."""
        return self._told["sound"]

    def begin_again(self) -> None:
        """The file is read from its beginning again; what was told is not told twice."""
        self._again = dict(self._told)

    def describe(self, frame_count: int, duration_seconds: float | None) -> None:
        """Tell what the file claims."""
        self._say({"claims": [frame_count, _bounded(duration_seconds)]}, b"")

    def frame(self, frame: VideoFrame, at: float, is_new_scene: bool) -> None:  # noqa: FBT001 - as VideoTrack calls it
        """Tell of a sampled frame; the first one also says how large the video is.

        Times of several tracks don't fall either: what comes late counts as shown then.
        """
        pixels = self._developer.pixels(frame)
        size = upright_size(frame)
        if self._size is None:
            self._size = size
            self._say({"size": size}, b"")
        self.frame_count += 1
        self._latest = max(self._latest, at)
        self._say({"frame": [self._latest, pixels.width, pixels.height, is_new_scene]}, pixels.rgb)
        gc.collect()  # a frame and its side data hold each other

    def subtitle(self, start: float, end: float, text: str) -> None:
        """Tell of a subtitle."""
        if self._told["subtitle"] >= MAX_SUBTITLES or len(text) > MAX_SUBTITLE_CHARACTERS:
            self.is_cut = True
            text = text[:MAX_SUBTITLE_CHARACTERS]
        if self._told["subtitle"] < MAX_SUBTITLES and self._is_new("subtitle"):
            self._say({"subtitle": [start, end]}, text.encode())

    def sound(self, start: float, end: float, samples: bytes) -> None:
        """Tell of a stretch of sound."""
        if self._is_new("sound"):
            self._say({"sound": [start, end]}, samples)

    def finish(self, frame_count: int, duration_seconds: float | None, *, is_partial: bool) -> None:
        """Tell that this was all, and what the file really has."""
        partial = is_partial or self.is_cut
        self._say({"done": [frame_count, _bounded(duration_seconds), partial]}, b"")

    def _is_new(self, kind: str) -> bool:
        if self._again[kind]:
            self._again[kind] -= 1
            return False
        self._told[kind] += 1
        return True


def _bounded(seconds: float | None) -> float | None:
    return round(seconds, 6) if seconds and 0 < seconds < _LONGEST_SECONDS else None
