"""Hands out the contract as one descriptor set: every file, its imports, and all comments.

It is what gateways, documentation and proxies read the contract from; Envoy takes the file itself.
"""

from importlib import resources

from google.protobuf import descriptor_pb2

FILE_NAME = "contract.binpb"


def descriptor_set_bytes() -> bytes:
    """The set as protoc writes it, a serialised `google.protobuf.FileDescriptorSet`."""
    return resources.files("gavel").joinpath(FILE_NAME).read_bytes()


def descriptor_set() -> descriptor_pb2.FileDescriptorSet:
    """The set, read. Imports come before the files that import them."""
    return descriptor_pb2.FileDescriptorSet.FromString(descriptor_set_bytes())
