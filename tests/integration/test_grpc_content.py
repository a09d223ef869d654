"""Submitting content over gRPC, into a real SQLite file and out of it again."""

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import grpc
import pytest
from gavel.v1 import content_pb2, content_service_pb2, rule_pb2, verdict_pb2
from gavel.v1.content_service_pb2_grpc import ContentServiceStub
from google.longrunning import operations_pb2

from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.callback_secrets import callback_secret
from gaveld.application.judge_content import MOST_FILES, MOST_TEXTS
from gaveld.bootstrap.services import disabled_services
from gaveld.domain.policies import StorageRules
from gaveld.transport.grpc.converters.content import ContentMessages
from tests import pictures
from tests.callback_receiver import receiving
from tests.content_house import BAN, FLAG, POLICY, rule
from tests.databases import running_postgres
from tests.integration.content_stand import (
    FieldValue,
    answer_of,
    comment,
    content_stand,
    picture,
    text,
)
from tests.integration.grpc_stand import failure_of

RED = pictures.encoded(pictures.plain("red"), "PNG")
GREY = pictures.encoded(pictures.plain((90, 90, 90)), "PNG")
BANNED = replace(
    POLICY,
    rules=(
        replace(
            rule("young", BAN, FLAG, content_types=("Comment",)),
            condition="scores.toxicity > 0.7 && content.age < 18",
            review_queue="human",
        ),
    ),
)
BLOCK = verdict_pb2.ACTION_BLOCK
ALLOW = verdict_pb2.ACTION_ALLOW


@pytest.mark.parametrize("sync", [True, False])
async def test_a_comment_is_judged_whole(serve, tmp_path, sync):
    """Law: text, number and picture are judged together, now or later, with one answer."""
    async with content_stand(serve, tmp_path, BANNED) as stand:
        stand.start_work()
        fields = {
            "text": text("you fool"),
            "age": FieldValue(int_value=12),
            "avatar": picture(RED),
        }
        asked = comment(fields=fields, sync=sync, metadata={"thread": "t1"}, request_id="r1")
        operation = await stand.submit(asked)
        assert operation.done is sync
        answer = answer_of(await stand.finished(operation))
        assert answer.verdict.action == BLOCK
        assert (answer.content_id, answer.actor_id, answer.request_id) == ("c1", "ann", "r1")
        assert [(found.field_path, found.category_id) for found in answer.findings] == [
            ("avatar", "A1"),
            ("text", "H2"),
        ]
        assert answer.findings[0].score > 0.9
        assert [result.field_path for result in answer.field_results] == ["avatar", "text"]
        avatar, words = answer.field_results
        assert avatar.image_scores.porn > 0.9
        assert avatar.facts.format == "PNG"
        assert avatar.content_sha256 == hashlib.sha256(RED).hexdigest()
        assert words.language.code == "en"
        assert words.filtered_text == "you fool"
        assert [action.name for action in answer.triggered_actions] == ["Ban user", "Flag"]
        assert answer.rule_outcomes[0].status == verdict_pb2.RULE_STATUS_MATCHED
        item = operation.name.removeprefix("operations/")
        assert answer.review_item == f"projects/default/queues/human/items/{item}"
        assert answer.metadata["thread"] == "t1"
        assert answer.category_scores["H2"] == pytest.approx(0.8)


async def test_an_operation_tells_how_far_its_content_is(serve, tmp_path):
    """Law: accepted means stored: the operation is there, waiting, before any worker runs."""
    async with content_stand(serve, tmp_path) as stand:
        operation = await stand.submit(comment(request_id="r1"))
        named = operations_pb2.GetOperationRequest(name=operation.name)
        for seen in (operation, await stand.operations.GetOperation(named)):
            metadata = content_service_pb2.SubmitContentMetadata()
            assert seen.metadata.Unpack(metadata)
            assert not seen.done
            assert metadata.state == content_service_pb2.SUBMIT_CONTENT_STATE_WAITING
            assert (metadata.content_id, metadata.request_id) == ("c1", "r1")
            assert metadata.create_time.seconds > 0
        stand.start_work()
        assert answer_of(await stand.finished(operation)).verdict.action == ALLOW


