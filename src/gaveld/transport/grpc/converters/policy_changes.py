"""Tells where two policies differ, place by place, as JSON. Of secrets it tells only that."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gavel.v1 import policy_service_pb2
from google.protobuf.json_format import MessageToDict

from gaveld.domain.policies import Policy
from gaveld.transport.grpc.converters.policies import policy_to_proto

MOST_CHANGES: Final = 1_000
"""What differs in more places is better read as a whole."""
HIDDEN: Final = '"(secret)"'

_SERVERS_OWN: Final = ("name", "revision", "etag")
_NAMES: Final = ("id", "name")
"""What tells the entries of a list apart, the first that they have."""
_MAPS: Final = ("categories", "headers", "parameters")
"""What protobuf keeps in no order, another one each time."""


def changes_to_proto(before: Policy, after: Policy) -> list[policy_service_pb2.PolicyChange]:
    """Return where ``after`` differs from ``before``, at most ``MOST_CHANGES`` places."""
    changes = [*_changes("", _tree(before), _tree(after)), *_secrets(before, after)]
    return [
        policy_service_pb2.PolicyChange(path=path, before=old, after=new)
        for path, old, new in changes[:MOST_CHANGES]
    ]


Change = tuple[str, str, str]
"""A path, and the values before and after as JSON; empty where there is none."""


def _tree(policy: Policy) -> dict[str, Any]:
    tree = MessageToDict(policy_to_proto(policy, "-"), preserving_proto_field_name=True)
    return {key: _ordered(value, key) for key, value in tree.items() if key not in _SERVERS_OWN}


def _ordered(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_ordered(entry, "") for entry in value]
    if not isinstance(value, Mapping):
        return value
    entries = sorted(value.items()) if name in _MAPS else value.items()
    return {key: _ordered(entry, key) for key, entry in entries}


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [*before, *(key for key in after if key not in before)]
        for key in sorted(keys) if path in _MAPS else keys:
            inner = f"{path}.{key}" if path else key
            yield from _changes(inner, before.get(key), after.get(key))
    elif isinstance(before or after, list) and isinstance(before or [], list):
        yield from _list_changes(path, before or [], after or [])
    else:
        yield path, _json(before), _json(after)


def _list_changes(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    old, new = _keyed(before), _keyed(after)
    if old is None or new is None:
        yield path, _json(list(before) or None), _json(list(after) or None)
        return
    for key, entry in old.items():
        if key not in new:
            yield _place(path, entry), _json(entry), ""
    for key, entry in new.items():
        if key in old:
            yield from _changes(_place(path, old[key]), old[key], entry)
        else:
            yield _place(path, entry), "", _json(entry)
    if [key for key in old if key in new] != [key for key in new if key in old]:
        yield f"{path} (order)", _json(_labels(before)), _json(_labels(after))


def _keyed(entries: Sequence[Any]) -> dict[str, Any] | None:
    """Return the entries by what tells them apart; None if nothing does."""
    keys = [_key(entry) for entry in entries]
    if None in keys or len(set(keys)) < len(keys):
        return None
    return {str(key): entry for key, entry in zip(keys, entries, strict=True)}


def _key(entry: Any) -> str | None:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Mapping):
        return next((str(entry[name]) for name in _NAMES if name in entry), None)
    return None


def _place(path: str, entry: Any) -> str:
    return path if isinstance(entry, str) else f"{path}[{_json(_label(entry))}]"


def _labels(entries: Sequence[Any]) -> list[str]:
    return [_label(entry) for entry in entries]


def _label(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.get("name") or entry.get("id"))


def _secrets(before: Policy, after: Policy) -> Iterator[Change]:
    old = {action.id: action.secret for action in before.actions}
    for action in after.actions:
        if action.id in old and action.secret not in ("", old[action.id]):
            yield f"actions[{_json(action.name)}].secret", HIDDEN, HIDDEN


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
