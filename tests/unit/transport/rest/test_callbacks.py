"""What callbacks say of a decision, in each of the forms."""

import json
from datetime import UTC, datetime

import pytest
from gavel.v1 import content_pb2, content_service_pb2, evidence_pb2, verdict_pb2

from gaveld.domain.jobs import Job, JobKind
from gaveld.domain.rules import CallbackFormat
from gaveld.transport.rest.callbacks import JsonCallbackBodies
from gaveld.transport.rest.dialects.contentmod_content import META

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
Request = content_service_pb2.SubmitContentRequest
Response = content_service_pb2.SubmitContentResponse
FieldResult = content_service_pb2.FieldResult


def response(*results: FieldResult, **fields: object) -> Response:
    """An answer that blocks, about these fields."""
    answer = Response(
        content_id="c1",
        actor_id="ann",
        content_type="Comment",
        verdict=verdict_pb2.Verdict(
            action=verdict_pb2.ACTION_BLOCK,
            coverage=verdict_pb2.Coverage(status=verdict_pb2.COVERAGE_STATUS_COMPLETE),
        ),
        findings=[
            verdict_pb2.Finding(
                category_id="H2", score=0.9, action=verdict_pb2.ACTION_BLOCK, field_path="text"
            )
        ],
        field_results=results,
        request_id="r1",
        category_scores={"H2": 0.9, "L1": 0.0},
        **fields,
    )
    answer.decide_time.FromDatetime(NOW)
    return answer


TEXT = FieldResult(
    field_path="text",
    filtered_text="you ****",
    content_sha256="ab",
    language=verdict_pb2.DetectedLanguage(code="en", confidence=0.9),
    attribute_scores=verdict_pb2.AttributeScores(toxicity=0.9),
)
FACE = FieldResult(
    field_path="face",
    content_sha256="cd",
    description="A red square.",
    facts=evidence_pb2.MediaFacts(format="PNG"),
)


def body(form: CallbackFormat, answer: Response, request: Request | None = None, **custom):
    """The body about a job's answer, as its receiver reads it."""
    job = Job(
        id="j1",
        project="shop",
        kind=JobKind.CONTENT,
        request_id="r1",
        payload_sha256=b"",
        created_at=NOW,
        updated_at=NOW,
        payload=b"" if request is None else request.SerializeToString(),
    )
    return json.loads(JsonCallbackBodies().body(form, job, answer.SerializeToString(), custom))


def asked(**fields: content_pb2.FieldValue) -> Request:
    """What was submitted."""
    return Request(content_id="c1", fields=fields)


def test_the_native_body_is_the_answer_in_the_contracts_json():
    """Law: a receiver reads the answer as REST callers do, with the action's own parameters."""
    shown = body(CallbackFormat.NATIVE, response(TEXT), severity=3, tags=["ü"])
    assert shown["contentId"] == "c1"
    assert shown["verdict"]["action"] == "ACTION_BLOCK"
    assert shown["decideTime"] == "2026-11-22T10:15:00Z"
    assert shown["fieldResults"][0]["filteredText"] == "you ****"
    assert shown["custom"] == {"severity": 3, "tags": ["ü"]}
    assert "custom" not in body(CallbackFormat.NATIVE, response(TEXT))


def test_apollos_body_is_the_union_of_its_documents():
    """Law: both spellings of the content's id are there, and the user's."""
    shown = body(CallbackFormat.APOLLO, response(TEXT), asked(), note="x")
    assert shown == {
        "content": {"id": "c1", "content_type": "Comment"},
        "content_id": "c1",
        "user_id": "ann",
        "custom": {"note": "x"},
    }


def test_contentmods_body_is_its_moderation_of_the_text():
    """Law: a text is told of as by the dialect itself, under the operation's id."""
    text = content_pb2.FieldValue(string_value="you fool")
    answer = response(TEXT, metadata={META: "[1,2]"})
    shown = body(CallbackFormat.CONTENTMOD, answer, asked(text=text))
    assert shown["event"] == "moderation.completed"
    data = shown["data"]
    assert (data["id"], data["hash"], data["actorId"]) == ("j1", "ab", "ann")
    assert (data["content"], data["original"]) == ("you fool", "you fool")
    assert data["filteredContent"] == "you ****"
    assert data["suggestedActions"] == {"reject": True, "review": False}
    assert data["riskScores"] == {"overall": 90, "spam": None, "toxicity": 90}
    assert data["summary"]["language"] == "en"
    assert data["request"] == {"requestId": "r1", "timestamp": "2026-11-22T10:15:00.000Z"}
    assert data["meta"] == [1, 2]


def test_contentmods_body_is_its_moderation_of_the_picture():
    """Law: content that is a picture is told of as one."""
    data = body(CallbackFormat.CONTENTMOD, response(FACE, metadata={"own": 1}))["data"]
    assert data["description"] == "A red square."
    assert "profanity" not in data["summary"]
    assert (data["id"], data["hash"], data["meta"]) == ("j1", "cd", {"own": 1})


def test_metadata_that_only_looks_like_the_dialects_own_is_told_as_it_is():
    """Law: whatever a caller has echoed, its callback can be written."""
    data = body(CallbackFormat.CONTENTMOD, response(TEXT, metadata={META: "{no JSON"}))["data"]
    assert data["meta"] == {META: "{no JSON"}


@pytest.mark.parametrize("form", list(CallbackFormat))
def test_what_must_not_be_stored_is_not_told(form):
    """Law: where no word may be kept, none is in a body that waits to be sent."""
    bare = FieldResult(field_path="text", content_sha256="ab")
    shown = body(form, response(bare))
    if form is CallbackFormat.CONTENTMOD:
        data = shown["data"]
        assert [data[name] for name in ("content", "original", "filteredContent")] == [None] * 3
    assert "fool" not in json.dumps(shown)
