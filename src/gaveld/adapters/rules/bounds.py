"""Proves that a condition ends soon: reckons what it costs at worst, before it is ever run.

Nothing can stop an expression once it runs, and it runs beside other calls. So what it may use is
a closed list, nothing in it makes texts or lists longer, and its cost on the largest content that
the contract allows is bounded. The bound is generous: it is there for mistakes and bombs.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gaveld.adapters.rules.patterns import compiled
from gaveld.adapters.rules.tree import Node, Tree
from gaveld.application.ports import PatternInvalidError
from gaveld.domain.categories import CATALOGUE

MAX_COST: Final = 100_000.0
"""What a condition may cost at worst, in about a microsecond on one core of 2024."""

MAX_CONTENT_BYTES: Final = 4 << 20
MAX_TEXT_BYTES: Final = 1 << 20
MAX_ITEMS: Final = 256
"""The contract's bounds on content: a whole message, one text in it, the items of one list."""

_STEP: Final = 0.1
_COMPARE: Final = 0.001
_READ: Final = 0.002
_SEARCH: Final = 0.001
_MATCH: Final = 0.0003
"""Costs: of one operation; per byte compared, and read; per byte and byte of what is looked for;
per byte and instruction of a pattern."""

_SMALL: Final = 8.0
_SIZES: Final[Mapping[str, float]] = {
    "content": MAX_CONTENT_BYTES,
    "ocr_text": MAX_TEXT_BYTES,
}
_OTHER_VARIABLE: Final = 1_024.0

_CONSTANT: Final = frozenset(
    {
        "_&&_", "_||_", "!_", "-_", "_+_", "_-_", "_*_", "_/_", "_%_",
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
        "getHours", "getMinutes", "getSeconds", "getMilliseconds", "@not_strictly_false",
    }
)  # fmt: skip
_COMPARING: Final = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"})
_READING: Final = frozenset(
    {
        "size", "startsWith", "endsWith", "lowerAscii", "upperAscii", "trim", "charAt", "substring",
        "int", "uint", "double", "bool", "string", "timestamp", "duration", "dyn", "type",
    }
)  # fmt: skip
_KEEPING_SIZE: Final = frozenset({"lowerAscii", "upperAscii", "trim", "substring", "string", "dyn"})
_SEARCHING: Final = frozenset({"contains", "indexOf"})
_LENGTHENING: Final = frozenset({"add_string", "add_bytes", "add_list"})


class BoundsExceededError(Exception):
    """A condition is not bounded, or not enough. ``place`` is where in it."""

    def __init__(self, message: str, place: Node) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class Cost(NamedTuple):
    """What it costs at worst to work out a place, and how large its value is then, in bytes."""

    cost: float
    size: float


def prove(tree: Tree) -> None:
    """Raise ``BoundsExceededError`` for a condition that might not end soon."""
    cost = cost_of(tree)
    if cost > MAX_COST:
        raise BoundsExceededError(
            f"is too dear: {cost / MAX_COST:.1f} times what a condition may cost at worst",
            tree.root,
        )


def cost_of(tree: Tree) -> float:
    """Return what a condition costs at worst. Raises ``BoundsExceededError``."""
    return _Reckoning(tree).of(tree.root, {}).cost


