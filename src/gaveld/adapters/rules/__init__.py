"""The expressions of a policy: conditions in CEL, and patterns in RE2."""

from gaveld.adapters.rules.compiler import CelConditionCompiler
from gaveld.adapters.rules.patterns import Re2Patterns

__all__ = ["CelConditionCompiler", "Re2Patterns"]
