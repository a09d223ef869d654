"""The progress of backtests that a test tells and asks for."""

from datetime import UTC, datetime, timedelta

from gaveld.domain.jobs import Steps


class FakeBacktestProgress:
    """A ``BacktestProgress`` over a dictionary; ``told`` is all that was ever said."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Steps]] = []
        self._last: dict[str, tuple[datetime, Steps]] = {}

    async def put(self, job_id: str, steps: Steps) -> None:
        self.told.append((job_id, steps))
        self._last[job_id] = (datetime.now(UTC), steps)

    async def find(self, job_id: str) -> Steps | None:
        return self._last[job_id][1] if job_id in self._last else None

    async def erase_expired(self, now: datetime) -> int:
        old = [id_ for id_, (at, _) in self._last.items() if at <= now - timedelta(days=1)]
        for id_ in old:
            del self._last[id_]
        return len(old)