class _Reckoning:
    """Reckons the cost of one tree, from the leaves up."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def of(self, node: Node, sizes: Mapping[str, float]) -> Cost:
        """Return the cost of a place, where loops' variables are as large as ``sizes`` say."""
        match node.kind:
            case "const":
                return Cost(0.0, float(len((node.text or "").encode())) or _SMALL)
            case "ident":
                known = sizes.get(node.name)
                size = _SIZES.get(node.name, _OTHER_VARIABLE) if known is None else known
                cost = Cost(_STEP, size)
            case "select":
                self._check_category(node.parts[0], node.name, node)
                operand = self.of(node.parts[0], sizes)
                cost = Cost(operand.cost + _STEP, operand.size)
            case "loop":
                return self._loop(node, sizes)
            case "call":
                cost = self._call(node, [self.of(part, sizes) for part in node.parts])
            case _:
                if node.kind == "struct" and node.name:
                    raise BoundsExceededError(f"{node.name} can't be made here", node)
                parts = [self.of(part, sizes) for part in node.parts]
                return Cost(
                    _STEP * (1 + len(parts)) + sum(part.cost for part in parts),
                    _SMALL + sum(part.size for part in parts),
                )
        return Cost(cost.cost, _SMALL) if node.id in self._tree.scalars else cost

    def _loop(self, node: Node, sizes: Mapping[str, float]) -> Cost:
        over, start, condition, step, result = node.parts
        range_ = self.of(over, sizes)
        if over.kind == "list":
            count = len(over.parts)
            each = max((self.of(part, sizes).size for part in over.parts), default=_SMALL)
        else:
            count, each = MAX_ITEMS, max(_SMALL, range_.size / MAX_ITEMS)
        inner = {**sizes, node.name: each, node.accumulator: _SMALL}
        body = self.of(condition, inner), self.of(step, inner)
        whole = {**sizes, node.accumulator: _SMALL + count * body[1].size}
        ends = self.of(start, sizes), self.of(result, whole)
        cost = range_.cost + sum(end.cost for end in ends)
        return Cost(cost + count * (_STEP + sum(part.cost for part in body)), ends[1].size)

    def _call(self, node: Node, parts: list[Cost]) -> Cost:
        name, cost = node.name, _STEP + sum(part.cost for part in parts)
        sizes = [part.size for part in parts]
        texts = [min(size, float(MAX_TEXT_BYTES)) for size in sizes]
        more, size = 0.0, _SMALL
        if name in _CONSTANT:
            self._check_not_lengthening(node)
            size = max(sizes) if name == "_+_" else _SMALL
        elif name.startswith("math."):
            more = _STEP * len(parts)
        elif name in _COMPARING:
            more = _COMPARE * min(sizes)
        elif name == "_?_:_":
            size = max(sizes[1:])
        elif name == "_[_]":
            self._check_category(node.parts[0], node.parts[1].text, node)
            size = sizes[0]
        elif name == "@in":
            self._check_category(node.parts[1], node.parts[0].text, node)
            more = _COMPARE * sizes[1]
        elif name in _READING:
            more, size = _READ * texts[0], texts[0] if name in _KEEPING_SIZE else _SMALL
        else:
            more = self._search(node, texts)
        return Cost(cost + more, size)

    def _search(self, node: Node, texts: list[float]) -> float:
        """Return what it costs to look for something in a text; what that is must be literal."""
        if node.name in _SEARCHING:
            sought = node.parts[1].text
            if sought is None:
                raise BoundsExceededError(
                    f"{node.name}() looks for a text written in the condition", node.parts[1]
                )
            return _SEARCH * texts[0] * (1 + len(sought) / 64)
        if node.name == "matches":
            pattern = node.parts[1].text
            if pattern is None:
                raise BoundsExceededError(
                    "matches() takes a pattern written in the condition", node.parts[1]
                )
            try:
                return _MATCH * texts[0] * float(compiled(pattern).programsize)
            except PatternInvalidError as error:
                raise BoundsExceededError(f"the pattern {error}", node.parts[1]) from error
        raise BoundsExceededError(f"{node.name}() is no function of conditions", node)

    def _check_not_lengthening(self, node: Node) -> None:
        """Refuse ``+`` on texts and lists: with a few loops around it, it grows without bound."""
        if node.name != "_+_" or node.parts[0].name.startswith("@"):
            return  # a macro collects its own results so
        if _LENGTHENING.intersection(self._tree.overloads.get(node.id, ())):
            raise BoundsExceededError(
                "+ is for numbers and times; say which with double(), int() or timestamp()", node
            )

    @staticmethod
    def _check_category(holder: Node, category_id: str | None, node: Node) -> None:
        """Refuse a category that does not exist: nothing is ever found in it."""
        if category_id is None or category_id in CATALOGUE:
            return
        by_category = holder.name in {"categories", "findings"} and holder.kind == "ident"
        if by_category or (
            holder.kind == "select"
            and holder.name.startswith("categories_")
            and holder.parts[0].name == "user"
        ):
            raise BoundsExceededError(f"{category_id!r} is no category", node)
