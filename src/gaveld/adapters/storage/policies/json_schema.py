"""The document's schema for editors, as JSON Schema."""

from typing import Any

from gaveld.adapters.storage.policies.schema import PolicyDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy's document, as YAML or JSON."""
    schema = _untitled(PolicyDocument.model_json_schema())
    definitions = schema.pop("$defs")
    properties = schema["properties"]
    definitions["ProjectChanges"] = {
        "type": "object",
        "description": "What one project changes; mappings are merged, all else is replaced.",
        "properties": {key: value for key, value in properties.items() if key != "name"},
        "additionalProperties": False,
    }
    projects = {
        "type": "object",
        "description": "In a server's file alone: what single projects change of all this.",
        "additionalProperties": {"$ref": "#/$defs/ProjectChanges"},
    }
    return {
        "$schema": DIALECT,
        **schema,
        "title": "Gavel policy",
        "properties": {**properties, "projects": projects},
        "$defs": definitions,
    }


def _untitled(schema: Any) -> Any:
    """Return a schema without the titles that only repeat the keys."""
    if isinstance(schema, dict):
        return {
            key: _untitled(value)
            for key, value in schema.items()
            if key != "title" or not isinstance(value, str)
        }
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema
