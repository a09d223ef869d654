"""A verdict cache that keeps everything, and can be out of reach."""

from gaveld.application.ports import TextSignals


class FakeVerdictCache:
    """A ``VerdictCache`` over a dictionary; ``is_reachable`` False makes it know nothing."""

    def __init__(self) -> None:
        self.kept: dict[bytes, TextSignals] = {}
        self.is_reachable = True

    async def find(self, key: bytes) -> TextSignals | None:
        return self.kept.get(key) if self.is_reachable else None

    async def keep(self, key: bytes, learnt: TextSignals) -> None:
        if self.is_reachable:
            self.kept[key] = learnt
