"""Time that runs out and callers who go away: the work stops, and what is known is answered."""

import asyncio

import grpc
import pytest
from gavel.v1 import moderation_service_pb2 as api
from gavel.v1 import verdict_pb2
from google.rpc import error_details_pb2

from gaveld.domain.content import TextSample
from gaveld.domain.signals import ClassifierReport
from gaveld.transport.grpc.server import GrpcServerOptions
from tests.integration.grpc_stand import (
    GatedClassifier,
    PlainNormaliser,
    Serve,
    WordClassifier,
    failure_of,
)

REQUEST = api.ModerateTextRequest(text="I will kill you")


async def test_a_late_classifier_costs_coverage_not_the_call(serve: Serve):
    """Law: before the caller's deadline comes an answer with what was found in time."""
    gated = GatedClassifier()
    running = await serve(classifiers=(WordClassifier(), gated))
    answer = await running.moderation.ModerateText(REQUEST, timeout=0.5)
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK
    assert answer.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL
    statuses = {entry.name: entry.status for entry in answer.classifier_outcomes}
    assert statuses["gated"] == verdict_pb2.CLASSIFIER_STATUS_TIMED_OUT
    assert gated.cancelled == 1


async def test_the_servers_cap_stands_for_a_missing_deadline(serve: Serve):
    """Law: no call outlives the server's cap, whether its caller set a deadline or not."""
    gated = GatedClassifier()
    running = await serve(
        classifiers=(gated,), options=GrpcServerOptions(port=0, max_deadline_seconds=0.5)
    )
    for timeout in (None, 60):
        answer = await running.moderation.ModerateText(REQUEST, timeout=timeout)
        (outcome,) = (e for e in answer.classifier_outcomes if e.name == "gated")
        assert outcome.status == verdict_pb2.CLASSIFIER_STATUS_TIMED_OUT


async def test_a_call_stuck_before_its_use_case_is_ended_by_the_cap(serve: Serve):
    """Law: the cap also bounds what runs before the use case, such as a hanging key store."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    running = await serve(
        authenticate=hang, options=GrpcServerOptions(port=0, max_deadline_seconds=0.05)
    )
    failure = await failure_of(
        running.moderation.ModerateText(REQUEST, metadata=(("x-api-key", "k"),))
    )
    assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure.info.reason == "DEADLINE_EXCEEDED"


async def test_a_caller_who_goes_away_stops_the_work(serve: Serve):
    """Law: cancelling a call cancels every classifier that works on it."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated, gated))
    call = running.moderation.ModerateText(REQUEST)
    waiter = asyncio.create_task(call.code())
    await gated.until_waiting(2)
    call.cancel()
    await gated.until_waiting(0)
    assert gated.cancelled == 2
    assert await waiter is grpc.StatusCode.CANCELLED


async def test_cancelling_a_batch_stops_all_of_its_texts(serve: Serve):
    """Law: what a caller no longer waits for is not begun either."""
    gated = GatedClassifier()
    running = await serve(classifiers=(gated,))
    requests = [api.ModerateTextRequest(text=f"text {i}") for i in range(100)]
    call = running.moderation.BatchModerateText(api.BatchModerateTextRequest(requests=requests))
    waiter = asyncio.create_task(call.code())
    await gated.until_waiting(8)
    call.cancel()
    await gated.until_waiting(0)
    assert len(gated.seen) == 8
    assert await waiter is grpc.StatusCode.CANCELLED


async def test_a_deadline_in_a_batch_fails_no_text_that_was_judged(serve: Serve):
    """Law: in a batch each text has what the deadline left it; none fails for another."""
    running = await serve(classifiers=(WordClassifier(),))
    requests = [REQUEST] * 20
    answer = await running.moderation.BatchModerateText(
        api.BatchModerateTextRequest(requests=requests), timeout=30
    )
    assert [entry.WhichOneof("result") for entry in answer.results] == ["response"] * 20


class FirstEight(GatedClassifier):
    """Lets the first eight texts through, and holds the rest at its gate."""

    async def classify(self, sample: TextSample) -> ClassifierReport:
        if len(self.seen) < 8:
            self.seen.append(sample.text)
            return ClassifierReport()
        return await super().classify(sample)


async def test_a_batch_out_of_time_answers_with_what_was_judged(serve: Serve):
    """Law: at its deadline a batch answers, and each text that was not judged says so itself.

    Those that wait at the gate then are judged in part, or not at all where the machine is slow.
    """
    running = await serve(classifiers=(WordClassifier(), FirstEight()))
    requests = [api.ModerateTextRequest(text=f"I will kill you, {number}") for number in range(100)]
    request = api.BatchModerateTextRequest(requests=requests)
    results = (await running.moderation.BatchModerateText(request, timeout=3)).results
    whole, at_gate, unseen = results[:8], results[8:16], results[16:]
    for entry in whole:
        assert entry.response.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    for entry in at_gate:
        if entry.HasField("response"):
            assert entry.response.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL
    late = [entry for entry in at_gate if entry.HasField("error")]
    assert len(unseen) == 84
    for entry in (*late, *unseen):
        assert entry.error.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        info = error_details_pb2.ErrorInfo()
        assert entry.error.details[0].Unpack(info)
        assert info.reason == "DEADLINE_EXCEEDED"


async def test_a_batch_does_not_wait_for_a_text_stuck_before_its_classifiers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    """Law: a text that hangs where no deadline reaches is given up in time for the answer."""

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(PlainNormaliser, "normalise", hang)
    running = await serve()
    request = api.BatchModerateTextRequest(requests=[REQUEST] * 20)
    answer = await running.moderation.BatchModerateText(request, timeout=1)
    codes = {entry.error.code for entry in answer.results}
    assert codes == {grpc.StatusCode.DEADLINE_EXCEEDED.value[0]}
