"""The machine rules on the contract's fields: they compile, and they draw the stated lines."""

import protovalidate
import pytest
from gavel.v1 import (
    check_service_pb2,
    compliance_service_pb2,
    compliance_stream_pb2,
    content_pb2,
    content_service_pb2,
    feedback_service_pb2,
    moderation_service_pb2,
    policy_pb2,
    policy_service_pb2,
    review_queue_service_pb2,
    rule_pb2,
    verdict_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.unit.contract.descriptors import messages

Text = moderation_service_pb2.ModerateTextRequest
Batch = moderation_service_pb2.BatchModerateTextRequest
Image = moderation_service_pb2.ModerateImageRequest
Media = content_pb2.Media
Value = content_pb2.FieldValue
Overrides = policy_pb2.PolicyOverrides
CategoryOverride = policy_pb2.CategoryOverride
ReviewText = compliance_service_pb2.ReviewTextRequest
Stream = compliance_stream_pb2.StreamConversationRequest
Apply = policy_service_pb2.ApplyPolicyRequest
Policy = policy_pb2.Policy

POLICY_NAME = "projects/shop/policy"
ITEM_NAME = "projects/shop/queues/images/items/42"


def broken_rules(message: Message) -> list[tuple[str, str]]:
    """The broken rules of a message as (dotted field path, rule id)."""
    broken = []
    for violation in protovalidate.collect_violations(message):
        # A rule on the message as a whole names no field.
        elements = violation.proto.field.elements if violation.proto.field else []
        path = ".".join(element.field_name for element in elements)
        broken.append((path, violation.proto.rule_id))
    return broken


@pytest.mark.parametrize("descriptor", messages(), ids=lambda message: message.full_name)
def test_every_message_has_rules_that_compile(descriptor: Descriptor) -> None:
    """No message of the contract carries a rule that the validator can't understand."""
    protovalidate.collect_violations(GetMessageClass(descriptor)())


VALID = [
    Text(text="x"),
    Text(text="x" * 1_048_576),
    Text(text="ж" * 524_288),
    Text(text="x", expected_language="zh-Hant-TW", request_id="order:17_a.b-c"),
    Text(text="x", blocked_terms=["kaboom"] * 256),
    Text(text="x", fields={"age": Value(int_value=0), "ok": Value(bool_value=False)}),
    Text(
        text="x",
        policy_overrides=Overrides(
            categories={"L1": CategoryOverride(review=0.0, block=1.0), "H2": CategoryOverride()},
            on_incomplete=verdict_pb2.ACTION_ALLOW,
            mask=policy_pb2.Mask(category_ids=["P1"], character="█"),
        ),
    ),
    Batch(requests=[Text(text="x")] * 256),
    Image(media=Media(uri="https://example.com/cat.png")),
    Image(media=Media(uri="HTTP://example.com/katze?größe=1")),
    Image(media=Media(data=b"x" * 4_000_000)),
    check_service_pb2.CheckRequest(gifs=[Media(data=b"GIF89a")]),
    ReviewText(content="x", amount=1, verbose=0),
    compliance_service_pb2.ReviewConversationRequest(content=[content_pb2.Turn(text="Hello!")]),
    compliance_stream_pb2.StreamVideoRequest(chunk=b"x" * 1_048_576),
    content_service_pb2.SubmitContentRequest(
        content_id="c1", fields={"body": Value(string_value="x")}
    ),
    Apply(policy=Policy(name=POLICY_NAME)),
    policy_service_pb2.GetPolicyRequest(name=POLICY_NAME + "/revisions/default@3f2a9c1b"),
    review_queue_service_pb2.ListReviewItemsRequest(parent="projects/-/queues/-"),
    feedback_service_pb2.SubmitFeedbackRequest(
        text="x", attribute_scores=verdict_pb2.AttributeScores(toxicity=1.0)
    ),
]


@pytest.mark.parametrize("message", VALID, ids=lambda message: type(message).__name__)
def test_what_stands_inside_the_limits_is_let_through(message: Message) -> None:
    """A message at the very edge of its documented ranges breaks no rule."""
    assert broken_rules(message) == []


INVALID = [
    (Text(), "text", "string.min_bytes"),
    (Text(text="x" * 1_048_577), "text", "string.max_bytes"),
    (Text(text="ж" * 524_289), "text", "string.max_bytes"),
    (Text(text="x", content_id="x" * 257), "content_id", "string.max_len"),
    (Text(text="x", expected_language="english!"), "expected_language", "string.pattern"),
    (Text(text="x", request_id="two words"), "request_id", "string.pattern"),
    (Text(text="x", blocked_terms=["x"] * 257), "blocked_terms", "repeated.max_items"),
    (Text(text="x", blocked_terms=[""]), "blocked_terms", "string.min_bytes"),
    (Text(text="x", fields={"a b": Value(int_value=1)}), "fields", "string.pattern"),
    (Text(text="x", fields={"a": Value()}), "fields.kind", "required"),
    (
        Text(text="x", fields={"a": Value(float_value=float("nan"))}),
        "fields.float_value",
        "double.finite",
    ),
    (
        Text(text="x", policy_overrides=Overrides(categories={"l1": CategoryOverride()})),
        "policy_overrides.categories",
        "string.pattern",
    ),
    (
        Overrides(categories={"L1": CategoryOverride(block=1.01)}),
        "categories.block",
        "double.gte_lte",
    ),
    (
        Overrides(categories={"L1": CategoryOverride(review=0.9, block=0.8)}),
        "categories",
        "category_override.order",
    ),
    (Overrides(mask=policy_pb2.Mask(character="**")), "mask.character", "string.max_len"),
    (Batch(), "requests", "repeated.min_items"),
    (Batch(requests=[Text(text="x")] * 257), "requests", "repeated.max_items"),
    (Image(), "media", "required"),
    (Image(media=Media()), "media.source", "required"),
    (Image(media=Media(uri="file:///etc/passwd")), "media.uri", "string.pattern"),
    (Image(media=Media(data=b"x" * 4_000_001)), "media.data", "bytes.max_len"),
    (check_service_pb2.CheckRequest(), "", "check_request.media"),
    (ReviewText(content="x", amount=0), "amount", "uint32.gte_lte"),
    (ReviewText(content="x", amount=11), "amount", "uint32.gte_lte"),
    (ReviewText(content="x", verbose=3), "verbose", "uint32.lte"),
    (
        ReviewText(content="x", excluded_categories=["hate"]),
        "excluded_categories",
        "string.pattern",
    ),
    (compliance_stream_pb2.StreamVideoRequest(), "message", "required"),
    (compliance_stream_pb2.StreamVideoRequest(chunk=b"x" * 1_048_577), "chunk", "bytes.max_len"),
    (compliance_stream_pb2.LiveFrame(jpeg=b"x"), "offset", "required"),
    (content_service_pb2.SubmitContentRequest(content_id="c1"), "fields", "map.min_pairs"),
    (Apply(), "policy", "required"),
    (Apply(policy=Policy()), "policy", "apply_policy_request.name"),
    (policy_pb2.HashBank(name="known", max_distance=1), "", "hash_bank.category"),
    (rule_pb2.FieldDefinition(name="age"), "type", "enum.not_in"),
    (rule_pb2.RuleAction(name="Ban", id="not-a-uuid"), "id", "string.uuid"),
    (
        review_queue_service_pb2.DecideReviewItemRequest(name=ITEM_NAME, reviewer="ada"),
        "decision",
        "enum.not_in",
    ),
    (
        feedback_service_pb2.SubmitFeedbackRequest(
            text="x", attribute_scores=verdict_pb2.AttributeScores(toxicity=1.5)
        ),
        "attribute_scores",
        "submit_feedback_request.scores",
    ),
]


@pytest.mark.parametrize(
    ("message", "field", "rule"), INVALID, ids=[f"{row[1]}-{row[2]}" for row in INVALID]
)
def test_what_stands_outside_is_refused_by_field_and_rule(
    message: Message, field: str, rule: str
) -> None:
    """A message one step outside a range breaks that one rule, on that one field."""
    assert broken_rules(message) == [(field, rule)]


def test_a_bad_item_does_not_fail_its_batch() -> None:
    """A batch is judged by its own rules only: an item that breaks its rules leaves it valid."""
    batch = Batch(requests=[Text(text="x"), Text(), Text(text="x", request_id="two words")])
    assert broken_rules(batch) == []
    assert [broken_rules(item) for item in batch.requests] == [
        [],
        [("text", "string.min_bytes")],
        [("request_id", "string.pattern")],
    ]


def test_a_bad_turn_does_not_fail_its_stream() -> None:
    """A turn that breaks its rules leaves the stream's message valid, and is refused by itself."""
    message = Stream(turn=content_pb2.Turn(role="User"))
    assert broken_rules(message) == []
    assert broken_rules(message.turn) == [("role", "string.pattern"), ("text", "string.min_bytes")]


def test_bad_options_do_fail_their_stream() -> None:
    """The first message of a stream is held to its rules with the stream."""
    options = compliance_stream_pb2.StreamConversationOptions(amount=11)
    assert broken_rules(Stream(options=options)) == [("options.amount", "uint32.gte_lte")]
