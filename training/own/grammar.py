"""Reads grammars of own-written lines and expands them into labelled texts.

A grammar has slots (``@slot name: a | b``), tables whose columns stay together
(``@table group: p | o`` and one row a line; ``@alias other = group``), and sections headed
``== count label label?`` (``?``: unknown; labels not named are 0) whose lines hold alternatives in
brackets, which nest, and slots in braces. It knows no label by name and trains nothing.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BETWEEN: Final = re.compile(r"\s\|(?=\s|$)")
_EMPTIES: Final = re.compile(r"\[\|*\]")
_SPACE_BEFORE: Final = re.compile(r"\s+([,.!?;:])(?=\s|$|[A-Za-z\"])")
_ATTEMPTS: Final = 6
"""Tries for a distinct expansion before a line is taken to be exhausted."""
_EMPTY_WEIGHT: Final = 3


@dataclass(frozen=True)
class Line:
    """One text with the labels it has (1), and those nobody should claim to know (``unknown``)."""

    text: str
    template: str
    positive: frozenset[str]
    unknown: frozenset[str]


@dataclass
class Section:
    """Lines of one labelling; ``count`` texts are drawn from all of them together."""

    count: int
    positive: frozenset[str]
    unknown: frozenset[str]
    lines: list[str] = field(default_factory=list)


@dataclass
class Grammar:
    """A parsed file."""

    name: str
    slots: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)


def parse(path: Path) -> Grammar:
    """Return the grammar in a file. Raises ValueError for a line out of place."""
    grammar, columns, table = Grammar(path.stem), [""], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            table = table if text else ""
        elif text.startswith("@slot "):
            name, _, values = text.removeprefix("@slot ").partition(":")
            grammar.slots[name.strip()] = list(_weighted(values))
        elif text.startswith("@alias "):
            name, _, of = text.removeprefix("@alias ").partition("=")
            grammar.tables[name.strip()] = grammar.tables[of.strip()]
        elif text.startswith("@table "):
            table, _, heading = text.removeprefix("@table ").partition(":")
            columns = [column.strip() for column in heading.split("|")]
            grammar.tables[table] = []
        elif text.startswith("== "):
            table, words = "", text.split()[1:]
            labels = frozenset(word for word in words[1:] if not word.endswith("?"))
            unknown = frozenset(word[:-1] for word in words[1:] if word.endswith("?"))
            grammar.sections.append(Section(int(words[0]), labels, unknown))
        elif table:
            values_ = [value.strip() for value in text.split("|")]
            grammar.tables[table].append(dict(zip(columns, values_, strict=True)))
        elif grammar.sections:
            grammar.sections[-1].lines.append(text)
        else:
            raise ValueError(f"{path.name}: no section holds {text!r}")
    return grammar


def _weighted(values: str) -> Iterator[str]:
    for value in _BETWEEN.split(values):
        stripped = value.strip()
        if _EMPTIES.fullmatch(stripped):
            yield from [""] * (_EMPTY_WEIGHT * (len(stripped) - 1))
        else:
            yield stripped


def expand(grammar: Grammar, seed: int, scale: float = 1.0) -> list[Line]:
    """Return distinct texts, at most ``scale`` times each section's count, spread over its lines.

    The same file and seed give the same texts.
    """
    chooser = random.Random(f"{seed} {grammar.name}")
    seen: set[str] = set()
    result: list[Line] = []
    for number, section in enumerate(grammar.sections):
        share = max(1, round(scale * section.count / len(section.lines)))
        for position, template in enumerate(section.lines):
            key = f"{grammar.name} {number} {position}"
            result.extend(
                Line(text, key, section.positive, section.unknown)
                for text in _distinct(grammar, template, share, chooser, seen)
            )
    return result


def _distinct(
    grammar: Grammar, template: str, share: int, chooser: random.Random, seen: set[str]
) -> Iterator[str]:
    for _ in range(share):
        for _ in range(_ATTEMPTS):
            text = _voiced(_Expansion(grammar, chooser).of(template), chooser)
            if text and text.lower() not in seen:
                seen.add(text.lower())
                yield text
                break


class _Expansion:
    """One expansion, in which a table's columns all come from one row."""

    def __init__(self, grammar: Grammar, chooser: random.Random) -> None:
        self._grammar = grammar
        self._chooser = chooser
        self._rows: dict[str, dict[str, str]] = {}

    def of(self, template: str) -> str:
        """Return the template with every alternative and slot chosen."""
        text, position = "", 0
        while position < len(template):
            character = template[position]
            if character == "[":
                end, options = _options(template, position)
                text = _join(text, self.of(self._chooser.choice(options)))
                position = end
            elif character == "{":
                end = template.index("}", position)
                text = _join(text, self.of(self._slot(template[position + 1 : end])))
                position = end + 1
            else:
                text += character
                position += 1
        return text

    def _slot(self, name: str) -> str:
        table, dot, column = name.partition(".")
        if not dot:
            return self._chooser.choice(self._grammar.slots[name])
        if table not in self._rows:
            self._rows[table] = self._chooser.choice(self._grammar.tables[table])
        return self._rows[table][column]


def _options(template: str, start: int) -> tuple[int, list[str]]:
    """Return where the bracket that opens at ``start`` ends, and the alternatives in it."""
    options: list[str] = []
    depth, piece = 0, ""
    for position in range(start, len(template)):
        character = template[position]
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return position + 1, [*options, piece]
        if character == "|" and depth == 1:
            options.append(piece)
            piece = ""
        elif position > start:
            piece += character
    raise ValueError(f"an open bracket in {template!r}")


def _join(text: str, piece: str) -> str:
    apart = text and piece and (text[-1].isalnum() or text[-1] in ".!?,:)")
    return f"{text} {piece}" if apart and piece[0].isalnum() else text + piece


def _voiced(text: str, chooser: random.Random) -> str:
    """Return the text as one of many writers would type it."""
    text = re.sub(r"\s{2,}", " ", _SPACE_BEFORE.sub(r"\1", text)).strip(" ,")
    text = text.replace("..", ".").replace("?.", "?").replace("!.", "!").replace(".,", ",")
    text = text[:1].upper() + text[1:]
    draw = chooser.random()
    if draw < 0.33:
        text = text.lower()
    elif draw < 0.36:
        text = text.upper()
    if chooser.random() < 0.15:
        text = text.replace("'", "")
    if chooser.random() < 0.3:
        text = text.rstrip(".")
    elif text[-1:].isalnum() and chooser.random() < 0.4:
        text += chooser.choice((".", ".", "!", "..."))
    return text
