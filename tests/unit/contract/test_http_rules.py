"""The REST form of the contract, as its google.api.http rules give it."""

import re

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from tests.unit.contract.descriptors import methods

UNARY = [
    method for method in methods() if not method.client_streaming and not method.server_streaming
]


def bindings(method: MethodDescriptor) -> list[http_pb2.HttpRule]:
    """The rule of an RPC and its additional bindings; empty when it has none."""
    if not method.GetOptions().HasExtension(annotations_pb2.http):
        return []
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    return [rule, *rule.additional_bindings]


def route(rule: http_pb2.HttpRule) -> tuple[str, str]:
    """The HTTP method and the path template of a rule."""
    verb = rule.WhichOneof("pattern")
    assert verb is not None
    return verb, getattr(rule, verb)


def field(message: Descriptor, path: str) -> FieldDescriptor | None:
    """The field of a message at a dotted path, or None."""
    first, _, rest = path.partition(".")
    found = message.fields_by_name.get(first)
    if not rest or found is None or found.message_type is None:
        return None if rest else found
    return field(found.message_type, rest)


@pytest.mark.parametrize("method", UNARY, ids=lambda method: method.full_name)
def test_every_unary_rpc_has_a_route(method: MethodDescriptor) -> None:
    """Every unary RPC is reachable over REST, below /v1/."""
    routes = [route(rule) for rule in bindings(method)]
    assert routes
    assert all(path.startswith("/v1/") for _, path in routes)


def test_no_two_routes_collide() -> None:
    """No request line is claimed twice, whatever a template's variables are called."""
    shapes = [
        (verb, re.sub(r"\{[^=}]+(=([^}]+))?\}", lambda match: match[2] or "*", path))
        for method in methods()
        for verb, path in map(route, bindings(method))
    ]
    assert len(shapes) == len(set(shapes))


@pytest.mark.parametrize("method", UNARY, ids=lambda method: method.full_name)
def test_routes_name_fields_that_exist(method: MethodDescriptor) -> None:
    """Path variables, body and response_body name fields, and only GET goes without a body."""
    for rule in bindings(method):
        verb, path = route(rule)
        for variable in re.findall(r"\{([^=}]+)", path):
            target = field(method.input_type, variable)
            assert target is not None, variable
            assert target.type == FieldDescriptor.TYPE_STRING
        assert rule.body == ("" if verb == "get" else "*")
        if rule.response_body:
            assert rule.response_body in method.output_type.fields_by_name


ROUTES_OF_THE_ISSUE = {
    "gavel.v1.ModerationService.ModerateText": ("post", "/v1/text:moderate"),
    "gavel.v1.ModerationService.BatchModerateText": ("post", "/v1/text:batchModerate"),
    "gavel.v1.ModerationService.ModerateImage": ("post", "/v1/images:moderate"),
    "gavel.v1.CheckService.Check": ("post", "/v1/check"),
    "gavel.v1.ContentService.SubmitContent": ("post", "/v1/content:submit"),
    "gavel.v1.CategoryService.ListCategories": ("get", "/v1/categories"),
} | {
    f"gavel.v1.ComplianceService.Review{kind}": ("post", f"/v1/compliance/{kind.lower()}:review")
    for kind in ("Text", "Comment", "Chat", "Conversation", "Search", "Image", "Video")
}


def test_published_routes_stay() -> None:
    """The routes that callers were promised are the first binding of their RPC."""
    actual = {method.full_name: route(bindings(method)[0]) for method in UNARY}
    assert {name: actual[name] for name in ROUTES_OF_THE_ISSUE} == ROUTES_OF_THE_ISSUE
