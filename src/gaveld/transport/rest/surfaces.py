"""What the gateway serves: surfaces, each a set of routes with its own credentials and errors.

The contract's own REST API is one surface, each vendor's dialect another. To add a dialect, write
``dialects/<vendor>.py`` with a subclass of ``Surface`` and name it where the gateway is built:

    class ExampleDialect(Surface):
        name = "example"
        prefixes = ("/example/v2",)

        def __init__(self) -> None:
            super().__init__()
            self.add("POST", "/example/v2/texts/{id}:score", self._score)

        def credentials(self, request: Request) -> Metadata:
            key = request.parameter("key")
            return (("x-api-key", key),) if key else ()

        def failure(self, request: Request, failure: RpcFailure) -> Answer:
            return Answer(failure.http_status, b'{"error": ...}')

        async def _score(self, request: Request, rpc: Rpc) -> Answer:
            fields = request.json()
            answer = await rpc(MODERATE_TEXT, ModerateTextRequest(text=...), ModerateTextResponse)
            return Answer(200, orjson.dumps(...))

``failure`` renders every failure below the surface's prefixes: 404 and 405 (whose ``headers`` hold
Allow), 413, bad JSON, what the server refused, and defects, which come as INTERNAL. A handler that
raises ``RpcFailure`` ends there too. The gateway itself sees to the body's limit before the handler
is called, deadlines, disconnects, metrics, the request id and the trace; no surface repeats that.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from google.rpc import code_pb2

from gaveld.transport.rest.answers import Answer, StreamedAnswer
from gaveld.transport.rest.failures import RpcFailure, answer_of, malformed, refusal
from gaveld.transport.rest.headers import Headers, Metadata, credentials_of
from gaveld.transport.rest.routing import (
    Match,
    MethodNotAllowedError,
    RouteNotFoundError,
    RouteTable,
)
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.strict_json import MalformedJsonError, read_json
from gaveld.transport.rest.templates import Path


@dataclass(eq=False)
class Request:
    """One HTTP request, its body read whole. ``variables`` are what the path's template captured.

    ``query`` is as it came, still encoded. Where no route was found, ``variables`` and ``body`` are
    empty.
    """

    http_method: str
    raw_path: bytes
    query: bytes
    headers: Headers
    request_id: str
    body: bytes = b""
    variables: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "http"

    def json(self) -> Any:
        """Return the body as JSON, read strictly. Raises ``RpcFailure`` for what is none."""
        try:
            return read_json(self.body)
        except MalformedJsonError as error:
            raise malformed(str(error)) from None

    def parameter(self, name: str) -> str:
        """Return a parameter of the query, decoded; the first if there are several, else empty."""
        return self.parameters.get(name, "")

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters by name, the first of each. What is no UTF-8 is replaced."""
        pairs = parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)
        return dict(reversed(pairs))


Handler = Callable[[Request, Rpc], Awaitable[Answer | StreamedAnswer]]


class Surface:
    """A set of routes. ``prefixes`` are the paths that it answers for, also where it has no route.

    ``name`` is for metrics and settings: lower-case letters and underscores.
    """

    name: str = ""
    prefixes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._routes: RouteTable[Handler] = RouteTable()

    def add(self, http_method: str, template: str, handler: Handler) -> None:
        """Add a route; the template is of ``google.api.http``'s grammar."""
        self._routes.add(http_method, template, handler)

    @property
    def templates(self) -> Iterable[str]:
        """The templates of all routes: the closed set that metrics are labelled with."""
        return {route.template.text for route in self._routes}

    def find(self, http_method: str, path: Path) -> Match[Handler]:
        """Return the route of a request line. Raises ``RpcFailure``: 404, or 405 with Allow."""
        try:
            return self._routes.find(http_method, path)
        except RouteNotFoundError:
            raise refusal(
                code_pb2.NOT_FOUND, "UNKNOWN_ROUTE", "This gateway has no such path."
            ) from None
        except MethodNotAllowedError as error:
            allowed = ", ".join(error.allowed)
            raise refusal(
                code_pb2.UNIMPLEMENTED,
                "METHOD_NOT_ALLOWED",
                f"The path takes {allowed}.",
                metadata={"allow": allowed},
                headers=(("allow", allowed),),
            ) from None

    def credentials(self, request: Request) -> Metadata:
        """Return the caller's credentials in the server's own spellings.

        These are ``authorization: Bearer KEY``, ``x-api-key``, and ``x-client-id`` with
        ``x-client-secret``.
        """
        return credentials_of(request.headers)

    def failure(self, request: Request, failure: RpcFailure) -> Answer:
        """Return the answer that a failure comes to. It must not raise."""
        del request
        return answer_of(failure)
