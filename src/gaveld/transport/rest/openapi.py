"""The contract as OpenAPI 3.1, made from its descriptors, comments and validation rules.

What is written here is read off the contract and never by hand; ``schemas`` does the messages.
"""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor, ServiceDescriptor

from gaveld.transport.rest.bindings import Binding, bindings_of
from gaveld.transport.rest.schemas import Schemas
from gaveld.transport.rest.templates import ONE, Template, read_template
from gaveld.transport.rest.transcoding import HTTP_BODY, body_field, takes_raw_body

Document = dict[str, Any]

STATUS: Final = "google.rpc.Status"
_JSON: Final = "application/json"


def openapi(services: Sequence[ServiceDescriptor], schemas: Schemas, version: str) -> Document:
    """Return the document of every binding of the services, those of WebSockets included."""
    paths: Document = {}
    for binding in bindings_of(services):
        template = read_template(binding.template)
        path, verb = _path(template), binding.http_method.lower()
        paths.setdefault(path, {})[verb] = _operation(binding, template, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gavel",
            "version": version,
            "description": "Content safety that you host yourself: verdicts, what they rest on, "
            "and what was not checked. Errors are google.rpc.Status.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}, {"apiKey": []}, {}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "responses": {
                "Failure": {
                    "description": "The call failed; the status says why.",
                    "content": {_JSON: {"schema": schemas.of_message(schemas.named(STATUS))}},
                }
            },
            "schemas": schemas.components(),
        },
    }


def _path(template: Template) -> str:
    """Return a template as OpenAPI writes it: variables without their patterns.

    A variable of several segments is written out as one for each part that is free.
    """
    segments = list(template.segments)
    for variable in template.variables:
        names = _names(template, variable.field_path)
        for place in range(variable.start, variable.end or len(segments)):
            if place in names:
                segments[place] = "{" + names[place] + "}"
    path = "/" + "/".join(segments)
    return f"{path}:{template.verb}" if template.verb else path


def _names(template: Template, field_path: str) -> dict[int, str]:
    """Return the names of the free segments of a variable, by their place in the template."""
    (variable,) = (entry for entry in template.variables if entry.field_path == field_path)
    free = [
        place
        for place in range(variable.start, variable.end or len(template.segments))
        if template.segments[place].startswith(ONE)
    ]
    if len(free) == 1 and variable.is_one:
        return {free[0]: field_path}
    named = {}
    for place in free:
        before = template.segments[place - 1] if place > variable.start else field_path
        named[place] = f"{before.rstrip('s')}"
    return named


def _operation(binding: Binding, template: Template, schemas: Schemas) -> Document:
    method = binding.method
    summary, _, more = schemas.comment(method).partition(". ")
    operation: Document = {
        "operationId": f"{method.containing_service.name}_{method.name}_{len(template.text)}",
        "tags": [method.containing_service.name],
        "summary": summary.replace("\n", " ").strip().removesuffix(".") + ".",
        "description": schemas.comment(method) if more else "",
        "parameters": [*_path_parameters(template), *_query_parameters(binding, template, schemas)],
        "responses": {
            "200": _answer(binding, schemas),
            "default": {"$ref": "#/components/responses/Failure"},
        },
    }
    if method.client_streaming:
        operation["description"] += (
            " A WebSocket: ask for it with Upgrade. Messages are the RPC's, as JSON."
        )
        operation["responses"] = {
            "101": {"description": "The WebSocket is open."},
            "default": {"$ref": "#/components/responses/Failure"},
        }
        operation["parameters"] = []
    if binding.body:
        operation["requestBody"] = _body(binding, schemas)
    return {name: value for name, value in operation.items() if value not in ("", [])}


def _path_parameters(template: Template) -> list[Document]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for variable in template.variables
        for name in _names(template, variable.field_path).values()
    ]


def _query_parameters(binding: Binding, template: Template, schemas: Schemas) -> list[Document]:
    if binding.body == "*":
        return []
    bound = {entry.field_path for entry in template.variables} | {binding.body}
    return [
        {
            "name": field.json_name,
            "in": "query",
            "required": False,
            "description": schemas.comment(field),
            "schema": schemas.of_field(field),
        }
        for field in binding.method.input_type.fields
        if field.name not in bound and _has_text_form(field)
    ]


def _has_text_form(field: FieldDescriptor) -> bool:
    message = field.message_type
    plain = {"Timestamp", "Duration", "FieldMask"}
    return message is None or message.full_name.removeprefix("google.protobuf.") in plain


def _body(binding: Binding, schemas: Schemas) -> Document:
    if takes_raw_body(binding):
        return {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    field = body_field(binding)
    if field is None:
        schema = schemas.of_message(binding.method.input_type)
    else:
        schema = schemas.of_field(field)
    return {"required": True, "content": {_JSON: {"schema": schema}}}


def _answer(binding: Binding, schemas: Schemas) -> Document:
    output = binding.method.output_type
    schema = schemas.of_message(output)
    if binding.response_body:
        schema = schemas.of_field(output.fields_by_name[binding.response_body])
    content: Document = {_JSON: {"schema": schema}}
    if output.full_name == HTTP_BODY:
        content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    elif binding.method.server_streaming:
        content = {
            "application/x-ndjson": {"schema": schema},
            "text/event-stream": {"schema": {"type": "string"}},
        }
    return {"description": schemas.comment(output) or "The answer.", "content": content}
