"""The contract as prose: what every reader of the published image sees beside each element."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tests.unit.contract.descriptors import PROTOS


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    """The contract's descriptor set, as `generate.py image` writes it."""
    out: Path = tmp_path_factory.mktemp("image") / "gavel.binpb"
    subprocess.run(
        [sys.executable, str(PROTOS / "generate.py"), "image", "--out", str(out)],
        check=True,
        cwd=out.parent,
    )
    return FileDescriptorSet.FromString(out.read_bytes())


def commented(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Name and leading comment of every message, field, oneof, enum, value, service and RPC."""
    for location in file.source_code_info.location:
        element: object = file
        path = list(location.path)
        while len(path) >= 2:
            number, index, *path = path
            field = element.DESCRIPTOR.fields_by_number[number]  # type: ignore[attr-defined]
            if field.message_type is None or not field.is_repeated:
                break
            element = getattr(element, field.name)[index]
        else:
            name = getattr(element, "name", None)
            if not path and name and element is not file:
                yield name, location.leading_comments.strip()


def test_every_comment_begins_with_the_name(image: FileDescriptorSet) -> None:
    """Whatever a reader points at, its comment begins with the element's own name."""
    ours = [file for file in image.file if file.package == "gavel.v1"]
    found = [entry for file in ours for entry in commented(file)]
    assert len(found) > 500
    assert [name for name, comment in found if not comment.startswith(f"{name} ")] == []


def test_the_image_holds_the_error_details(image: FileDescriptorSet) -> None:
    """The image has what a gateway needs to render error bodies and operations."""
    names = {file.name for file in image.file}
    assert names >= {
        "google/longrunning/operations.proto",
        "google/rpc/code.proto",
        "google/rpc/error_details.proto",
        "google/rpc/status.proto",
    }
