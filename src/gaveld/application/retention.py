"""Erases what has had its time. For how long something is kept, whoever keeps it knows."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from gaveld.application.ports import Telemetry

EraseExpired = Callable[[datetime], Awaitable[int]]
"""Erases what is over as of a time, and returns how many rows went."""


class EraseOverdue:
    """A chore: has each store erase what is over. ``stores`` are named as metrics name them."""

    def __init__(self, stores: Mapping[str, EraseExpired], telemetry: Telemetry) -> None:
        self._stores = dict(stores)
        self._telemetry = telemetry

    async def __call__(self, now: datetime) -> int:
        """Erase what is over, and return how many rows went.

        Raises ``ExceptionGroup`` of what kept stores from it; the others erased theirs.
        """
        erased, failures = 0, []
        for name, erase in self._stores.items():
            try:
                rows = await erase(now)
            except Exception as failure:  # noqa: BLE001 (one store's fault is no other's)
                failures.append(failure)
                continue
            self._telemetry.rows_erased(name, rows)
            erased += rows
        if failures:
            raise ExceptionGroup("not all could be erased", failures)
        return erased
