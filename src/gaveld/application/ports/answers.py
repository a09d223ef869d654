"""The port of answers that are kept for a while, for calls that are made again."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given, and the SHA-256 of all that was asked for it."""

    asked_sha256: bytes
    body: bytes = field(repr=False)


class AnswerStore(Protocol):
    """Keeps answers for some minutes, by project and by the request id that the caller chose.

    It may forget any of them at any time, which costs a repeat of the work. A store that can't be
    reached knows nothing and drops what it is given: it never raises.
    """

    async def find(self, project: str, request_id: str) -> KeptAnswer | None:
        """Return what was kept last; None if there is nothing, or nothing any more."""
        ...

    async def keep(self, project: str, request_id: str, answer: KeptAnswer) -> None:
        """Remember this, in place of what was there."""
        ...
