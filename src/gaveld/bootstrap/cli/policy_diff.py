"""Where two policies differ, as a person reads it: in the words of the document, entry by entry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

ADDED, REMOVED, CHANGED = "+", "-", "~"


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry or setting: what became of it, what it is called, and what of it in detail."""

    sign: str
    name: str
    details: tuple[str, ...] = ()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return where two documents differ, given as trees; what is not told is the same."""
    found: list[Difference] = []
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key in _ENTRIES:
            found += _entries(key, old or (), new or ())
        else:
            found += (_setting(line) for line in _lines(key, old, new))
    return found


_ENTRIES: Final = {
    "categories": "category",
    "term_lists": "term list",
    "hash_banks": "hash bank",
    "content_types": "content type",
    "rules": "rule",
    "actions": "action",
    "review_queues": "review queue",
}


def _entries(key: str, before: Any, after: Any) -> Iterator[Difference]:
    old, new, what = _keyed(before), _keyed(after), _ENTRIES[key]
    if old is None or new is None:  # two of one name, which no key tells apart
        yield Difference(CHANGED, key, (_value(after),))
        return
    for name, entry in old.items():
        if name not in new:
            yield Difference(REMOVED, f"{what} {_called(name, entry)}")
    for name, entry in new.items():
        called = f"{what} {_called(name, entry)}"
        if name not in old:
            parts = _parts(entry).items()
            yield Difference(ADDED, called, tuple(f"{part}: {_value(e)}" for part, e in parts))
        elif entry != old[name]:
            yield Difference(CHANGED, called, tuple(_lines("", old[name], entry)))
    if isinstance(after, list) and _order(old, new) != _order(new, old):
        names = (_called(name, entry) for name, entry in new.items())
        yield Difference(CHANGED, f"order of {key}", (", ".join(names),))


def _order(names: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return [name for name in names if name in others]


def _keyed(entries: Any) -> dict[str, Any] | None:
    """Return entries by what tells them apart: an id if they have one, or a name."""
    if isinstance(entries, Mapping):
        return dict(sorted(entries.items()))
    keyed = {str(entry.get("id") or entry.get("name")): entry for entry in entries}
    return keyed if len(keyed) == len(entries) else None


def _called(key: str, entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or key)


def _parts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("id", "name")}


def _setting(line: str) -> Difference:
    sign, _, said = line.partition(" ")
    return Difference(sign, said)


def _lines(path: str, before: Any, after: Any) -> Iterator[str]:
    """Yield a line for each place below a path where two values differ."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            yield from _lines(inner, before.get(key), after.get(key))
    elif before is None:
        yield f"{ADDED} {path}: {_value(after)}"
    elif after is None:
        yield f"{REMOVED} {path}: {_value(before)}"
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_lines(path, before, after)
    else:
        yield f"{CHANGED} {path}: {_value(before)} → {_value(after)}"


def _list_lines(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    if all(isinstance(entry, Mapping) and "name" in entry for entry in (*before, *after)):
        old, new = ({entry["name"]: entry for entry in entries} for entries in (before, after))
        if old != new:
            yield from _lines(path, old, new)
            return
    gone = [entry for entry in before if entry not in after]
    come = [entry for entry in after if entry not in before]
    for sign, entries in ((REMOVED, gone), (ADDED, come)):
        if entries:
            yield f"{sign} {path}: {', '.join(map(_value, entries))}"
    if not gone and not come:
        yield f"{CHANGED} {path}: {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    """Return a value as YAML on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1 << 20
    )
    return text.removesuffix("\n").removesuffix("\n...")
