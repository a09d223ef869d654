"""Ports of the expressions in a policy: the conditions of its rules, the patterns of its fields."""

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


class PatternInvalidError(Exception):
    """A pattern is no RE2 expression, or too large a one; says why."""


class Patterns(Protocol):
    """Knows RE2 expressions. Time is linear in the text, whatever the pattern."""

    def check(self, pattern: str) -> None:
        """Raise ``PatternInvalidError`` for a pattern that can't be used."""
        ...

    def fits(self, pattern: str, text: str) -> bool:
        """Return whether the pattern matches the whole of a text; False for one that is invalid."""
        ...


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