@pytest.mark.parametrize("sync", [True, False])
async def test_a_repeat_is_the_first_ones_operation(serve, tmp_path, sync):
    """Law: sent again, under its request id or as the same content, nothing is done twice."""
    async with content_stand(serve, tmp_path) as stand:
        first = await stand.submit(comment(request_id="r1", sync=sync))
        same_id = await stand.submit(comment(request_id="r1", sync=sync))
        same_content = await stand.submit(comment(request_id="r2", sync=not sync))
        assert first.name == same_id.name == same_content.name
        assert first == same_id
        other = comment(request_id="r1", sync=sync, fields={"text": text("other")})
        assert (await failure_of(stand.submit(other))).info.reason == "REQUEST_ID_REUSED"
        changed = await stand.submit(comment(fields={"text": text("changed")}))
        assert changed.name != first.name


async def test_a_proxys_request_id_makes_no_repeat(serve, tmp_path):
    """Law: only an id that the caller chose for the call says that it is a repeat."""
    async with content_stand(serve, tmp_path) as stand:
        named = (("x-request-id", "one-of-the-proxys"),)
        one = await stand.submit(comment("a"), metadata=named)
        two = await stand.submit(comment("b"), metadata=named)
        assert one.name != two.name


async def test_all_that_does_not_fit_is_named_at_once(serve, tmp_path):
    """Law: missing, mistyped and unknown fields come in one error, whether or not a call waits."""
    async with content_stand(serve, tmp_path) as stand:
        fields = {"age": text("old"), "colour": text("red")}
        for sync in (True, False):
            failure = await failure_of(stand.submit(comment(fields=fields, sync=sync)))
            assert failure.info.reason == "CONTENT_TYPE_MISMATCH"
            assert {entry.field for entry in failure.bad_request.field_violations} == {
                "fields.text",
                "fields.age",
                "fields.colour",
            }
        failure = await failure_of(stand.submit(comment(content_type="Poem")))
        assert failure.info.reason == "UNKNOWN_CONTENT_TYPE"
        assert not (await stand.parts.jobs.list()).jobs


def deep(levels: int) -> FieldValue:
    """A text within so many lists."""
    value = text("deep")
    for _ in range(levels):
        value = FieldValue(list_value=content_pb2.FieldList(values=[value]))
    return value


def wide() -> FieldValue:
    """As many numbers as a list holds."""
    items = content_pb2.FieldList(values=[FieldValue(int_value=1)] * 256)
    return FieldValue(list_value=items)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (comment(fields={"a": deep(8)}, content_type=""), "INVALID_ARGUMENT"),
        (
            comment(
                fields={
                    f"f{n}": FieldValue(list_value=content_pb2.FieldList(values=[text("x")] * 256))
                    for n in range(MOST_TEXTS // 256 + 1)
                },
                content_type="",
            ),
            "INVALID_ARGUMENT",
        ),
        (
            comment(
                fields={f"f{n}": picture(GREY) for n in range(MOST_FILES + 1)}, content_type=""
            ),
            "INVALID_ARGUMENT",
        ),
        (comment(fields={f"f{n}": text("x") for n in range(129)}), "INVALID_ARGUMENT"),
        (comment(fields={f"f{n}": wide() for n in range(40)}), "INVALID_ARGUMENT"),
        (comment(fields={"text": text("x" * ((1 << 20) + 1))}), "TEXT_TOO_LARGE"),
        (comment(fields={"text": FieldValue()}), "INVALID_ARGUMENT"),
        (comment(fields={}), "INVALID_ARGUMENT"),
        (comment(callback_url="ftp://host"), "INVALID_ARGUMENT"),
        (comment(callback_url="http://user:password@host/"), "INVALID_ARGUMENT"),
        (comment(metadata={"a": "x" * 17_000}), "METADATA_TOO_LARGE"),
        (comment(blocked_terms=[" - "]), "INVALID_ARGUMENT"),
    ],
)
@pytest.mark.parametrize("sync", [True, False])
async def test_hostile_shapes_are_refused_and_the_next_call_succeeds(
    serve, tmp_path, request_, reason, sync
):
    """Law: what is too deep, too much or malformed is refused before anything is stored."""
    async with content_stand(serve, tmp_path) as stand:
        asked = content_service_pb2.SubmitContentRequest()
        asked.CopyFrom(request_)
        asked.sync = sync
        failure = await failure_of(stand.submit(asked))
        assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
        assert failure.info.reason == reason
        assert not (await stand.parts.jobs.list()).jobs
        assert answer_of(await stand.submit(comment(sync=True))).verdict.action == ALLOW


