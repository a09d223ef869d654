"""Keeps what was asked for lately under a key, up to a number of things. It knows no texts."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The ``most`` things that were kept or found last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[bytes, T] = OrderedDict()

    def find(self, key: bytes) -> T | None:
        """Return what was kept under the key, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, thing: T) -> None:
        """Keep a thing, in place of what was there; the one that was longest unused makes room."""
        self._kept[key] = thing
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
