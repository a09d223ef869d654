"""Walks the descriptors of the whole contract for the tests beside it. It judges nothing."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import (
    Descriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)

PROTOS = Path(__file__).resolve().parents[3] / "protos"


def files() -> list[FileDescriptor]:
    """Every file of the contract, sorted by name."""
    names = sorted(path.stem for path in (PROTOS / "gavel/v1").glob("*.proto"))
    return [importlib.import_module(f"gavel.v1.{name}_pb2").DESCRIPTOR for name in names]


def messages() -> list[Descriptor]:
    """Every message of the contract, nested ones too, without the entries of maps."""

    def within(message: Descriptor) -> Iterator[Descriptor]:
        if not message.GetOptions().map_entry:
            yield message
        for nested in message.nested_types:
            yield from within(nested)

    tops = [message for file in files() for message in file.message_types_by_name.values()]
    return [message for top in tops for message in within(top)]


def services() -> list[ServiceDescriptor]:
    """Every service of the contract."""
    return [service for file in files() for service in file.services_by_name.values()]


def methods() -> list[MethodDescriptor]:
    """Every RPC of the contract."""
    return [method for service in services() for method in service.methods]