async def test_more_than_a_message_holds_is_refused_unread(serve, tmp_path):
    """Law: fields that are each within their limit are together bounded by the message's."""
    async with content_stand(serve, tmp_path) as stand:
        fields = {f"f{n}": text("x" * (1 << 20)) for n in range(5)}
        failure = await failure_of(stand.submit(comment(fields=fields, content_type="")))
        assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert answer_of(await stand.submit(comment(sync=True))).verdict.action == ALLOW


async def test_a_server_without_work_says_which_setting_is_missing(serve):
    """Law: a caller can tell what was switched off from what is not known."""
    running = await serve(services=disabled_services())
    failure = await failure_of(ContentServiceStub(running.channel).SubmitContent(comment()))
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    assert failure.info.reason == "FEATURE_DISABLED"
    assert failure.info.metadata["setting"] == "work.enabled"


async def test_as_much_as_a_message_holds_is_judged(serve, tmp_path):
    """Law: content at the limits of one message is judged like any other."""
    async with content_stand(serve, tmp_path) as stand:
        long = {f"f{n}": text("word " * 195_000) for n in range(4)}
        answer = answer_of(
            await stand.submit(comment(fields=long, content_type="", sync=True), timeout=30)
        )
        assert len(answer.field_results) == 4
        assert answer.verdict.action == ALLOW


@pytest.mark.parametrize("sync", [True, False])
async def test_no_word_of_what_must_not_be_stored_is_on_disk(serve, tmp_path, sync):
    """Law: with do_not_store no byte of the content is left in the storage's files."""
    canary = f"canary{uuid.uuid4().hex}"
    async with receiving() as receiver:
        action = replace(BAN, callback_url=f"http://127.0.0.1:{receiver.port}/ban")
        policy = replace(
            POLICY,
            actions=(action,),
            rules=(replace(rule("always", action), condition="true", review_queue="human"),),
            storage=StorageRules(keep_content=True),
        )
        async with content_stand(serve, tmp_path, policy) as stand:
            asked = comment(
                fields={"text": text(f"{canary} fool"), "note": text(f"{canary}-note")},
                metadata={"own": f"{canary}-meta"},
                do_not_store=True,
                sync=sync,
            )
            operation = await stand.submit(asked)
            assert await stand.stored(canary) is not sync
            stand.start_work()
            answer = answer_of(await stand.finished(operation))
            if sync:
                assert answer.field_results[0].filtered_text == f"{canary} fool"
                assert answer.metadata["own"] == f"{canary}-meta"
            (arrival,) = await receiver.wait_for(1)
            assert canary.encode() not in arrival.body
            assert answer.review_item
            assert not await stand.stored(canary)


