"""Submitted content between the wire and the domain."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from gavel.v1 import (
    content_pb2,
    content_service_pb2,
    evidence_pb2,
    policy_pb2,
    rule_pb2,
    verdict_pb2,
)
from google.rpc import error_details_pb2

from gaveld.domain.errors import ErrorReason, InvalidRequest
from gaveld.domain.jobs import Job, JobKind
from gaveld.domain.media import MediaReference
from gaveld.domain.policies import CategoryChange
from gaveld.domain.rules import CallbackFormat
from gaveld.domain.typed_content import FieldType, MediaValue, Url
from gaveld.transport.grpc.converters.content import (
    ContentMessages,
    content_from_proto,
    content_request_from_proto,
)
from gaveld.transport.grpc.errors import RefusedError
from tests.content_house import BAN, ContentHouse, image, rule, submission, video, with_rules
from tests.fakes.videos import FakeLook, frames

FieldValue = content_pb2.FieldValue
Request = content_service_pb2.SubmitContentRequest
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def full_request() -> Request:
    """A request that says all that can be said."""
    when = FieldValue()
    when.datetime_value.FromDatetime(NOW)
    nested = content_pb2.FieldObject(fields={"body": FieldValue(string_value="b")})
    items = content_pb2.FieldList(values=[FieldValue(object_value=nested)])
    return Request(
        content_id="c1",
        actor_id="ann",
        content_type="Comment",
        fields={
            "text": FieldValue(string_value="a"),
            "age": FieldValue(int_value=0),
            "rank": FieldValue(float_value=0.0),
            "loud": FieldValue(bool_value=False),
            "when": when,
            "site": FieldValue(url_value="https://a.example"),
            "face": FieldValue(image_value=content_pb2.Media(data=b"GIF")),
            "clip": FieldValue(video_value=content_pb2.Media(uri="https://a.example/v")),
            "voice": FieldValue(audio_value=content_pb2.Media(uri="https://a.example/s")),
            "comments": FieldValue(list_value=items),
        },
        callback_url="https://own.example/",
        callback_format=rule_pb2.CALLBACK_FORMAT_CONTENTMOD,
        priority=-7,
        blocked_terms=["parsnip"],
        policy_overrides=policy_pb2.PolicyOverrides(
            categories={"L1": policy_pb2.CategoryOverride(enabled=False)}
        ),
        metadata={"thread": "t1"},
        request_id="r1",
        do_not_store=True,
        explain=True,
    )


def test_all_that_is_asked_is_read():
    """Law: every value keeps its type, zero and false among them."""
    asked = content_from_proto(full_request())
    assert asked.fields == {
        "text": "a",
        "age": 0,
        "rank": 0.0,
        "loud": False,
        "when": NOW,
        "site": Url("https://a.example"),
        "face": MediaValue(FieldType.IMAGE, MediaReference(data=b"GIF")),
        "clip": MediaValue(FieldType.VIDEO, MediaReference(uri="https://a.example/v")),
        "voice": MediaValue(FieldType.AUDIO, MediaReference(uri="https://a.example/s")),
        "comments": ({"body": "b"},),
    }
    assert isinstance(asked.fields["loud"], bool)
    assert isinstance(asked.fields["rank"], float)
    assert (asked.content_id, asked.actor_id, asked.content_type) == ("c1", "ann", "Comment")
    assert (asked.callback_url, asked.priority) == ("https://own.example/", -7)
    assert asked.callback_format is CallbackFormat.CONTENTMOD
    assert asked.blocked_terms == ("parsnip",)
    assert asked.overrides.categories == {"L1": CategoryChange(enabled=False)}
    assert asked.do_not_store
    assert asked.explain


def test_what_is_stored_reads_as_what_was_sent():
    """Law: a worker reads from the payload what was submitted, but for the caller's address."""
    request = full_request()
    asked = content_request_from_proto(request, "shop")
    kept = replace(asked.submission, callback_url="")
    assert ContentMessages().read(asked.payload) == kept
    assert b"own.example" not in asked.payload
    assert asked.submission.callback_url == request.callback_url
    assert (asked.project, asked.request_id) == ("shop", "r1")
    again = content_request_from_proto(full_request(), "shop")
    assert again.payload == asked.payload
    request.ClearField("request_id")
    made_up = [content_request_from_proto(request, "shop").request_id for _ in range(2)]
    assert made_up[0] != made_up[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"blocked_terms": ["--"]}, ErrorReason.INVALID_ARGUMENT),
        (
            {
                "policy_overrides": policy_pb2.PolicyOverrides(
                    categories={"X9": policy_pb2.CategoryOverride(enabled=True)}
                )
            },
            ErrorReason.UNKNOWN_CATEGORY,
        ),
    ],
)
def test_what_could_never_hold_is_refused(change, reason):
    """Law: what no rule of the contract can state is refused all the same."""
    with pytest.raises(InvalidRequest) as refused:
        content_from_proto(Request(content_id="c", **change))
    assert refused.value.reason is reason


