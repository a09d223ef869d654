"""The error reasons, each of which shows the body that a caller receives."""

import json
import re

import pytest
from gavel.v1.error_reason_pb2 import ErrorReason
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tests.unit.contract.descriptors import PROTOS

PREFIX = "ERROR_REASON_"
NAMES = [name for name in ErrorReason.DESCRIPTOR.values_by_name if name != f"{PREFIX}UNSPECIFIED"]


def comments() -> dict[str, str]:
    """The comment above each value, by the value's name, without its slashes."""
    text = (PROTOS / "gavel/v1/error_reason.proto").read_text()
    blocks = re.findall(r"((?:^  //.*\n)+)^  (ERROR_REASON_\w+) = \d+;", text, re.MULTILINE)
    return {name: re.sub(r"^  // ?", "", block, flags=re.MULTILINE) for block, name in blocks}


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_shows_its_body(name: str) -> None:
    """A reason's comment ends in a google.rpc.Status that has its code and its own ErrorInfo."""
    comment = comments()[name]
    status = json_format.Parse(comment[comment.index("    {") :], status_pb2.Status())
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (name.removeprefix(PREFIX), "gavel")
    assert f"({code_pb2.Code.Name(status.code)})" in comment.splitlines()[0]
    assert status.message


@pytest.mark.parametrize("name", NAMES)
def test_every_example_obeys_the_limits_of_its_details(name: str) -> None:
    """Examples keep what ErrorInfo and BadRequest ask for: short, upper-case, bounded names."""
    comment = comments()[name]
    for detail in json.loads(comment[comment.index("    {") :])["details"]:
        reasons = [
            row["reason"] for row in [detail, *detail.get("fieldViolations", [])] if "reason" in row
        ]
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", reason) for reason in reasons)
        for key in detail.get("metadata", {}):
            assert re.fullmatch(r"[a-z][a-zA-Z0-9-_]{0,63}", key)
