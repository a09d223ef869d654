"""A policy's rules over a real socket: what calls tell them, and what they make of an answer."""

import logging

import grpc
import pytest
from gavel.v1 import content_pb2, verdict_pb2
from gavel.v1 import moderation_service_pb2 as api
from structlog.testing import LogCapture

from gaveld.domain.actions import Action
from gaveld.domain.image_signals import ImageText
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import Rule, RuleAction, RuleStatus
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType
from tests.fakes.pictures import FakePictureReader
from tests.integration.grpc_stand import Serve, failure_of
from tests.picture_house import PictureParts
from tests.pictures import encoded, quarters

BAN = RuleAction(
    "5f0c1a9e-5a43-4f0e-9a86-2a4c1b7f3d10", "Ban user", "https://shop.example/ban", secret="s" * 24
)
PNG = encoded(quarters(), "PNG")
ALLOW, REVIEW, BLOCK = (
    verdict_pb2.ACTION_ALLOW,
    verdict_pb2.ACTION_REVIEW,
    verdict_pb2.ACTION_BLOCK,
)
MATCHED, NOT_MATCHED, FAILED = (
    verdict_pb2.RULE_STATUS_MATCHED,
    verdict_pb2.RULE_STATUS_NOT_MATCHED,
    verdict_pb2.RULE_STATUS_FAILED,
)


def rule(id_: str, condition: str, **more) -> Rule:
    return Rule(id_, f"Rule {id_}", condition, **more)


POLICY = Policy(
    "rules@1",
    {"H3": CategoryRule(review=0.4, block=0.8), "L1": CategoryRule(review=0.5)},
    content_types=(
        ContentType(
            "Post",
            (
                FieldDefinition("age", FieldType.INT, required=True),
                FieldDefinition("posted", FieldType.DATETIME),
            ),
        ),
    ),
    actions=(BAN,),
    rules=(
        rule(
            "young",
            "content.age < 18",
            content_types=("Post",),
            verdict=Action.BLOCK,
            action_ids=(BAN.id,),
        ),
        rule("rude", "scores.toxicity > 0.5", verdict=Action.REVIEW),
        rule("watch", "scores.toxicity >= 0.0", shadow=True, action_ids=(BAN.id,)),
        rule("off", "true", enabled=False),
    ),
)


def post(text: str, **fields: int) -> api.ModerateTextRequest:
    request = api.ModerateTextRequest(text=text, content_type="Post")
    for name, value in fields.items():
        request.fields[name].int_value = value
    return request


def outcomes(answer) -> list[tuple[str, int]]:
    return [(entry.rule_id, entry.status) for entry in answer.rule_outcomes]


async def test_rules_are_run_on_a_text(serve: Serve):
    """Law: every enabled rule of the type is in the answer; those that act raise the verdict."""
    running = await serve(policy=POLICY)
    answer = await running.moderation.ModerateText(post("you meh", age=17))
    assert outcomes(answer) == [("young", MATCHED), ("rude", NOT_MATCHED), ("watch", MATCHED)]
    young, _, watch = answer.rule_outcomes
    assert (young.name, young.shadow, watch.shadow) == ("Rule young", False, True)
    assert [(entry.action_id, entry.name) for entry in young.actions] == [(BAN.id, "Ban user")]
    assert not watch.actions
    assert answer.verdict.action == BLOCK
    (reason,) = answer.verdict.reasons
    assert (reason.action, reason.rule_id, reason.category_id) == (BLOCK, "young", "")
    assert reason.message == "The rule Rule young says block."
    assert not reason.HasField("score")
    assert running.telemetry.verdicts[-1] == (Action.BLOCK, ())
    assert running.telemetry.rules == [
        (RuleStatus.MATCHED, False),
        (RuleStatus.NOT_MATCHED, False),
        (RuleStatus.MATCHED, True),
    ]


async def test_rules_never_soften_a_text(serve: Serve):
    """Law: what thresholds ask for stands, and both causes are named, the strictest first."""
    running = await serve(policy=POLICY)
    answer = await running.moderation.ModerateText(post("kill", age=18))
    assert answer.verdict.action == BLOCK
    assert [(entry.category_id, entry.rule_id) for entry in answer.verdict.reasons] == [
        ("H3", ""),
        ("", "rude"),
    ]


async def test_content_without_a_type_runs_the_rules_for_all(serve: Serve):
    """Law: a rule for a content type leaves other content alone."""
    running = await serve(policy=POLICY)
    answer = await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    assert outcomes(answer) == [("rude", NOT_MATCHED), ("watch", MATCHED)]
    assert answer.verdict.action == ALLOW


