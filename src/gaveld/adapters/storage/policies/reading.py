"""Reads one project's policy from a document, and tells all that is wrong with it at once.

What has the wrong shape is set aside, so that what is left can be checked for what it says.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from gaveld.adapters.storage.policies.document import policy_of
from gaveld.adapters.storage.policies.places import Document, DocumentError, Way, path_of, way_of
from gaveld.adapters.storage.policies.schema import PolicyDocument
from gaveld.domain.errors import FieldViolation
from gaveld.domain.policies import Policy


class PolicyError(Exception):
    """The policy document can't be used; one line a fault, each naming the key."""


class _Fault(NamedTuple):
    place: tuple[int, int]
    line: str


class PolicyText:
    """What a text says of one project's policy.

    ``has_projects`` is true
    where a server's file says what single projects change; of those nothing is looked at here.
    """

    def __init__(self, text: str, where: str, *, is_servers: bool = False) -> None:
        """Read a text. Raises ``PolicyError`` that begins with ``where`` for what is no YAML."""
        self._where = where
        self._written = document_in(text, where)
        tree = dict(self._written.tree)
        self._faults: list[_Fault] = []
        self.has_projects = bool(tree.pop("projects", None))
        if self.has_projects and not is_servers:
            said = "one project's policy has none of its own"
            self._faults.append(self._fault(("projects",), said, of_key=True))
        self._kept: dict[str, list[int]] = {}
        self._set_aside: dict[str, set[Any]] = {}
        self._sound = self._sound_part(tree)

    def policy(self, like: Policy | None = None) -> Policy:
        """Return the policy that the text says, as far as it has the right shape.

        Domains are as they are written. Of ``like`` see ``policy_of``.
        """
        return policy_of(self._sound, like=like)

    def faults(self, violations: Iterable[FieldViolation] = ()) -> list[str]:
        """Return all that is wrong, in its order: one line a fault, each with its place.

        ``violations`` are of ``policy``. That it lacks a part is not told where that part is there
        and has the wrong shape.
        """
        others = [
            self._fault(self._written_way(entry.field), entry.description)
            for entry in violations
            if not (entry.rule == "REFERENCE" and self._is_set_aside(entry.field))
        ]
        return [fault.line for fault in sorted(self._faults + others, key=lambda e: e.place)]

    def line(self, path: str, said: str) -> str:
        """Return a fault of ``policy`` as a line, given its path as the contract calls it."""
        return self._fault(self._written_way(path), said).line

    def _fault(self, way: Way, said: str, *, of_key: bool = False) -> _Fault:
        place = self._written.place(way, of_key=of_key)
        path = f"{path_of(way)}: " if way else ""
        return _Fault(place, f"{self._where}:{place[0]}:{place[1]}: {path}{said}")

    def _written_way(self, path: str) -> Way:
        return self._origin(way_of(path))

    def _origin(self, way: Way) -> Way:
        """Return the way to an entry as it was before others were left out."""
        if len(way) > 1 and isinstance(way[1], int) and way[0] in self._kept:
            return (way[0], self._kept[str(way[0])][way[1]], *way[2:])
        return way

    def _is_set_aside(self, path: str) -> bool:
        """Return whether what is named at a path is there, but has the wrong shape."""
        way = self._written_way(path)
        key = next((_LISTS[part] for part in way[2:] if part in _LISTS), "")
        names = self._set_aside.get(key, set())
        return _ALL in names or self._written.text(way) in names

    def _sound_part(self, tree: dict[Any, Any]) -> PolicyDocument:
        """Return the document without what is wrong, which goes into ``faults``."""
        for _ in range(_ROUNDS):
            try:
                document = PolicyDocument.model_validate(tree)
                policy_of(document)
            except ValidationError as error:
                wrong = error.errors(include_url=False, include_input=False)
                for entry in wrong[:_MOST_TOLD]:
                    way, is_unknown = self._origin(entry["loc"]), entry["type"] == _UNKNOWN
                    self._faults.append(self._fault(way, said_of(entry), of_key=is_unknown))
                if len(wrong) > _MOST_TOLD:
                    self._faults.append(self._fault((), f"{len(wrong) - _MOST_TOLD:,} more"))
                self._leave_out(tree, [entry["loc"] for entry in wrong])
            except ValueError as error:
                self._faults.append(self._fault(("panel", "reviewers"), str(error)))
                self._leave_out(tree, [("panel",)])
            else:
                return document
        return PolicyDocument(categories={})

    def _leave_out(self, tree: dict[Any, Any], ways: Iterable[Way]) -> None:
        wrong: dict[Any, set[Any]] = {}
        for way in ways:
            held = tree.get(way[0])
            if len(way) > 1 and way[0] in _ENTRIES and isinstance(held, list | dict):
                wrong.setdefault(way[0], set()).add(way[1])
            else:
                tree.pop(way[0], None)
                self._set_aside.setdefault(str(way[0]), set()).add(_ALL)
        for key, left_out in wrong.items():
            held = tree.get(key)
            if isinstance(held, dict):
                tree[key] = {name: entry for name, entry in held.items() if name not in left_out}
            elif held is not None:
                names = self._set_aside.setdefault(key, set())
                names.update(name for index in left_out for name in _names(held[index]))
                stays = [index for index in range(len(held)) if index not in left_out]
                known = self._kept.get(key, range(len(held)))
                self._kept[key] = [known[index] for index in stays]
                tree[key] = [held[index] for index in stays]
        tree.setdefault("categories", {})


_MOST_TOLD: Final = 256
_ROUNDS: Final = 3
"""An entry's parts are checked first, then what they say of each other, then the panel."""
_UNKNOWN: Final = "extra_forbidden"
_ENTRIES: Final = frozenset(
    {
        "categories",
        "term_lists",
        "hash_banks",
        "content_types",
        "rules",
        "actions",
        "review_queues",
    }
)
"""The keys whose entries are left out one by one."""


def _names(entry: Any) -> list[str]:
    """Return by what others may name an entry."""
    named = [entry.get("id"), entry.get("name")] if isinstance(entry, dict) else []
    return [name for name in named if isinstance(name, str)] or [_ALL]


_ALL: Final = ""
"""Stands for every name."""
_LISTS: Final = {
    "actions": "actions",
    "action": "actions",
    "content_types": "content_types",
    "review_queue": "review_queues",
}


def document_in(text: str, where: str) -> Document:
    """Return a text as a document. Raises ``PolicyError`` that begins with ``where``."""
    try:
        return Document(text)
    except DocumentError as error:
        raise PolicyError(f"{where}:{error}") from error


def said_of(entry: Any) -> str:
    """Return what one of Pydantic's errors says."""
    if entry["type"] == _UNKNOWN:
        return "no such key"
    said = str(entry["msg"]).removeprefix("Value error, ").replace(" after validation", "")
    return "is required" if said == "Field required" else _SHOULD.sub("must ", said)


_SHOULD: Final = re.compile("^[A-Z][a-z]+ should ")


def policy_in(text: str, where: str, like: Policy | None = None) -> Policy:
    """Return the policy of one project that a text says. Raises ``PolicyError``."""
    read = PolicyText(text, where)
    if faults := read.faults():
        raise PolicyError("\n".join(faults))
    return read.policy(like)