async def test_what_the_policy_keeps_is_kept_and_the_rest_is_not(serve, tmp_path):
    """Law: content stays where a policy says so, and else only scores and hashes do."""
    kept, fleeting = f"kept{uuid.uuid4().hex}", f"fleeting{uuid.uuid4().hex}"
    storage = StorageRules(keep_content=True)
    async with content_stand(serve, tmp_path, replace(POLICY, storage=storage)) as stand:
        await stand.submit(comment(fields={"text": text(kept)}, sync=True))
        assert await stand.stored(kept)
    (tmp_path / "other").mkdir()
    async with content_stand(serve, tmp_path / "other", keep_answers_seconds=0.0) as stand:
        operation = await stand.submit(comment(fields={"text": text(fleeting)}))
        stand.start_work()
        answer = answer_of(await stand.finished(operation))
        assert answer.field_results[0].filtered_text == fleeting
        jobs, strip = stand.parts.jobs, ContentMessages().without_words
        assert await jobs.erase_words(datetime.now(UTC), strip, limit=10) == 1
        assert not await stand.stored(fleeting)
        answer = answer_of(await stand.submit(comment(fields={"text": text(fleeting)})))
        assert answer.field_results[0].filtered_text == ""
        assert answer.verdict.action == ALLOW


async def test_actions_and_the_call_are_told_and_can_prove_it(serve, tmp_path):
    """Law: content that was waited for calls back too, signed by the action's secret or ours."""
    async with receiving() as receiver:
        base = f"http://127.0.0.1:{receiver.port}"
        action = replace(BAN, callback_url=f"{base}/ban")
        policy = replace(BANNED, actions=(action, FLAG))
        async with content_stand(serve, tmp_path, policy) as stand:
            stand.start_work()
            fields = {"text": text("you fool"), "age": FieldValue(int_value=12)}
            asked = comment(
                fields=fields,
                sync=True,
                callback_url=f"{base}/own",
                callback_format=rule_pb2.CALLBACK_FORMAT_APOLLO,
            )
            answer = answer_of(await stand.submit(asked))
            arrivals = {entry.path: entry for entry in await receiver.wait_for(2)}
            ban, own = arrivals["/ban"], arrivals["/own"]
            assert json.loads(own.body) == {
                "content": {"id": "c1", "content_type": "Comment"},
                "content_id": "c1",
                "user_id": "ann",
            }
            told = json.loads(ban.body)
            assert told["custom"] == {"severity": 3}
            assert told["contentSha256"] == answer.content_sha256
            assert told["verdict"]["action"] == "ACTION_REVIEW"
            assert ban.headers["x-shop"] == "yes"
            secret = callback_secret(stand.parts.secret_box, "default")
            for arrival, key in ((ban, BAN.secret), (own, secret)):
                signed = b".".join(
                    (
                        arrival.headers["webhook-id"].encode(),
                        arrival.headers["webhook-timestamp"].encode(),
                        arrival.body,
                    )
                )
                digest = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, "sha256")
                expected = f"v1,{base64.b64encode(digest).decode()}"
                assert arrival.headers["webhook-signature"] == expected
            again = await stand.submit(asked)
            assert answer_of(again).content_sha256 == answer.content_sha256
            assert len(receiver.arrivals) == 2


async def test_postgresql_keeps_whatever_people_write(serve, tmp_path):
    """Law: one answer on either database, also for what PostgreSQL's texts can't hold."""
    storage = StorageRules(keep_content=True)
    policy = replace(BANNED, storage=storage)
    with running_postgres() as postgres:
        url = await postgres.new_url()
        async with content_stand(serve, tmp_path, policy, url=url) as stand:
            stand.start_work()
            asked = comment(
                "c\0\U0001f600",
                actor_id="ann\0",
                fields={"text": text("you fool\0"), "age": FieldValue(int_value=12)},
                metadata={"own\0": "a\0b"},
            )
            operation = await stand.finished(await stand.submit(asked))
            answer = answer_of(operation)
            assert (answer.content_id, answer.actor_id) == ("c\0\U0001f600", "ann\0")
            assert answer.metadata["own\0"] == "a\0b"
            assert answer.verdict.action == verdict_pb2.ACTION_REVIEW
            assert answer.review_item
            assert (await stand.submit(asked)).name == operation.name
            history = await SqlUserStore(stand.parts.engine).history(
                "default", "ann\0", datetime.now(UTC)
            )
            assert history is not None
            assert history.windows[0].flags == 1
