"""What docs/compliance.md says must be so."""

import json
import re

from gavel.v1 import compliance_service_pb2
from google.protobuf import json_format
from training.panel import tables

from gaveld.adapters.reviewers.embedded import MEMBERS
from gaveld.adapters.reviewers.embedded.members import View, Witness
from gaveld.adapters.text.transformer_model import SHIPPED_FOLDER
from gaveld.domain.categories import Severity
from gaveld.domain.decisions import GRAVITY
from tests.unit.repo.test_docs import blocks, rows
from tests.unit.repo.tree import read

GUIDE = read("docs/compliance.md")
SERVICE = compliance_service_pb2.DESCRIPTOR.services_by_name["ComplianceService"]


def test_the_example_is_an_answer_of_the_contract():
    """The example parses as the response that it shows."""
    (example,) = blocks(GUIDE, "json")
    answer = json_format.Parse(example, compliance_service_pb2.ReviewTextResponse())
    assert answer.review.score == json.loads(example)["review"]["score"]


def test_every_unary_method_is_listed():
    """The table of methods is the service's, without its streams."""
    unary = [entry.name for entry in SERVICE.methods if not entry.client_streaming]
    assert list(rows(GUIDE, "method | content")) == unary


def test_the_gravities_are_those_of_the_code():
    """The weights in the prose are the ones that count."""
    text = " ".join(GUIDE.split())
    for severity in Severity:
        if severity is not Severity.UNSTATED:
            assert f"{float(GRAVITY[severity]):g} for {severity.name.lower()}" in text


def test_the_errors_named_are_the_contracts():
    """Every reason in the table of errors stands in the contract's."""
    known = set(rows(read("docs/contract.md"), "reason"))
    table = rows(GUIDE, "there")
    named = {name for row in table.values() for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert named <= known


def test_the_embedded_panel_is_the_codes():
    """Who is on the panel, in which order, and what tells them apart, is what the code says."""
    expected = {
        str(number): [
            f"`{member.name}`",
            member.description,
            member.point.value,
            ", ".join(view.value for view in View if view in member.views),
            ", ".join(
                witness.value.replace("_", " ")
                for witness in Witness
                if witness in member.witnesses
            )
            or "–",
        ]
        for number, member in enumerate(MEMBERS, 1)
    }
    assert rows(GUIDE, "n") == expected


def test_the_figures_of_the_embedded_panel_are_the_shipped_models():
    """Every table of figures is what was measured of the model that is shipped."""
    result = json.loads((SHIPPED_FOLDER / "panel_metrics.json").read_text("utf-8"))
    for table in (tables.members, tables.agreement, tables.amounts, tables.confidence):
        assert table(result) in GUIDE
