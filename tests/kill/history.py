"""What clients, the storage and a receiver of callbacks saw of a run, and what must not be in it.

It knows nothing of how the run was made: a history is judged from itself alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Answered:
    """A submission that was answered: the work is accepted under this operation."""

    request: str
    operation: str


@dataclass(frozen=True)
class Decided:
    """A decision that is stored at the end. ``decision`` tells two of one request apart."""

    request: str
    operation: str
    decision: str


@dataclass(frozen=True)
class Received:
    """A callback as it came. ``decision`` is what it tells of; ``is_signed``: by us."""

    request: str
    webhook_id: str
    decision: str
    is_signed: bool = True


@dataclass
class History:
    """A run. ``sent`` are all requests, also those that got no answer."""

    sent: set[str] = field(default_factory=set)
    answered: list[Answered] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def accepted(self) -> set[str]:
        """The requests that somebody was told are accepted."""
        return {entry.request for entry in self.answered}

    def unsettled(self) -> set[str]:
        """The accepted or decided requests that lack a decision or a callback so far."""
        decided = {entry.request for entry in self.decided}
        called = {entry.request for entry in self.received}
        return (self.accepted - decided) | ((self.accepted | decided) - called)


def violations(history: History) -> list[str]:
    """Say everything in the history that must not be; nothing if all is well."""
    return [
        *_accepted_once(history),
        *_decided_once(history),
        *_told_under_one_id(history),
        *_told_the_truth(history),
    ]


def _accepted_once(history: History) -> Iterator[str]:
    operations = _grouped((entry.request, entry.operation) for entry in history.answered)
    for request, names in operations.items():
        if request not in history.sent:
            yield f"{request}: answered and never sent"
        if len(names) > 1:
            yield f"{request}: accepted as {len(names)} operations, {_listed(names)}"
    requests = _grouped((entry.operation, entry.request) for entry in history.answered)
    for operation, sharing in requests.items():
        if len(sharing) > 1:
            yield f"{operation}: one operation for {_listed(sharing)}"


def _decided_once(history: History) -> Iterator[str]:
    found: defaultdict[str, list[Decided]] = defaultdict(list)
    for entry in history.decided:
        found[entry.request].append(entry)
    for request in sorted(history.accepted - set(found)):
        yield f"{request}: accepted and never decided"
    answered = _grouped((entry.request, entry.operation) for entry in history.answered)
    for request, decisions in found.items():
        if request not in history.sent:
            yield f"{request}: decided and never sent"
        if len(decisions) > 1:
            yield f"{request}: decided {len(decisions)} times"
        told = answered.get(request)
        if told and not {entry.operation for entry in decisions} <= told:
            yield f"{request}: decided as another operation than was answered"


def _told_under_one_id(history: History) -> Iterator[str]:
    ids = _grouped((entry.request, entry.webhook_id) for entry in history.received)
    decided = {entry.request for entry in history.decided}
    for request in sorted(decided - set(ids)):
        yield f"{request}: decided and no callback came"
    for request, given in ids.items():
        if len(given) > 1:
            yield f"{request}: called back under {len(given)} ids, {_listed(given)}"
        if request not in decided:
            yield f"{request}: called back and never decided"
    requests = _grouped((entry.webhook_id, entry.request) for entry in history.received)
    for webhook_id, sharing in requests.items():
        if len(sharing) > 1:
            yield f"{webhook_id}: one id for callbacks of {_listed(sharing)}"


def _told_the_truth(history: History) -> Iterator[str]:
    kept = _grouped((entry.request, entry.decision) for entry in history.decided)
    for entry in history.received:
        if not entry.is_signed:
            yield f"{entry.request}: a callback was not signed by us"
        if entry.request in kept and entry.decision not in kept[entry.request]:
            yield f"{entry.request}: a callback told of a decision that was not kept"


def _grouped(pairs: Iterable[tuple[KeyT, ValueT]]) -> dict[KeyT, set[ValueT]]:
    groups: defaultdict[KeyT, set[ValueT]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return dict(groups)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
