"""Finds what answers a request line: by HTTP method and path template, the most specific first.

A table holds any kind of target, so that the contract's routes and a dialect's are found alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gaveld.transport.rest.templates import Path, Template, read_template

T = TypeVar("T")


class RouteNotFoundError(LookupError):
    """No template matches the path."""


class MethodNotAllowedError(LookupError):
    """The path is known, but not with this HTTP method."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(", ".join(allowed))
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """One HTTP method (``*`` for any) and path template, and what answers it."""

    http_method: str
    template: Template
    target: T


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A route that a request line fits, with what its variables captured, by field path."""

    route: Route[T]
    variables: dict[str, str]


class RouteTable(Generic[T]):
    """The routes of one surface."""

    def __init__(self) -> None:
        self._literal: dict[str, list[Route[T]]] = {}
        self._patterns: list[Route[T]] = []

    def __iter__(self) -> Iterator[Route[T]]:
        for routes in self._literal.values():
            yield from routes
        yield from self._patterns

    def add(self, http_method: str, template: str, target: T) -> None:
        """Add a route. Raises ``TemplateError`` for a template that breaks the grammar."""
        route = Route(http_method.upper(), read_template(template), target)
        if route.template.is_literal:
            self._literal.setdefault(route.template.only_path, []).append(route)
        else:
            self._patterns.append(route)
            self._patterns.sort(key=lambda entry: entry.template.rank)

    def find(self, http_method: str, path: Path) -> Match[T]:
        """Return the route of a request line; ``HEAD`` finds that of ``GET``.

        Raises ``RouteNotFoundError`` or ``MethodNotAllowedError``.
        """
        allowed: list[str] = []
        for route, variables in self._at(path):
            if _takes(route.http_method, http_method):
                return Match(route, variables)
            allowed.append(route.http_method)
        if not allowed:
            raise RouteNotFoundError(path.text)
        if "GET" in allowed:
            allowed.append("HEAD")
        raise MethodNotAllowedError(tuple(dict.fromkeys(allowed)))

    def _at(self, path: Path) -> Iterator[tuple[Route[T], dict[str, str]]]:
        for route in self._literal.get(path.text, ()):
            yield route, route.template.match(path) or {}
        for route in self._patterns:
            variables = route.template.match(path)
            if variables is not None:
                yield route, variables


def _takes(route_method: str, http_method: str) -> bool:
    return route_method in {"*", http_method} or (http_method == "HEAD" and route_method == "GET")
