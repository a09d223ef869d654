"""The text RPCs over a real socket: what goes in comes out converted, in order, and alone."""

from gavel.v1 import moderation_service_pb2 as api
from gavel.v1 import verdict_pb2

from tests.integration.grpc_stand import Serve


async def test_a_finding_is_answered_with_offsets_in_both_units(serve: Serve):
    """Law: spans point into the text as sent, in bytes and in UTF-16 units."""
    running = await serve()
    answer = await running.moderation.ModerateText(
        api.ModerateTextRequest(text="é😀 I will kill you", request_id="r-1", content_id="c-1")
    )
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK
    assert answer.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert answer.verdict.policy_revision == "test@1"
    (finding,) = answer.findings
    text = "é😀 I will kill you"
    assert text.encode()[finding.span.byte_start : finding.span.byte_end] == b"kill"
    units = text.encode("utf-16-le")
    assert units[2 * finding.span.utf16_start : 2 * finding.span.utf16_end] == "kill".encode(
        "utf-16-le"
    )
    assert (answer.request_id, answer.content_id) == ("r-1", "c-1")
