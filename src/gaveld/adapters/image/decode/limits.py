"""What one picture may cost to decode. Parent and workers share it, so it imports nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits of one file.

    ``max_pixels`` and ``max_frames`` refuse what is larger. ``max_judged_frames`` distinct frames
    of an animation are handed on. Frames are handed on no larger than ``max_frame_pixels``, and all
    frames of an animation no larger than ``max_animation_pixels`` together. ``seconds`` is when a
    worker is killed; an animation is cut short before that. ``memory_bytes`` is a worker's whole
    address space, some 150 MB of which the interpreter takes.
    """

    max_pixels: int = 50_000_000
    max_frames: int = 2_000
    max_judged_frames: int = 24
    max_frame_pixels: int = 4_000_000
    max_animation_pixels: int = 16_000_000
    cpu_seconds: float = 4.0
    memory_bytes: int = 1 << 30

    @property
    def max_animation_frame_pixels(self) -> int:
        """How large each frame of an animation is handed on at most."""
        return min(self.max_frame_pixels, self.max_animation_pixels // self.max_judged_frames)

    @property
    def cut_cpu_seconds(self) -> float:
        """When an animation that is still being decoded is cut short."""
        return self.cpu_seconds * 0.75

    @property
    def wall_seconds(self) -> float:
        """When a worker is killed even if it does nothing."""
        return self.cpu_seconds * 4
