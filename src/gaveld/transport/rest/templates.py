"""Reads the path templates of ``google/api/http.proto`` and holds request paths against them.

It knows nothing of messages: what a variable captured is given back as text, by field path.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

ONE: Final = "*"
MANY: Final = "**"

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})?")
_SLASH: Final = re.compile("(%2[Ff])")
_TOKEN: Final = re.compile(r"\*\*|[*/{}=:]|[^*/{}=:]+")
_FIELD_PATH: Final = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*", re.IGNORECASE)


class TemplateError(ValueError):
    """A template breaks the grammar: a defect of the contract or of a dialect, not of a request."""


class PathError(ValueError):
    """A request's path is not percent-encoded UTF-8."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Segments ``start`` up to ``end`` of a template, which go to a field. ``end`` None: the rest.

    ``is_one`` is true for a single ``*``: only then is an encoded slash part of the value.
    """

    field_path: str
    start: int
    end: int | None
    is_one: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read: its segments, the verb after the colon, and its variables."""

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[Variable, ...]

    @property
    def is_literal(self) -> bool:
        """Whether it matches one path alone."""
        return not {ONE, MANY} & set(self.segments)

    @property
    def only_path(self) -> str:
        """The one path that a literal template matches."""
        path = "/" + "/".join(self.segments)
        return f"{path}:{self.verb}" if self.verb else path

    @property
    def rank(self) -> tuple[int, ...]:
        """What to sort by, so that the more specific template is tried first."""
        order = {ONE: 1, MANY: 2}
        return (not self.verb, *(order.get(segment, 0) for segment in self.segments))

    def match(self, path: "Path") -> dict[str, str] | None:
        """Return what each variable captured, decoded; None if the path is another."""
        parts = path.parts if not self.verb else path.without(self.verb)
        if parts is None or not self._fits(parts):
            return None
        return {entry.field_path: _captured(entry, parts) for entry in self.variables}

    def _fits(self, parts: Sequence[str]) -> bool:
        segments = self.segments
        if segments and segments[-1] == MANY:
            segments = segments[:-1]
            if len(parts) < len(segments):
                return False
        elif len(parts) != len(segments):
            return False
        return all(
            bool(part) if segment == ONE else part == segment
            for segment, part in zip(segments, parts, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Path:
    """A request's path, in parts that are still encoded, save what never needed to be."""

    parts: tuple[str, ...]

    @classmethod
    def read(cls, raw: bytes) -> "Path":
        """Read a path as it stood in the request line. Raises ``PathError``."""
        try:
            text = raw.decode("ascii")
        except UnicodeDecodeError as error:
            raise PathError("the path has characters that must be percent-encoded") from error
        decode(text)
        return cls(tuple(_ESCAPE.sub(_plain, text).removeprefix("/").split("/")))

    @property
    def text(self) -> str:
        """The path in one piece."""
        return "/" + "/".join(self.parts)

    def without(self, verb: str) -> tuple[str, ...] | None:
        """Return the parts before a verb; None if the path does not end in it."""
        last, colon, found = self.parts[-1].rpartition(":")
        return (*self.parts[:-1], last) if colon and found == verb else None


def decode(text: str) -> str:
    """Undo percent-encoding. Raises ``PathError`` for what is no UTF-8, or a stray ``%``."""
    if "%" not in text:
        return text
    if any(match[1] is None for match in _ESCAPE.finditer(text)):
        raise PathError("the path has a % without two hex digits")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise PathError("the path is not UTF-8 once it is decoded") from error


def read_template(text: str) -> Template:
    """Read a template such as ``/v1/{name=projects/*}:apply``. Raises ``TemplateError``."""
    return _Reader(text).template()


def _plain(match: re.Match[str]) -> str:
    """Undo the encoding of a character that never needed it; leave every other as it is."""
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0]


def _captured(variable: Variable, parts: Sequence[str]) -> str:
    taken = "/".join(parts[variable.start : variable.end])
    if variable.is_one:
        return decode(taken)
    return "".join(
        piece if _SLASH.fullmatch(piece) else decode(piece) for piece in _SLASH.split(taken)
    )


class _Reader:
    """Reads one template, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        self._place = 0
        self._segments: list[str] = []
        self._variables: list[Variable] = []

    def template(self) -> Template:
        self._expect("/")
        self._read_segments(in_variable=False)
        verb = ""
        if self._peek() == ":":
            self._expect(":")
            verb = self._literal()
        if self._peek():
            raise self._error(f"{self._peek()!r} is out of place")
        if MANY in self._segments[:-1]:
            raise self._error("** must come last")
        paths = [entry.field_path for entry in self._variables]
        if len(set(paths)) != len(paths):
            raise self._error("a variable is bound twice")
        return Template(self._text, tuple(self._segments), verb, tuple(self._variables))

    def _read_segments(self, *, in_variable: bool) -> None:
        self._read_segment(in_variable=in_variable)
        while self._peek() == "/":
            self._expect("/")
            self._read_segment(in_variable=in_variable)

    def _read_segment(self, *, in_variable: bool) -> None:
        found = self._peek()
        if found == "{":
            if in_variable:
                raise self._error("a variable within a variable")
            self._read_variable()
        elif found in {ONE, MANY}:
            self._segments.append(self._next())
        else:
            self._segments.append(self._literal())

    def _read_variable(self) -> None:
        self._expect("{")
        field_path = self._next()
        if not _FIELD_PATH.fullmatch(field_path):
            raise self._error(f"{field_path!r} is no field path")
        start = len(self._segments)
        if self._peek() == "=":
            self._expect("=")
            self._read_segments(in_variable=True)
        else:
            self._segments.append(ONE)
        self._expect("}")
        taken = self._segments[start:]
        end = None if taken[-1] == MANY else len(self._segments)
        self._variables.append(Variable(field_path, start, end, taken == [ONE]))

    def _literal(self) -> str:
        found = self._next()
        if found in {"", ONE, MANY, "/", "{", "}", "=", ":"}:
            raise self._error(f"{found!r} where a literal is due")
        return found

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._place += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise self._error(f"{token!r} is missing")

    def _error(self, message: str) -> TemplateError:
        return TemplateError(f"{self._text}: {message}")
