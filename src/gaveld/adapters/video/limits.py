"""What one video may cost, and how densely it is looked at. Parent and workers share it."""

from dataclasses import dataclass

from gaveld.domain.media import MediaRefusal, MediaRefused


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Limits of one file.

    Frames are sampled every ``sample_seconds``, and where the scene changes, but no more than
    ``max_frames`` of them; longer videos are looked at less often. ``max_pixels`` refuses larger
    frames, and frames are handed on no larger than ``max_frame_pixels``. A video that takes more
    processor time than ``free_cpu_seconds`` and half the time that it plays for, or ``cpu_seconds``
    altogether, is cut short; a worker that spends ``free_cpu_seconds`` on a single packet, or is
    silent for ``silent_seconds`` though nothing keeps it waiting, is killed. ``memory_bytes`` is a
    worker's whole address space, some 100 MB of which interpreter and libraries take.
    """

    max_bytes: int = 200_000_000
    sample_seconds: float = 1.0
    max_frames: int = 600
    max_pixels: int = 36_000_000
    max_frame_pixels: int = 921_600
    free_cpu_seconds: float = 3.0
    cpu_seconds: float = 120.0
    silent_seconds: float = 16.0
    memory_bytes: int = 1 << 30


def too_long(limits: VideoLimits) -> MediaRefused:
    """Return why a file is refused that takes too much processor time before it shows anything."""
    maximum = f"{limits.free_cpu_seconds:g}"
    return MediaRefused(MediaRefusal.DECODING_TOO_LONG, limit="decode_cpu_seconds", maximum=maximum)
