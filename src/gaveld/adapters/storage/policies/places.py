"""Reads YAML and knows where each value stands, so that a fault can be found in an editor.

What its values mean is not its business. A document can't be made to grow without bound.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

MOST_CHARACTERS: Final = 16 << 20
MOST_VALUES: Final = 1_000_000
"""So many values a document has at most, those that aliases repeat counted each time."""

Way = Sequence[str | int]
"""The keys and indices that lead to a value."""


class DocumentError(Exception):
    """A text that is no document: says why, and where if that can be told."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{line}:{column}: {message}" if line else f" {message}")


class Document:
    """A YAML document whose values are the keys of a mapping."""

    def __init__(self, text: str) -> None:
        """Read a document. Raises ``DocumentError``."""
        if len(text) > MOST_CHARACTERS:
            raise DocumentError(f"has {len(text):,} characters; the limit is {MOST_CHARACTERS:,}")
        try:
            loader = _Loader(text.removeprefix("\ufeff"))
            root = loader.get_single_node()
            tree = None if root is None else _constructed(loader, root)
        except yaml.YAMLError as error:
            raise _told(error) from error
        except RecursionError as error:
            raise DocumentError("nests too deep") from error
        if root is None or not isinstance(tree, dict):
            raise DocumentError("not a mapping of keys to values")
        self._root: yaml.Node = root
        self.tree: dict[Any, Any] = tree

    def place(self, way: Way, *, of_key: bool = False) -> tuple[int, int]:
        """Return the line and column, from 1, of a value or its key; of what holds it if it is not.

        Parts of a way that lead nowhere are passed over.
        """
        node = self._root
        mark = node.start_mark
        for part in way:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    continue
                key, node = found[-1]  # what is merged in stands before what replaces it
                mark = key.start_mark if of_key else node.start_mark
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    continue
                node = node.value[part]
                mark = node.start_mark
        return mark.line + 1, mark.column + 1

    def text(self, way: Way) -> str | None:
        """Return the text that a way leads to; None if it leads to none."""
        value: Any = self.tree
        for part in way:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value if isinstance(value, str) else None


_MERGE: Final = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which the first would be lost."""

    def construct_once(self, node: yaml.MappingNode) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            try:
                is_twice = key in seen
                seen.add(key)
            except TypeError:
                raise _fault("a key must be a text", key_node) from None
            if is_twice:
                raise _fault(f"the key {key!r} stands twice", key_node)
        self.flatten_mapping(node)
        mapping: dict[Any, Any] = self.construct_mapping(node, deep=True)
        return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_once)


def _fault(said: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, said, node.start_mark)


def _constructed(loader: _Loader, root: yaml.Node) -> Any:
    if _size(root, {}) > MOST_VALUES:
        raise DocumentError(f"has more than {MOST_VALUES:,} values, with those of its aliases")
    try:
        return loader.construct_document(root)
    except (ValueError, OverflowError, LookupError, AttributeError) as error:
        # What PyYAML raises for a value that is not what its form or its tag says.
        raise DocumentError("has a date or a number that is none; put it into quotes") from error


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Return how many values a node has, written out; one in itself raises ``DocumentError``."""
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        parts = node.value
    elif isinstance(node, yaml.MappingNode):
        parts = [value for _, value in node.value]
    if not parts:
        return 1
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            mark = node.start_mark
            raise DocumentError("is part of itself", mark.line + 1, mark.column + 1)
        return size
    known[id(node)] = None
    size = known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return size


def _told(error: yaml.YAMLError) -> DocumentError:
    """Return what is wrong and where, without a line of the document, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return DocumentError(str(error.problem), mark.line + 1, mark.column + 1)
    return DocumentError("is no YAML")


_PART: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.\[\]]+)')
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "blocked_domains": ("links", "blocked_domains"),
    "allowed_domains": ("links", "allowed_domains"),
    "fetch_hosts": ("media", "fetch_hosts"),
}
_RENAMED: Final = {"action_ids": "actions", "action_id": "action", "category_id": "category"}


def way_of(path: str) -> tuple[str | int, ...]:
    """Return the way in a document to what the contract calls ``path``.

    ``policy.rules[0].action_ids[1]`` is the document's ``rules``, 0, ``actions``, 1.
    """
    parts: list[str | int] = [
        int(index) if index else name or key
        for key, index, name in _PART.findall(path.removeprefix("policy."))
    ]
    if parts[:2] == ["mask", "category_ids"]:
        return ("mask", *parts[2:])
    if parts[:2] == ["mask", "character"]:
        return ("mask_character",)
    first = _NAMES.get(str(parts[0]), (parts[0],)) if parts else ()
    # What parameters and headers are called is their author's business.
    is_own = "parameters" in parts or "headers" in parts
    rest = parts[1:] if is_own else [_RENAMED.get(str(part), part) for part in parts[1:]]
    return (*first, *rest)


def path_of(way: Way) -> str:
    """Return how a way is spelt to people, such as ``rules[0].actions[1]``."""
    named = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in way)
    return "".join(part for part in named if part != ".[key]").removeprefix(".")
