"""Compiles conditions with the CEL implementation in C++, proves their types and their bounds.

A condition is checked against typed facts and run on plain ones, in which what is not known is
absent: asking for it is an error and never a default.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_strings

from gaveld.adapters.rules.bounds import BoundsExceededError, prove
from gaveld.adapters.rules.schemas import PACKAGE, NamesCollideError, described
from gaveld.adapters.rules.tree import MAX_DEPTH, TooDeepError, Tree, tree_of
from gaveld.adapters.rules.variables import COUNTS, OBJECTS, TYPES, Asked, values_of
from gaveld.application.ports import ConditionFailedError, ConditionInvalidError
from gaveld.domain.rules import RuleFacts
from gaveld.domain.typed_content import ContentType

MAX_CONDITION_BYTES: Final = 4_096

_PROOFS_KEPT: Final = 1_024
_RUNNABLE_KEPT: Final = 256
"""The longest conditions take 0.3 MB each."""
_ANY: Final = "map<string, dyn>"


class CelCondition:
    """A compiled condition."""

    def __init__(self, source: str, expression: Any, asked: Asked) -> None:
        self._source = source
        self._expression = expression
        self._asked = asked

    def holds(self, facts: RuleFacts) -> bool:
        """Return whether it holds. Raises ``ConditionFailedError``; it is never silently false."""
        try:
            value = self._expression.eval(data=values_of(facts, self._asked))
        except RuntimeError as error:
            raise ConditionFailedError(_reason(str(error), self._source)) from None
        kind = value.type()
        if kind == cel.Type.BOOL:
            return bool(value.value())
        if kind == cel.Type.ERROR:
            raise ConditionFailedError(_reason(str(value.value()), self._source))
        raise ConditionFailedError("It gives no bool.")


class CelConditionCompiler:
    """A ``ConditionCompiler``. Compiling takes about a tenth of a millisecond for each type.

    The longest conditions take a hundred times that; what was compiled before is remembered.
    """

    def compile(self, source: str, content_types: Sequence[ContentType] = ()) -> CelCondition:
        """Return the compiled condition. Raises ``ConditionInvalidError``."""
        try:
            size = len(source.encode())
        except UnicodeEncodeError as error:
            raise ConditionInvalidError("is not Unicode", 1, error.start + 1) from error
        if size > MAX_CONDITION_BYTES:
            raise ConditionInvalidError(f"has {size} bytes; the limit is {MAX_CONDITION_BYTES}")
        for content_type in content_types or (None,):
            asked = _proved(source, content_type)
        return CelCondition(source, _runnable(source), asked)


@lru_cache(maxsize=_RUNNABLE_KEPT)
def _runnable(source: str) -> Any:
    return _compiled(_running_env(), source)


@lru_cache(maxsize=_PROOFS_KEPT)
def _proved(source: str, content_type: ContentType | None) -> Asked:
    """Prove a condition's types and bounds, and return what it asks for."""
    try:
        expression = _compiled(_checking_env(content_type), source)
    except NamesCollideError as error:
        raise ConditionInvalidError(
            f"two fields of {content_type.name if content_type else ''} are {error} here"
        ) from error
    given = expression.return_type()
    if given != cel.Type.BOOL and not (content_type is None and given == cel.Type.DYN):
        raise ConditionInvalidError(f"gives {_named(given.name())} and not a bool")
    try:
        tree = tree_of(expression.serialize())
    except TooDeepError as error:
        raise ConditionInvalidError(f"nests deeper than {MAX_DEPTH} levels") from error
    try:
        prove(tree)
    except BoundsExceededError as error:
        line, column = _position(source, tree, error.place.id)
        raise ConditionInvalidError(error.message, line, column) from error
    return tree.root.asked(TYPES.keys())


def _compiled(env: Any, source: str) -> Any:
    try:
        return env.compile(source)
    except RuntimeError as error:
        raise _invalid(str(error)) from None


def _position(source: str, tree: Tree, node_id: int) -> tuple[int, int]:
    before = source[: tree.offset(node_id)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@lru_cache(maxsize=1)
def _running_env() -> Any:
    objects = dict.fromkeys((*OBJECTS, "Content"), _ANY)
    return _env({name: objects.get(kind, kind) for name, kind in TYPES.items()})


@lru_cache(maxsize=256)
def _checking_env(content_type: ContentType | None) -> Any:
    objects = {name: f"{PACKAGE}.{name}" for name in (*OBJECTS, "Content")}
    if content_type is None:
        objects["Content"] = _ANY
    types = {name: objects.get(kind, kind) for name, kind in TYPES.items()}
    return _env(types, described(OBJECTS, COUNTS, content_type))


def _env(types: dict[str, str], pool: Any = None) -> Any:
    return cel.NewEnv(
        descriptor_pool=pool,
        variables={name: cel.Type(kind) for name, kind in types.items()},
        extensions=[ext_strings.ExtStrings(), ext_math.ExtMath()],
    )


_ERROR: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_REWORDED: Final = (
    (re.compile(r"undefined field '(.*)' not found in struct '.*'"), r"no such field: \1"),
    (re.compile(r"undeclared reference to '(.*)' \(in container ''\)"), r"no such name: \1"),
    (
        re.compile(r"found no matching overload for '(.*)' applied to '(.*)'"),
        r"\1 does not take \2",
    ),
    (re.compile(r"^Syntax error: (.*?)( expecting .*)?$"), r"can't be read: \1"),
    (re.compile(r"^_(\W+)_ "), r"\1 "),
)


def _invalid(text: str) -> ConditionInvalidError:
    """Return what the author is told; a compiler's errors quote the condition, and no content."""
    found = _ERROR.search(text)
    if found is None:
        return ConditionInvalidError("can't be read: it may nest too deep")
    message = found[3]
    for pattern, words in _REWORDED:
        message = pattern.sub(words, message)
    return ConditionInvalidError(_named(message)[:256], int(found[1]), int(found[2]))


def _named(message: str) -> str:
    message = message.replace("google.protobuf.Timestamp", "timestamp")
    return re.sub(rf"\b{PACKAGE}\.\w+", "object", message)


_REASONS: Final = (
    ("No matching overload", "An operator was given values that it does not take."),
    ("divide by zero", "It divides by zero."),
    ("modulus by zero", "It divides by zero."),
    ("overflow", "A number is out of range."),
    ("out of range", "A number is out of range."),
    ("Index error", "A list is shorter than asked for."),
    ("Iteration budget exceeded", "It loops more than 10,000 times."),
    ("conver", "A value can't be converted."),
    ("SELECT to non-message", "A field was asked of what has none."),
)
_LONGEST_NAME: Final = 64
_KEY: Final = re.compile(r'Key not found in map : "(.*)"', re.DOTALL)
_NAME: Final = re.compile(r'No value with name "(\w+)" found')


def _reason(error: str, source: str) -> str:
    """Return why a condition failed. The evaluator's own words may quote content: never these."""
    key = _KEY.search(error)
    if key is not None:
        # The author may read what the author wrote, and nothing else.
        is_written = len(key[1]) <= _LONGEST_NAME and re.search(
            rf"(?<!\w){re.escape(key[1])}(?!\w)", source
        )
        return f"Nothing is known of {key[1] if is_written else 'a key'}."
    name = _NAME.search(error)
    if name is not None:
        return f"Nothing is known of {name[1]}."
    return next((words for sign, words in _REASONS if sign in error), "It can't be worked out.")
