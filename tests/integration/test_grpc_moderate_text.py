"""The text RPCs over a real socket: what goes in comes out converted, in order, and alone."""

import grpc
from gavel.v1 import category_service_pb2 as catalogue
from gavel.v1 import moderation_service_pb2 as api
from gavel.v1 import verdict_pb2

from gaveld.domain.categories import CATALOGUE
from tests.integration.grpc_stand import BrokenClassifier, Serve, WordClassifier, failure_of


async def test_a_finding_is_answered_with_offsets_in_both_units(serve: Serve):
    """Law: spans point into the text as sent, in bytes and in UTF-16 units."""
    running = await serve()
    text = "é😀 I will kill you"
    answer = await running.moderation.ModerateText(
        api.ModerateTextRequest(text=text, request_id="r-1", content_id="c-1")
    )
    assert answer.verdict.action == verdict_pb2.ACTION_BLOCK
    assert answer.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert answer.verdict.policy_revision == "test@1"
    (finding,) = answer.findings
    span = finding.span
    assert text.encode()[span.byte_start : span.byte_end] == b"kill"
    units = text.encode("utf-16-le")
    assert units[2 * span.utf16_start : 2 * span.utf16_end].decode("utf-16-le") == "kill"
    assert (answer.request_id, answer.content_id) == ("r-1", "c-1")


async def test_findings_that_ask_for_nothing_and_timings_need_explain(serve: Serve):
    """Law: what does not count towards the verdict is shown only to those who ask."""
    running = await serve()
    short = await running.moderation.ModerateText(api.ModerateTextRequest(text="meh darn"))
    full = await running.moderation.ModerateText(
        api.ModerateTextRequest(text="meh darn", explain=True)
    )
    assert [entry.score for entry in short.findings] == [0.6]
    assert [entry.score for entry in full.findings] == [0.6, 0.1]
    assert not short.timings
    assert full.timings[0].stage == "normalise"
    assert short.filtered_text == "meh ****"


async def test_overrides_change_the_verdict_of_one_call_only(serve: Serve):
    """Law: a call's overrides act on that call and leave the policy as it was."""
    running = await serve()
    request = api.ModerateTextRequest(text="I will kill you")
    request.policy_overrides.categories["H3"].enabled = False
    request.policy_overrides.mask.category_ids.append("H3")
    request.policy_overrides.mask.character = "#"
    overridden = await running.moderation.ModerateText(request)
    plain = await running.moderation.ModerateText(api.ModerateTextRequest(text=request.text))
    assert overridden.verdict.action == verdict_pb2.ACTION_ALLOW
    assert overridden.filtered_text == "I will #### you"
    assert plain.verdict.action == verdict_pb2.ACTION_BLOCK
    assert plain.filtered_text == request.text


async def test_metadata_is_echoed(serve: Serve):
    """Law: metadata comes back as it was sent."""
    running = await serve()
    request = api.ModerateTextRequest(text="hello")
    request.metadata.update({"order": 17, "tags": ["a", "b"]})
    answer = await running.moderation.ModerateText(request)
    assert answer.metadata == request.metadata


async def test_a_check_that_did_not_run_is_named(serve: Serve):
    """Law: clean is not the same as not checked; the answer says what failed and why it acts."""
    running = await serve(classifiers=(BrokenClassifier(),))
    answer = await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    verdict = answer.verdict
    assert verdict.action == verdict_pb2.ACTION_REVIEW
    assert verdict.incomplete_action == verdict_pb2.ACTION_REVIEW
    assert verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_NONE
    unchecked = {entry.category_id: entry for entry in verdict.coverage.unchecked_categories}
    assert unchecked["H3"].reason == verdict_pb2.UNCHECKED_REASON_FAILED
    assert list(unchecked["H3"].classifiers) == ["broken"]
    assert unchecked["H3"].required
    statuses = {entry.name: entry.status for entry in answer.classifier_outcomes}
    assert statuses["broken"] == verdict_pb2.CLASSIFIER_STATUS_FAILED


async def test_a_batch_answers_in_order_and_one_bad_text_fails_alone(serve: Serve):
    """Law: item i of the answer is item i of the request, and an error stays with its item."""
    running = await serve(max_text_bytes=64)
    texts = [f"text {i}" for i in range(200)]
    texts[7], texts[11] = "I will kill you", ""
    texts[13] = "x" * 65
    batch = api.BatchModerateTextRequest(
        requests=[
            api.ModerateTextRequest(text=text, content_id=str(i)) for i, text in enumerate(texts)
        ],
        request_id="b",
    )
    answer = await running.moderation.BatchModerateText(batch)
    results = answer.results
    assert answer.request_id == "b"
    failed = [i for i, entry in enumerate(results) if entry.HasField("error")]
    assert failed == [11, 13]
    assert all(
        entry.response.content_id == str(i) for i, entry in enumerate(results) if i not in failed
    )
    assert results[7].response.verdict.action == verdict_pb2.ACTION_BLOCK
    assert results[7].response.request_id == "b:7"
    assert results[11].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert running.telemetry.batches == [200]


async def test_a_batch_of_too_many_is_refused_whole(serve: Serve):
    """Law: a batch holds 1 to 256 texts."""
    running = await serve()
    for count in (0, 257):
        batch = api.BatchModerateTextRequest(requests=[api.ModerateTextRequest(text="hi")] * count)
        failure = await failure_of(running.moderation.BatchModerateText(batch))
        assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
        assert failure.bad_request.field_violations[0].field == "requests"


async def test_the_catalogue_comes_in_pages_and_says_what_is_covered(serve: Serve):
    """Law: pages put together are the catalogue, and a category no classifier sees says so."""
    running = await serve(classifiers=(WordClassifier(),))
    seen: list[catalogue.Category] = []
    token = ""
    while True:
        page = await running.categories.ListCategories(
            catalogue.ListCategoriesRequest(page_size=7, page_token=token)
        )
        seen.extend(page.categories)
        token = page.next_page_token
        if not token:
            break
    assert [entry.id for entry in seen] == list(CATALOGUE)
    by_id = {entry.id: entry for entry in seen}
    assert by_id["H3"].coverage_status == verdict_pb2.COVERAGE_STATUS_COMPLETE
    assert [entry.name for entry in by_id["H3"].classifiers] == ["words"]
    assert by_id["S3"].coverage_status == verdict_pb2.COVERAGE_STATUS_NONE
    assert not by_id["S3"].classifiers
