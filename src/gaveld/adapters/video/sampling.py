"""Decides which moments of a video are looked at, without knowing how long it really is.

A plan never spends all of its samples on the part that it has seen: a claim of length is believed
up to a few times of that, so that a file that lies about its length is looked at no less. New
scenes have samples of their own, so that flicker takes none from the rest of the video.
"""

from typing import Final

BELIEVED: Final = 5
"""So many times as much as was seen a video is expected to go on, at most."""

SCENES_SHARE: Final = 4
"""One in so many samples is kept for new scenes."""

LOOKS_A_STEP: Final = 4
"""So often between two samples it is looked whether the scene has changed, at most."""

FASTEST: Final = 120
"""Frames a second that a video may have; with more, its frames are counted and not its time."""


class SamplingPlan:
    """When the next sample is due, as samples are taken.

    ``claimed_seconds`` is the length that the file gives itself, None if it gives none. Times never
    fall.
    """

    def __init__(
        self, sample_seconds: float, max_frames: int, claimed_seconds: float | None
    ) -> None:
        self._sample_seconds = sample_seconds
        self._scenes_left = max_frames // SCENES_SHARE
        self._left = max_frames - self._scenes_left
        self._claimed_seconds = claimed_seconds
        self._step = sample_seconds
        self._last: float | None = None
        self._looked = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether there are as many samples as there may be."""
        return self._left <= 0

    @property
    def last_seconds(self) -> float:
        """When the last sample was taken; 0 before the first."""
        return self._last or 0.0

    @property
    def due_seconds(self) -> float:
        """When the next sample is due; the first is at once."""
        return float("-inf") if self._last is None else self._last + self._step

    @property
    def max_frames_between(self) -> int:
        """A sample is due after so many frames, whatever times they are given."""
        return max(1, round(FASTEST * self._step))

    def is_far(self, at: float) -> bool:
        """Return whether a moment is nearer to when the next sample is due than to the last."""
        return at >= self.due_seconds - self._step / 2

    def may_look(self, at: float) -> bool:
        """Return whether it is time to see if the scene has changed, and count it as done."""
        if self._last is not None and at < self._looked + self._gap:
            return False
        self._looked = at
        return True

    def may_take_scene(self) -> bool:
        """Return whether a new scene may be sampled before a sample is due."""
        return self._scenes_left > 0

    def take(self, at: float) -> None:
        """Count a sample, which was due or is of a new scene."""
        if at >= self.due_seconds or not self._scenes_left:
            self._left -= 1
        else:
            self._scenes_left -= 1
        self._last = self._looked = at
        rest = BELIEVED * at
        if self._claimed_seconds is not None and self._claimed_seconds > at:
            rest = min(rest, self._claimed_seconds - at)
        self._step = max(self._sample_seconds, rest / (self._left + 1))

    @property
    def _gap(self) -> float:
        return self._step / LOOKS_A_STEP
