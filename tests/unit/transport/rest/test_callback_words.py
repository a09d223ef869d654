"""What is left of a callback that may quote its content no longer, or whose author is forgotten."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from gavel.v1.content_pb2 import FieldValue
from gavel.v1.content_service_pb2 import FieldResult, SubmitContentRequest, SubmitContentResponse
from gavel.v1.evidence_pb2 import ImageScores
from gavel.v1.verdict_pb2 import Action, Finding, Verdict
from google.protobuf.struct_pb2 import Struct

from gaveld.domain.jobs import Job, JobKind
from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import CallbackFormat, RuleAction
from gaveld.transport.grpc.converters.review_items import item_to_proto
from gaveld.transport.rest.callback_words import nameless, without_words
from gaveld.transport.rest.callbacks import JsonCallbackBodies
from gaveld.transport.rest.review_callbacks import JsonReviewReports

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORDS, USER, REASON = "cänary words", "cänary user", "cänary reason"
CUSTOM = {"text": "the action's own", "reason": "the action's own"}
ASKED = SubmitContentRequest(
    content_id="c1", actor_id=USER, fields={"text": FieldValue(string_value=WORDS)}
)
ITEM = ReviewItem(
    "job1",
    "shop",
    "photos",
    NOON,
    state=ReviewState.REJECTED,
    content_id="c1",
    actor_id=USER,
    payload=ASKED.SerializeToString(),
    opinions=(ReviewOpinion("ben", ReviewDecision.REJECT, NOON, REASON),),
)


def answer(*, is_picture: bool) -> bytes:
    metadata = Struct()
    metadata.update({"own": WORDS})
    result = FieldResult(field_path="text", text=WORDS, filtered_text=WORDS)
    if is_picture:
        result = FieldResult(field_path="image", description=WORDS, image_scores=ImageScores())
    return SubmitContentResponse(
        content_id="c1",
        actor_id=USER,
        verdict=Verdict(action=Action.ACTION_BLOCK),
        findings=[Finding(category_id="H2", score=0.9, action=Action.ACTION_BLOCK, reason="Rude.")],
        field_results=[result],
        metadata=metadata,
    ).SerializeToString()


@pytest.fixture(params=CallbackFormat)
def form(request) -> CallbackFormat:
    return request.param


@pytest.fixture(params=["text", "picture"])
def answered(request) -> bytes:
    return answer(is_picture=request.param == "picture")


@pytest.fixture(params=["decided", "reviewed"])
def body(request, form: CallbackFormat, answered: bytes) -> bytes:
    """One callback of each event, form and sort of content."""
    if request.param == "decided":
        job = Job("job1", "shop", JobKind.CONTENT, "r", b"", NOON, NOON, ITEM.payload)
        return JsonCallbackBodies().body(form, job, answered, CUSTOM)
    action = RuleAction("", "", "https://shop.example", parameters=CUSTOM, format=form)
    reports = JsonReviewReports(lambda item: item_to_proto(item, NOON))
    return reports.body(replace(ITEM, answer=answered), action)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every plain value of a document by its path."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, Any] = {}
    for name, entry in entries:
        below = f"{path}.{name}"
        found |= leaves(entry, below) if isinstance(entry, dict | list) else {below: entry}
    return found


@pytest.mark.parametrize(
    ("strip", "gone", "left"),
    [(without_words, (WORDS,), (USER, REASON)), (nameless, (WORDS, USER, REASON), ())],
)
def test_what_must_go_goes_and_all_else_stays(body: bytes, strip, gone, left):
    """Law: words, or all that is the author's, and not a figure more; twice is as good as once."""
    bare = strip(body)
    assert strip(bare) == bare
    assert not any(entry.encode() in bare for entry in gone)
    for entry in left:
        assert (entry.encode() in bare) is (entry.encode() in body)
    before, after = leaves(json.loads(body)), leaves(json.loads(bare))
    assert {after[path] for path in after.keys() - before.keys()} <= {None}
    for path, value in before.items():
        if value not in gone:
            assert after[path] == value
        else:
            assert after.get(path) in (None, "")
    assert json.loads(bare)["custom"] == CUSTOM
