"""The port of conditions: the expressions of a policy's rules."""

from collections.abc import Sequence
from typing import Protocol

from gaveld.domain.rules import RuleFacts
from gaveld.domain.typed_content import ContentType


class ConditionInvalidError(Exception):
    """A condition does not compile. Lines and columns count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class ConditionFailedError(Exception):
    """A condition could not be worked out; says why in words that quote no content."""


class Condition(Protocol):
    """One compiled condition. Equal facts give equal answers, within bounded time."""

    def holds(self, facts: RuleFacts) -> bool:
        """Return whether it holds. Raises ``ConditionFailedError``; it is never silently false."""
        ...


class ConditionCompiler(Protocol):
    """Compiles conditions and proves their types."""

    def compile(self, source: str, content_types: Sequence[ContentType] = ()) -> Condition:
        """Return a condition that runs on content of these types; none named means any.

        Raises ``ConditionInvalidError`` for what is no boolean expression over the facts: a field
        that one of the types lacks, a comparison that can't be, more than the bounds.
        """
        ...
