"""The expressions of a policy: conditions in CEL, and patterns in RE2."""

from gaveld.adapters.rules.patterns import Re2Patterns

__all__ = ["Re2Patterns"]
