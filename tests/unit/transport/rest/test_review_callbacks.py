"""What is told of items that people decided on, in each form."""

import json
from datetime import UTC, datetime

import pytest
from gavel.v1.content_pb2 import FieldList, FieldObject, FieldValue, Media
from gavel.v1.content_service_pb2 import FieldResult, SubmitContentRequest, SubmitContentResponse
from gavel.v1.verdict_pb2 import Action, Finding, Verdict
from google.protobuf.struct_pb2 import Struct

from gaveld.domain.review_items import ReviewDecision, ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import CallbackFormat, RuleAction
from gaveld.transport.grpc.converters.review_items import item_to_proto
from gaveld.transport.rest.dialects.contentmod_content import META
from gaveld.transport.rest.dialects.contentmod_queue import queue_item_json
from gaveld.transport.rest.review_callbacks import JsonReviewReports

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = FieldValue(string_value="You idiot")


def answer(**fields: object) -> SubmitContentResponse:
    meta = Struct()
    meta.update({META: '[1, "two"]'})
    response = SubmitContentResponse(
        verdict=Verdict(action=Action.ACTION_REVIEW),
        findings=[Finding(category_id="H2", score=0.9, action=Action.ACTION_REVIEW)],
        category_scores={"H2": 0.9},
        field_results=[FieldResult(field_path="text", filtered_text="You ***")],
        metadata=meta,
        actor_id="ann",
        **fields,
    )
    response.decide_time.FromDatetime(NOON)
    return response


def item(fields: dict[str, FieldValue] | None = None, **facts: object) -> ReviewItem:
    asked = SubmitContentRequest(
        content_id="c1", fields={"text": TEXT} if fields is None else fields
    )
    return ReviewItem(
        **{
            "id": "job1",
            "project": "shop",
            "queue": "photos",
            "created_at": NOON,
            "state": ReviewState.REJECTED,
            "content_id": "c1",
            "actor_id": "ann",
            "content_type": "post",
            "payload": asked.SerializeToString(),
            "answer": answer().SerializeToString(),
            "opinions": (ReviewOpinion("ben", ReviewDecision.REJECT, NOON, "rude", ("H2",)),),
            **facts,
        }
    )


def message(of: ReviewItem):
    return item_to_proto(of, NOON)


def told(form: CallbackFormat, **parameters: object) -> dict:
    action = RuleAction("", "", "https://shop.example", parameters=parameters, format=form)
    return json.loads(JsonReviewReports(message).body(item(), action))


def test_the_contracts_own_form_is_the_item():
    """Law: a native callback holds the whole item as the API shows it, and the action's custom."""
    body = told(CallbackFormat.NATIVE, team="moderation")
    assert body.pop("custom") == {"team": "moderation"}
    assert body["name"] == "projects/shop/queues/photos/items/job1"
    assert body["state"] == "REVIEW_ITEM_STATE_REJECTED"
    assert body["fields"] == {"text": {"stringValue": "You idiot"}}
    (opinion,) = body["opinions"]
    assert (opinion["reviewer"], opinion["reason"]) == ("ben", "rude")


def test_contentmods_form_is_its_queue_item():
    """Law: the event is named, and the data is what its queue route answers."""
    body = told(CallbackFormat.CONTENTMOD)
    assert body == {
        "event": "queue.review.completed",
        "data": json.loads(json.dumps(queue_item_json(message(item())))),
    }
    data = body["data"]
    assert (data["id"], data["status"], data["accepted"]) == ("job1", "rejected", False)
    assert data["content"] == "You idiot"
    moderation = data["moderation"]
    assert (moderation["isSafe"], moderation["filteredContent"]) == (False, "You ***")
    assert (moderation["meta"], moderation["actorId"]) == ([1, "two"], "ann")


def test_apollos_form_names_content_and_user():
    """Law: its callbacks name the content and the user; custom only if the action has some."""
    assert told(CallbackFormat.APOLLO) == {
        "content": {"id": "c1", "content_type": "post"},
        "content_id": "c1",
        "user_id": "ann",
    }
    assert told(CallbackFormat.APOLLO, ban=True)["custom"] == {"ban": True}


@pytest.mark.parametrize(
    ("state", "status", "accepted"),
    [
        (ReviewState.PROCESSING, "processing", None),
        (ReviewState.PENDING, "pending", None),
        (ReviewState.ACCEPTED, "accepted", True),
        (ReviewState.REJECTED, "rejected", False),
    ],
)
def test_a_queue_item_says_how_it_stands(state: ReviewState, status: str, accepted: bool | None):
    """Law: accepted is there once somebody decided; content and moderation while they are known."""
    shown = queue_item_json(message(item(state=state, payload=b"", answer=b"")))
    expected = {"id": "job1", "status": status}
    assert shown == (expected if accepted is None else expected | {"accepted": accepted})


@pytest.mark.parametrize(
    ("media", "content"),
    [
        (Media(uri="https://pictures.example/1.png"), "https://pictures.example/1.png"),
        (Media(data=b"\x00\x01"), "AAE="),
    ],
)
def test_a_queue_items_picture_is_as_it_was_sent(media: Media, content: str):
    """Law: an address stays one, and bytes are base64."""
    fields = {"image": FieldValue(image_value=media)}
    assert queue_item_json(message(item(fields)))["content"] == content


def test_feedback_is_of_all_texts():
    """Law: texts are read in the order of their fields' names, however deep, and only texts."""
    nested = FieldValue(object_value=FieldObject(fields={"b": TEXT, "a": TEXT}))
    fields = {
        "z": TEXT,
        "list": FieldValue(list_value=FieldList(values=[FieldValue(string_value="one"), nested])),
        "age": FieldValue(int_value=7),
        "link": FieldValue(url_value="https://shop.example"),
    }
    reports = JsonReviewReports(message)
    assert reports.text(item(fields)) == "one\n\nYou idiot\n\nYou idiot\n\nYou idiot"
    assert reports.text(item(payload=b"")) == ""