def test_too_much_metadata_is_refused():
    """Law: what is echoed is bounded."""
    with pytest.raises(RefusedError) as refused:
        content_from_proto(Request(metadata={"a": "x" * 20_000}))
    assert refused.value.refusal.reason == "METADATA_TOO_LARGE"


async def answered(house: ContentHouse, request: Request, **fields):
    """What a caller is told of a comment with these fields."""
    asked = replace(submission(**fields), explain=request.explain)
    judged = await house.judged(asked)
    job = Job(
        id="j1",
        project="shop",
        kind=JobKind.CONTENT,
        request_id="r1",
        payload_sha256=b"",
        created_at=NOW,
        updated_at=NOW,
    )
    answer = ContentMessages().answer(request.SerializeToString(), judged, job, "items/j1")
    return content_service_pb2.SubmitContentResponse.FromString(answer)


async def test_findings_stand_where_they_were_found():
    """Law: spans are of the field's own text, frames and times of the field's own file."""
    look = FakeLook({1.0: {"A1": 0.95}})
    house = ContentHouse(with_rules(rule("always", BAN)), frames(0.0, 1.0), look)
    answer = await answered(
        house, Request(sync=True), text="fine", tags=("ü fool",), avatar=image("red"), clip=video()
    )
    found = {entry.field_path: entry for entry in answer.findings}
    assert set(found) == {"tags[0]", "avatar", "clip"}
    assert found["clip"].time_range.start.seconds == 1
    assert found["avatar"].category_id == "A1"
    results = {entry.field_path: entry for entry in answer.field_results}
    assert list(results) == ["avatar", "clip", "tags[0]", "text"]
    assert results["avatar"].image_scores.porn > 0.9
    assert results["clip"].facts.kind == content_pb2.MEDIA_KIND_VIDEO
    assert results["clip"].image_scores == evidence_pb2.ImageScores()
    assert results["text"].filtered_text == "fine"
    assert answer.triggered_actions[0].action_id == BAN.id
    assert answer.rule_outcomes[0].status == verdict_pb2.RULE_STATUS_MATCHED
    assert (answer.request_id, answer.review_item) == ("r1", "items/j1")
    assert answer.decide_time.seconds > 0
    assert list(answer.timings) == []


async def test_why_a_field_was_not_judged_is_said():
    """Law: a field without a judgement says what kept it from one, and names itself."""
    answer = await answered(ContentHouse(), Request(), text="fine", avatar=image("broken"))
    avatar, text = answer.field_results
    info = error_details_pb2.ErrorInfo()
    assert avatar.error.details[0].Unpack(info)
    assert info.reason == "MEDIA_CORRUPT"
    assert info.metadata["field"] == "fields.avatar"
    assert not text.HasField("error")


async def test_what_asks_for_nothing_is_shown_on_request():
    """Law: explain shows every finding and what each field's stages took."""
    asked = await answered(ContentHouse(), Request(explain=True), text="special", tags=("fine",))
    assert [found.category_id for found in asked.findings] == ["L2"]
    assert {entry.stage for entry in asked.timings} >= {"text.classify", "tags[0].classify"}
    plain = await answered(ContentHouse(), Request(), text="special", tags=("fine",))
    assert list(plain.findings) == []


async def test_words_can_be_taken_out_of_an_answer():
    """Law: without its words an answer has its scores, and nothing that quotes the content."""
    request = Request(metadata={"own": "canary"}, content_id="c1")
    whole = await answered(ContentHouse(), request, text="canary fool")
    assert b"canary" in whole.SerializeToString()
    later = b"\xc2\x3e\x06canary"  # a field 1000, which only a later release knows
    bare = ContentMessages().without_words(whole.SerializeToString() + later)
    assert b"canary" not in bare
    kept = content_service_pb2.SubmitContentResponse.FromString(bare)
    assert kept.verdict == whole.verdict
    assert kept.findings == whole.findings
    assert kept.field_results[0].attribute_scores == whole.field_results[0].attribute_scores
    again = ContentMessages().without_words(bare)
    assert content_service_pb2.SubmitContentResponse.FromString(again) == kept
