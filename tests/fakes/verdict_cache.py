"""A verdict cache that keeps everything, and can be out of reach."""

from typing import Generic, TypeVar

LearntT = TypeVar("LearntT")


class FakeVerdictCache(Generic[LearntT]):
    """A ``VerdictCache`` over a dictionary; ``is_reachable`` False makes it know nothing."""

    def __init__(self) -> None:
        self.kept: dict[bytes, LearntT] = {}
        self.is_reachable = True

    async def find(self, key: bytes) -> LearntT | None:
        return self.kept.get(key) if self.is_reachable else None

    async def keep(self, key: bytes, learnt: LearntT) -> None:
        if self.is_reachable:
            self.kept[key] = learnt
