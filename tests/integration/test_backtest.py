"""``BacktestPolicy`` over a real socket, a real file and real workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from gavel.v1 import policy_service_pb2 as api
from gavel.v1 import verdict_pb2
from gavel.v1.policy_service_pb2_grpc import PolicyServiceStub
from google.longrunning import operations_pb2
from google.protobuf.json_format import MessageToDict

from gaveld.domain.policies import CategoryRule, StorageRules
from gaveld.domain.rules import Rule
from gaveld.transport.grpc.converters.policies import policy_to_proto
from tests.content_house import BAN, POLICY
from tests.content_house import COMMENT as COMMENT_TYPE
from tests.integration.content_stand import ContentStand, FieldValue, comment, content_stand, text
from tests.integration.grpc_stand import Serve, failure_of

ALLOW, REVIEW, BLOCK = (
    verdict_pb2.ACTION_ALLOW,
    verdict_pb2.ACTION_REVIEW,
    verdict_pb2.ACTION_BLOCK,
)
WORDS = ("all good", "what a fool", "oh darn", "see badlink", "so special")
OTHER = replace(
    POLICY,
    categories={
        **POLICY.categories,
        "H2": CategoryRule(0.5, 0.75, required=True),
        "L1": CategoryRule(),
        "L2": CategoryRule(0.5),
    },
)
MINORS = Rule("minors", "Minors", "content.age < 18", ("Comment",), verdict=None)


@asynccontextmanager
async def decided(
    serve: Serve, folder: Path, count: int = 10, **changed
) -> AsyncIterator[ContentStand]:
    """A server that decided on so many comments, as many of each kind, the first by minors."""
    async with content_stand(serve, folder, replace(POLICY, **changed)) as stand:
        stand.start_work()
        for number in range(count):
            fields = {"text": text(WORDS[number % 5]), "age": FieldValue(int_value=number)}
            await stand.submit(comment(f"c{number:02}", fields=fields, sync=True))
        yield stand


def asked(policy=OTHER, **wishes) -> api.BacktestPolicyRequest:
    return api.BacktestPolicyRequest(policy=policy_to_proto(policy, "-"), **wishes)


async def answer(stand: ContentStand, request: api.BacktestPolicyRequest):
    operation = await PolicyServiceStub(stand.running.channel).BacktestPolicy(request)
    operation = await stand.finished(operation)
    response = api.BacktestPolicyResponse()
    assert operation.response.Unpack(response), operation
    return response, operation


async def test_what_another_policy_would_have_decided(serve: Serve, tmp_path: Path):
    """Law: of fifty decisions each is counted once, and each change under its cause."""
    async with decided(serve, tmp_path, 50) as stand:
        response, operation = await answer(stand, asked(max_samples=3))
    assert (response.decision_count, response.changed_count, response.unjudged_count) == (50, 30, 0)
    rows = {
        (row.category_id, row.before, row.after): (row.count, list(row.sample_content_ids))
        for row in response.rows
    }
    assert rows == {
        ("H2", REVIEW, BLOCK): (10, ["c01", "c06", "c11"]),
        ("L1", REVIEW, ALLOW): (10, ["c02", "c07", "c12"]),
        ("L2", ALLOW, REVIEW): (10, ["c04", "c09", "c14"]),
    }
    moves = {(move.before, move.after): move.count for move in response.moves}
    assert moves == dict.fromkeys(
        [(ALLOW, ALLOW), (ALLOW, REVIEW), (REVIEW, ALLOW), (REVIEW, BLOCK), (BLOCK, BLOCK)], 10
    )
    assert not response.warnings
    metadata = api.BacktestPolicyMetadata()
    assert operation.metadata.Unpack(metadata)
    assert (metadata.tried_count, metadata.total_count) == (50, 50)


async def test_the_policy_in_force_changes_nothing(serve: Serve, tmp_path: Path):
    """Law: the policy that decided would decide so again, on all of it, rules and all."""
    rules = (replace(MINORS, verdict=POLICY.on_incomplete),)
    async with decided(serve, tmp_path, rules=rules) as stand:
        response, _ = await answer(stand, asked(replace(POLICY, rules=rules)))
    assert (response.decision_count, response.changed_count, response.unjudged_count) == (10, 0, 0)
    assert not response.rows


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_rule_on_content_is_judged_where_content_is_kept(
    serve: Serve, tmp_path: Path, keeps: bool
):
    """Law: what needs content that is not stored is unjudged and said; nothing is guessed."""
    storage = StorageRules(keep_content=keeps)
    policy = replace(POLICY, rules=(replace(MINORS, verdict=POLICY.on_incomplete),))
    async with decided(serve, tmp_path, storage=storage) as stand:
        response, _ = await answer(stand, asked(policy))
    if keeps:
        (row,) = response.rows
        assert (row.rule_id, row.before, row.after, row.count) == ("minors", ALLOW, REVIEW, 4)
        assert (response.unjudged_count, list(response.warnings)) == (0, [])
    else:
        assert (response.changed_count, response.unjudged_count) == (0, 4)
        assert list(response.warnings) == [
            "4 decisions are unjudged: rule 'Minors' needs content that is not stored."
        ]


async def test_only_the_stretch_asked_for_is_tried(serve: Serve, tmp_path: Path):
    """Law: ``since`` and ``until`` bound what is tried, and ``max_decisions`` how much of it."""
    async with decided(serve, tmp_path) as stand:
        before = datetime.now(UTC) - timedelta(days=30)
        early = asked(since=before, until=before + timedelta(days=1))
        assert (await answer(stand, early))[0] == api.BacktestPolicyResponse()
        response, _ = await answer(stand, asked(max_decisions=5))
        assert response.decision_count == 5
        assert list(response.warnings) == ["Of 10 decisions 5 were tried, evenly."]
        turned = asked(since=before, until=before - timedelta(days=1))
        stub = PolicyServiceStub(stand.running.channel)
        failure = await failure_of(stub.BacktestPolicy(turned))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [entry.field for entry in failure.bad_request.field_violations] == ["since"]


async def test_a_policy_that_does_not_hold_together_is_refused_at_once(
    serve: Serve, tmp_path: Path
):
    """Law: no work is stored for a policy that could not be applied, and the place is named."""
    broken = replace(POLICY, rules=(replace(MINORS, condition="scores.toxicity >"),))
    async with content_stand(serve, tmp_path) as stand:
        stub = PolicyServiceStub(stand.running.channel)
        failure = await failure_of(stub.BacktestPolicy(asked(broken)))
        listed = await stand.operations.ListOperations(operations_pb2.ListOperationsRequest())
    assert failure.info.reason == "POLICY_INVALID"
    assert failure.bad_request.field_violations[0].field == "policy.rules[0].condition"
    assert not listed.operations


async def test_a_repeat_is_the_same_work_and_another_question_is_refused(
    serve: Serve, tmp_path: Path
):
    """Law: one request id stands for one backtest, also while it waits."""
    async with content_stand(serve, tmp_path) as stand:
        stub = PolicyServiceStub(stand.running.channel)
        first = await stub.BacktestPolicy(asked(request_id="b-1"))
        assert not first.done
        again = await stub.BacktestPolicy(asked(request_id="b-1"))
        assert again.name == first.name
        failure = await failure_of(stub.BacktestPolicy(asked(POLICY, request_id="b-1")))
        assert failure.info.reason == "REQUEST_ID_REUSED"
        stand.start_work()
        done = await stand.finished(first)
    assert done.WhichOneof("result") == "response"


async def test_the_policy_that_is_tried_leaves_no_secret_behind(serve: Serve, tmp_path: Path):
    """Law: what a backtest does not need of a policy is not stored with it."""
    action = replace(BAN, headers={"authorization": "canary-header"}, secret="canary-" + "s" * 24)
    policy = replace(POLICY, actions=(action,), content_types=(COMMENT_TYPE,))
    request = asked(policy)
    request.policy.actions[0].secret = action.secret
    async with content_stand(serve, tmp_path) as stand:
        operation = await PolicyServiceStub(stand.running.channel).BacktestPolicy(request)
        assert operation.name
        assert not await stand.stored("canary-")


async def test_an_answer_is_json_over_rest_too(serve: Serve, tmp_path: Path):
    """Law: the answer's message can be written as JSON as the contract maps it."""
    async with decided(serve, tmp_path) as stand:
        response, _ = await answer(stand, asked())
    written = MessageToDict(response)
    assert written["decisionCount"] == "10"
    assert {row["before"] for row in written["rows"]} == {"ACTION_ALLOW", "ACTION_REVIEW"}
