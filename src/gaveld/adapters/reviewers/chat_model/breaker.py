"""Leaves an endpoint alone that keeps failing, and tries it again after a pause.

Our own, because it is sixty lines: libraries bring threads, storage and listeners that nothing
here needs, and count a cancelled call, which says nothing of the endpoint, as one or the other.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gaveld.adapters.reviewers.chat_model.errors import CircuitOpenError, EndpointError

MOST_FAILURES: Final = 5
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 120.0


class CircuitBreaker:
    """Opens after so many outages in a row; then one call at a time may try whether it is over.

    Each failed try doubles the pause, up to the longest. ``on_change`` is told whether it is open.
    """

    def __init__(
        self, on_change: Callable[[bool], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_change = on_change
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._open_until: float | None = None
        self._is_trying = False

    @property
    def is_open(self) -> bool:
        """Whether calls are turned away, but for those that try."""
        return self._open_until is not None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Let one call through, and learn from how it ends.

        Raises ``CircuitOpenError`` if it may not go through. Only an outage counts against the
        endpoint; any other answer speaks for it; a cancelled call says nothing.
        """
        is_try = self._admit()
        try:
            yield
        except EndpointError as error:
            if error.is_outage:
                self._failed(is_try=is_try)
            else:
                self._answered()
            raise
        else:
            self._answered()
        finally:
            if is_try:
                self._is_trying = False

    def _admit(self) -> bool:
        if self._open_until is None:
            return False
        if self._is_trying or self._clock() < self._open_until:
            raise CircuitOpenError("Its endpoint has been failing and is left alone for a while.")
        self._is_trying = True
        return True

    def _answered(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        if self._open_until is not None:
            self._open_until = None
            self._on_change(False)

    def _failed(self, *, is_try: bool) -> None:
        self._failures += 1
        if is_try:
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            self._open_until = self._clock() + self._pause
        elif self._open_until is None and self._failures >= MOST_FAILURES:
            self._open_until = self._clock() + self._pause
            self._on_change(True)
