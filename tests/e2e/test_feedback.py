"""Feedback from a client to the operator's export, on the server as it is shipped."""

import json
from pathlib import Path

import grpc
from gavel.v1 import feedback_service_pb2 as api
from gavel.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from tests.e2e.command import gavel
from tests.e2e.conftest import Server, running


async def submit(server: Server, request_id: str, text: str) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        request = api.SubmitFeedbackRequest(text=text, request_id=request_id, languages=["fr"])
        request.attribute_scores.toxicity = 0.75
        await FeedbackServiceStub(channel).SubmitFeedback(request, timeout=30)


async def test_opinions_are_exported_as_rows_and_erased_for_good(tmp_path: Path):
    """Law: what was submitted outlives the server, comes out whole, and is gone once erased."""
    async with running(tmp_path) as server:
        await submit(server, "r-1", "Ça va très mal 👎")
        await submit(server, "r-2", "Bonjour")

    exported = await gavel("feedback", "export", folder=tmp_path)
    rows = [json.loads(line) for line in exported.output.splitlines()]
    assert [row["text"] for row in rows] == ["Ça va très mal 👎", "Bonjour"]
    assert rows[0]["attribute_scores"] == {"toxicity": 0.75}
    assert (rows[0]["languages"], rows[0]["project"]) == (["fr"], "default")

    unsure = await gavel("feedback", "erase", folder=tmp_path)
    assert unsure.status == 2
    erased = await gavel("feedback", "erase", "--project", "default", folder=tmp_path)
    assert (erased.status, erased.errors) == (0, "2 opinions erased.\n")
    assert not (await gavel("feedback", "export", folder=tmp_path)).output
