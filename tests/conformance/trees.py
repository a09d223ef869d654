"""Walks a printed answer and ours side by side: the same keys, and values of the same types."""

from collections.abc import Iterator
from typing import Any


def differences(printed: Any, ours: Any, path: str = "$") -> Iterator[str]:
    """Give every place where ours has another shape than what was printed.

    Objects have the same keys. Each entry of our array is like one of the printed array's; where
    that is empty, anything may be in ours. A printed null says nothing of the type. A fraction may
    be a whole number in ours, but not the other way round.
    """
    if printed is None:
        return
    if isinstance(printed, dict) and isinstance(ours, dict):
        yield from _of_objects(printed, ours, path)
    elif isinstance(printed, list) and isinstance(ours, list):
        for place, entry in enumerate(ours if printed else ()):
            best = min(
                (list(differences(like, entry, f"{path}[{place}]")) for like in printed), key=len
            )
            yield from best
    elif type(ours) is not type(printed) and (type(printed), type(ours)) != (float, int):
        yield f"{path}: {type(ours).__name__} and not {type(printed).__name__}"


def _of_objects(printed: dict[str, Any], ours: dict[str, Any], path: str) -> Iterator[str]:
    for name in printed.keys() - ours.keys():
        yield f"{path}.{name}: missing"
    for name in ours.keys() - printed.keys():
        yield f"{path}.{name}: not in what was printed"
    for name in printed.keys() & ours.keys():
        yield from differences(printed[name], ours[name], f"{path}.{name}")
