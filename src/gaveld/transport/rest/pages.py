"""The contract for readers: ``/openapi.json`` for programs, ``/docs`` for people.

The page is written here, on the server: it has no script, and loads nothing from anywhere.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from html import escape
from typing import Any, Final

import orjson
from gavel.descriptors import descriptor_set
from google.protobuf.descriptor import ServiceDescriptor

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.openapi import Document, openapi
from gaveld.transport.rest.rpc import Rpc
from gaveld.transport.rest.schemas import Schemas
from gaveld.transport.rest.surfaces import Request, Surface

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, pre { font: .9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
h2 { margin-top: 3rem; } h3 { margin: 2rem 0 .2rem; font-size: 1rem; }
b { padding: 0 .4rem; border: 1px solid; border-radius: .3rem; font-size: .8rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; }
td, th { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; }
nav ul { columns: 18rem; padding: 0; list-style: none; } a { color: inherit; }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Pages:
    """What there is to read of the services; ``version`` is the server's."""

    def __init__(self, services: Sequence[ServiceDescriptor], version: str) -> None:
        self._services = services
        self._version = version

    def serve(self, surface: Surface) -> None:
        """Add the routes to a surface."""
        surface.add("GET", "/openapi.json", self._openapi)
        surface.add("GET", "/docs", self._docs)

    @cached_property
    def document(self) -> Document:
        """The contract as OpenAPI."""
        return openapi(self._services, Schemas(descriptor_set()), self._version)

    @cached_property
    def _json(self) -> bytes:
        return orjson.dumps(self.document)

    @cached_property
    def _html(self) -> bytes:
        return "".join(_page(self.document)).encode()

    async def _openapi(self, _: Request, __: Rpc) -> Answer:
        return Answer(200, self._json)

    async def _docs(self, _: Request, __: Rpc) -> Answer:
        headers = (("content-security-policy", _POLICY), ("referrer-policy", "no-referrer"))
        return Answer(200, self._html, "text/html; charset=utf-8", headers)


def _page(document: Document) -> Iterator[str]:
    info = document["info"]
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} The same for programs: "
        '<a href="/openapi.json">openapi.json</a>.</p>'
    )
    operations = [
        (path, verb, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    ]
    yield "<nav><h2>Calls</h2><ul>"
    for path, _, operation in operations:
        yield f'<li><a href="#{escape(operation["operationId"])}"><code>{escape(path)}</code></a>'
    yield "</ul></nav>"
    for path, verb, operation in operations:
        yield from _operation(path, verb, operation)
    yield "<h2>Types</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
        yield from _schema(schema)
    yield "</body></html>"


def _operation(path: str, verb: str, operation: dict[str, Any]) -> Iterator[str]:
    yield (
        f'<section><h3 id="{escape(operation["operationId"])}"><b>{escape(verb.upper())}</b> '
        f"<code>{escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description') or operation['summary'])}</p>"
    )
    if parameters := operation.get("parameters"):
        yield from _table(
            (entry["name"], entry["schema"], entry.get("description", "")) for entry in parameters
        )
    for title, place in (("Body", operation.get("requestBody")), ("Answer", _answer(operation))):
        for kind, content in (place or {}).get("content", {}).items():
            yield f"<p>{title}, <code>{escape(kind)}</code>: {_type(content['schema'])}</p>"
    yield "</section>"


def _answer(operation: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = operation["responses"].get("200", {})
    return answer


def _schema(schema: dict[str, Any]) -> Iterator[str]:
    for line in filter(None, schema.get("description", "").split("\n")):
        yield f"<p>{escape(line)}</p>"
    if properties := schema.get("properties"):
        yield from _table(
            (name, entry, entry.get("description", "")) for name, entry in properties.items()
        )


def _table(rows: Any) -> Iterator[str]:
    yield "<table><tr><th>name</th><th>type</th><th>meaning</th></tr>"
    for name, schema, meaning in rows:
        yield (
            f"<tr><td><code>{escape(name)}</code></td><td>{_type(schema)}</td>"
            f"<td>{escape(meaning)}</td></tr>"
        )
    yield "</table>"


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>'
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    kind = schema.get("type", "any value")
    return escape(kind if isinstance(kind, str) else " or ".join(kind))
