"""What decoding a video yields, bit by bit: frames, lines of subtitles and stretches of sound.

Times are seconds from the video's beginning.
"""

from dataclasses import dataclass, field

from gaveld.domain.media import Frame


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """A frame that stands for the video from ``frame.start_seconds`` to the next sampled one.

    ``frame.index`` is its place among the sampled frames, from 0. ``is_scene_change``: it was
    taken because the picture changed, and not only because time went by.
    """

    frame: Frame
    is_scene_change: bool


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A line of subtitles and when it is shown."""

    start_seconds: float
    end_seconds: float
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A stretch of the sound track: one channel, 16,000 samples a second, 16 bits little-endian."""

    start_seconds: float
    end_seconds: float
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What is said in a stretch of sound."""

    start_seconds: float
    end_seconds: float
    text: str = field(repr=False)


VideoEvent = SampledFrame | Subtitle | Sound
