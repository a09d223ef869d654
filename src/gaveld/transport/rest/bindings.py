"""Reads the routes of the contract out of its descriptors: every ``google.api.http`` rule.

It decides nothing about them; what a rule says of body and answer is kept as it stands. Only an RPC
that others declared without a rule has one here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

OF_OTHERS: Final = {
    "google.longrunning.Operations.WaitOperation": http_pb2.HttpRule(
        post="/v1/{name=operations/**}:wait", body="*"
    ),
}
"""The rules of RPCs of others' contracts that have none of their own."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One HTTP form of an RPC.

    ``body`` names the field that the request's body fills: ``*`` for the whole message, empty for
    none. ``response_body`` names the field that is answered with, empty for the whole message.
    """

    method: MethodDescriptor
    http_method: str
    template: str
    body: str
    response_body: str

    @property
    def path(self) -> str:
        """The RPC as gRPC calls it, such as ``/gavel.v1.CategoryService/ListCategories``."""
        return method_path(self.method)


def method_path(method: MethodDescriptor) -> str:
    """Return the path of an RPC in gRPC's own spelling."""
    return f"/{method.containing_service.full_name}/{method.name}"


def bindings_of(services: Iterable[ServiceDescriptor]) -> Iterator[Binding]:
    """Give every binding of every RPC, additional ones included, in the contract's order."""
    for service in services:
        for method in service.methods:
            rule = _rule(method)
            if rule is not None:
                for entry in (rule, *rule.additional_bindings):
                    yield _binding(method, entry)


def _rule(method: MethodDescriptor) -> http_pb2.HttpRule | None:
    options: Any = method.GetOptions()  # what its extensions are, its stubs can't tell
    if not options.HasExtension(annotations_pb2.http):
        return OF_OTHERS.get(method.full_name)
    rule: http_pb2.HttpRule = options.Extensions[annotations_pb2.http]
    return rule


def _binding(method: MethodDescriptor, rule: http_pb2.HttpRule) -> Binding:
    pattern = rule.WhichOneof("pattern")
    if pattern == "custom":
        http_method, template = rule.custom.kind, rule.custom.path
    else:
        http_method, template = str(pattern).upper(), getattr(rule, str(pattern))
    return Binding(method, http_method, template, rule.body, rule.response_body)