async def test_fields_must_fit_the_type(serve: Serve):
    """Law: every field that does not fit is named in one error, with its rule."""
    running = await serve(policy=POLICY)
    request = api.ModerateTextRequest(text="x", content_type="Post")
    request.fields["posted"].string_value = "yesterday"
    request.fields["colour"].string_value = "red"
    failure = await failure_of(running.moderation.ModerateText(request))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.info.reason == "CONTENT_TYPE_MISMATCH"
    assert failure.info.metadata["content_type"] == "Post"
    named = [(entry.field, entry.reason) for entry in failure.bad_request.field_violations]
    assert named == [
        ("fields.age", "MISSING"),
        ("fields.posted", "MISTYPED"),
        ("fields.colour", "UNKNOWN"),
    ]
    unknown = await failure_of(
        running.moderation.ModerateText(api.ModerateTextRequest(text="x", content_type="Note"))
    )
    assert unknown.info.reason == "UNKNOWN_CONTENT_TYPE"


async def test_each_text_of_a_batch_has_its_own_rules(serve: Serve):
    """Law: a batch's texts are ruled one by one, and one that does not fit fails alone."""
    running = await serve(policy=POLICY)
    answer = await running.moderation.BatchModerateText(
        api.BatchModerateTextRequest(
            requests=[post("a", age=17), post("b"), api.ModerateTextRequest(text="darn")]
        )
    )
    first, second, third = answer.results
    assert first.response.verdict.action == BLOCK
    assert second.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert outcomes(third.response)[0] == ("rude", MATCHED)


async def test_rules_are_run_on_a_picture(serve: Serve):
    """Law: words read in a picture and its classes are facts; all of it is looked at for rules."""
    read = FakePictureReader(texts=(ImageText("free darn money", 0.9),))
    policy = Policy(
        "pictures@1",
        {"A1": CategoryRule(review=0.0, block=0.0)},
        content_types=POLICY.content_types,
        rules=(
            rule("words", 'ocr_text == "free darn money"', verdict=Action.BLOCK),
            rule("shown", "image.porn >= 0.0", content_types=("Post",)),
            rule("fields", "content.age < 18", content_types=("Post",)),
        ),
    )
    running = await serve(policy=policy, pictures=PictureParts(ocr=read))
    request = api.ModerateImageRequest(media=content_pb2.Media(data=PNG), content_type="Post")
    answer = await running.moderation.ModerateImage(request)
    assert outcomes(answer) == [("words", MATCHED), ("shown", MATCHED), ("fields", FAILED)]
    assert answer.verdict.action == BLOCK
    assert "words" in [entry.rule_id for entry in answer.verdict.reasons]


async def test_a_rule_that_fails_is_never_silently_false(serve: Serve):
    """Law: a failed rule is reported, counted and asks for the policy's on_incomplete."""
    policy = Policy(
        "failing@1", {}, rules=(rule("blind", "scores.threat > 0.1", verdict=Action.BLOCK),)
    )
    running = await serve(policy=policy)
    answer = await running.moderation.ModerateText(api.ModerateTextRequest(text="x"))
    assert outcomes(answer) == [("blind", FAILED)]
    assert answer.rule_outcomes[0].error == "Nothing is known of threat."
    assert answer.verdict.action == REVIEW
    assert "could not be worked out" in answer.verdict.reasons[0].message
    assert running.telemetry.rules == [(RuleStatus.FAILED, False)]


@pytest.mark.parametrize("condition", ["content.secret > 5", "content.secret.name == 1"])
async def test_content_is_in_no_error_and_no_log(
    serve: Serve, logs: LogCapture, caplog, condition: str
):
    """Law: whatever becomes of a rule, what the content says is told to nobody but its caller."""
    caplog.set_level(logging.DEBUG)
    policy = Policy("quiet@1", {}, rules=(rule("secret", condition),))
    running = await serve(policy=policy)
    request = api.ModerateTextRequest(text="hello")
    request.fields["secret"].string_value = "canary-4711"
    answer = await running.moderation.ModerateText(request)
    assert outcomes(answer) == [("secret", FAILED)]
    assert "canary" not in str(answer.rule_outcomes)
    assert "canary" not in str(logs.entries)
    assert "canary" not in "".join(str(record.__dict__) for record in caplog.records)
    assert logs.entries
