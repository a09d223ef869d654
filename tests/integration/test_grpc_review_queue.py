"""Review queues over gRPC, into a real SQLite file and out of it again."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
import pytest
from gavel.v1 import review_queue_service_pb2 as pb
from gavel.v1.content_service_pb2 import SubmitContentRequest
from gavel.v1.review_queue_service_pb2_grpc import ReviewQueueServiceStub
from google.protobuf.struct_pb2 import Struct
from standardwebhooks import Webhook

from gaveld.adapters.storage.feedback import SqlFeedbackStore
from gaveld.application.callback_secrets import callback_secret
from gaveld.domain.policies import ReviewQueue
from tests.callback_receiver import receiving
from tests.content_house import BAN, POLICY, rule
from tests.integration.content_stand import ContentStand, comment, content_stand, text
from tests.integration.grpc_stand import failure_of

PARENT = "projects/-/queues/human"
QUEUES = replace(
    POLICY,
    rules=(replace(rule("always", review_queue="human"), condition='"H2" in findings'),),
    review_queues=(ReviewQueue("default"), ReviewQueue("human", claim_seconds=90)),
)
PENDING = pb.REVIEW_ITEM_STATE_PENDING
ACCEPT, REJECT = pb.REVIEW_ITEM_DECISION_ACCEPT, pb.REVIEW_ITEM_DECISION_REJECT
SECOND = pb.REVIEW_ITEM_DECISION_SECOND_OPINION


@dataclass
class Desk:
    """The queues of a server that judges."""

    stand: ContentStand

    @property
    def queues(self) -> ReviewQueueServiceStub:
        return ReviewQueueServiceStub(self.stand.running.channel)

    async def put(self, **wishes: Any) -> "pb.ReviewItem":
        """Put content into the queue and wait until it is judged."""
        usual = {"parent": PARENT, "fields": {"text": text("you fool")}, "actor_id": "ben"}
        request = pb.CreateReviewItemRequest(**(usual | wishes))
        created = (await self.queues.CreateReviewItem(request)).item
        operation = "operations/" + created.name.rpartition("/")[2]
        await self.stand.finished(await self.stand.operation(operation))
        return await self.get(created.name)

    async def get(self, name: str) -> "pb.ReviewItem":
        return (await self.queues.GetReviewItem(pb.GetReviewItemRequest(name=name))).item

    async def claim(self, name: str, reviewer: str = "ann", **more: Any) -> "pb.ReviewItem":
        request = pb.ClaimReviewItemRequest(name=name, reviewer=reviewer, **more)
        return (await self.queues.ClaimReviewItem(request)).item

    async def decide(
        self, name: str, decision: Any = REJECT, reviewer: str = "ann", **more: Any
    ) -> "pb.ReviewItem":
        request = pb.DecideReviewItemRequest(
            name=name, reviewer=reviewer, decision=decision, **more
        )
        return (await self.queues.DecideReviewItem(request)).item

    async def release(self, name: str, reviewer: str = "ann") -> "pb.ReviewItem":
        request = pb.ReleaseReviewItemRequest(name=name, reviewer=reviewer)
        return (await self.queues.ReleaseReviewItem(request)).item

    async def list(self, parent: str = PARENT, **more: Any) -> "pb.ListReviewItemsResponse":
        return await self.queues.ListReviewItems(pb.ListReviewItemsRequest(parent=parent, **more))


@pytest.fixture
async def desk(serve, tmp_path) -> AsyncIterator[Desk]:
    async with content_stand(serve, tmp_path, QUEUES) as stand:
        stand.start_work()
        yield Desk(stand)


async def test_what_is_put_into_a_queue_is_judged_and_waits(desk: Desk):
    """Law: the item is there at once, and once judged has what was sent and what was found."""
    metadata = Struct()
    metadata.update({"post": 7})
    request = pb.CreateReviewItemRequest(
        parent=PARENT, fields={"text": text("you fool")}, metadata=metadata, request_id="r1"
    )
    created = (await desk.queues.CreateReviewItem(request)).item
    assert created.name.startswith("projects/default/queues/human/items/")
    again = (await desk.queues.CreateReviewItem(request)).item
    assert again.name == created.name
    operation = await desk.stand.operation("operations/" + created.name.rpartition("/")[2])
    await desk.stand.finished(operation)
    item = await desk.get(created.name)
    assert (item.state, item.fields["text"].string_value) == (PENDING, "you fool")
    assert [finding.category_id for finding in item.findings] == ["H2"]
    assert [result.field_path for result in item.field_results] == ["text"]
    assert item.metadata["post"] == 7
    assert item.judge_time.seconds >= item.create_time.seconds > 0


async def test_a_request_id_is_one_queues(desk: Desk):
    """Law: under the request id of a call for one queue, one for another or none is refused."""
    asked = {"content_id": "c1", "fields": {"text": text("you fool")}, "request_id": "r1"}
    request = pb.CreateReviewItemRequest(parent=PARENT, **asked)
    item = (await desk.queues.CreateReviewItem(request)).item
    elsewhere = pb.CreateReviewItemRequest(parent="projects/-/queues/default", **asked)
    for again in (
        desk.queues.CreateReviewItem(elsewhere),
        desk.stand.submit(SubmitContentRequest(**asked)),
    ):
        failure = await failure_of(again)
        assert (failure.code, failure.info.reason) == (
            grpc.StatusCode.ALREADY_EXISTS,
            "REQUEST_ID_REUSED",
        )
    assert (await desk.queues.CreateReviewItem(request)).item.name == item.name
    assert [listed.name for listed in (await desk.list("projects/-/queues/-")).items] == [item.name]


async def test_a_queue_is_there_by_being_named(desk: Desk):
    """Law: one that no policy names has claims of 600 seconds, and is listed with all others."""
    unnamed = "projects/-/queues/nobody-named-it"
    item = await desk.put(parent=unnamed)
    assert [listed.name for listed in (await desk.list("projects/-/queues/-")).items] == [item.name]
    taken = await desk.claim(unnamed)
    assert taken.name == item.name
    assert taken.claim_expire_time.seconds - taken.judge_time.seconds >= 600
    assert (await desk.decide(item.name)).state == pb.REVIEW_ITEM_STATE_REJECTED


async def test_content_that_a_rule_or_verdict_sends_to_people_waits_for_them(desk: Desk):
    """Law: the answer names the item, and the item the rule; a mere verdict goes to the first."""
    by_rule = await desk.stand.submit(comment("c1", fields={"text": text("you fool")}, sync=True))
    del by_rule
    await desk.stand.submit(comment("c2", fields={"text": text("oh darn")}, sync=True))
    (sent,) = (await desk.list()).items
    assert (list(sent.rule_ids), sent.content_id) == (["always"], "c1")
    (other,) = (await desk.list("projects/-/queues/default")).items
    assert (list(other.rule_ids), other.content_id) == ([], "c2")
    everything = await desk.list("projects/-/queues/-")
    assert [item.content_id for item in everything.items] == ["c1", "c2"]


async def test_lists_go_page_by_page_without_content(desk: Desk):
    """Law: pages follow one another; contents are read item by item; a made-up token is refused."""
    names = [(await desk.put()).name for _ in range(3)]
    first = await desk.list(page_size=2)
    second = await desk.list(page_size=2, page_token=first.next_page_token)
    assert [item.name for item in (*first.items, *second.items)] == names
    assert second.next_page_token == ""
    assert all(not item.fields and not item.field_results for item in first.items)
    await desk.claim(names[0])
    free = await desk.list(unclaimed_only=True)
    assert [item.name for item in free.items] == names[1:]
    assert list((await desk.list(state=pb.REVIEW_ITEM_STATE_ACCEPTED)).items) == []
    failure = await failure_of(
        desk.queues.ListReviewItems(pb.ListReviewItemsRequest(parent=PARENT, page_token="x"))
    )
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_PAGE_TOKEN",
    )


async def test_an_item_is_one_persons_at_a_time(desk: Desk):
    """Law: claimed by name or as the oldest, for the queue's own time or the call's."""
    one, two = await desk.put(), await desk.put()
    taken = await desk.claim(PARENT)
    assert (taken.name, taken.claimant) == (one.name, "ann")
    lasts = taken.claim_expire_time.seconds - taken.judge_time.seconds
    assert 85 <= lasts <= 180
    assert (await desk.claim(PARENT, "ben", claim_seconds=7_200)).name == two.name
    for call, reason in (
        (desk.claim(one.name, "ben"), "ITEM_CLAIMED"),
        (desk.release(one.name, "ben"), "ITEM_CLAIMED"),
        (desk.decide(one.name, reviewer="ben"), "ITEM_CLAIMED"),
        (desk.claim(PARENT, "cleo"), "RESOURCE_NOT_FOUND"),
    ):
        assert (await failure_of(call)).info.reason == reason
    released = await desk.release(one.name)
    assert not released.claimant
    assert not released.HasField("claim_expire_time")
    assert (await desk.claim(PARENT, "cleo")).name == one.name


async def test_a_decision_is_made_once_and_all_that_follows_with_it(desk: Desk):
    """Law: what follows is written once; words are erased and not learnt; repeats do nothing."""
    item = await desk.put()
    said = {"reason": "Rude.", "category_ids": ["H2"], "request_id": "r1", "etag": item.etag}
    decided = await desk.decide(item.name, **said)
    assert decided.state == pb.REVIEW_ITEM_STATE_REJECTED
    assert await desk.decide(item.name, **said) == decided
    (opinion,) = decided.opinions
    assert (opinion.reviewer, opinion.reason, list(opinion.category_ids)) == (
        "ann",
        "Rude.",
        ["H2"],
    )
    assert not decided.fields
    assert [finding.category_id for finding in decided.findings] == ["H2"]
    assert [entry async for entry in SqlFeedbackStore(desk.stand.parts.engine).read()] == []
    other = await failure_of(desk.decide(item.name, ACCEPT, request_id="r1"))
    assert (other.code, other.info.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    closed = await failure_of(desk.decide(item.name, ACCEPT, request_id="r2"))
    assert closed.info.reason == "ITEM_NOT_OPEN"
    assert closed.info.metadata["state"] == "rejected"


async def test_a_decision_on_what_changed_is_aborted(desk: Desk):
    """Law: an etag that is not the item's any more decides nothing."""
    item = await desk.put()
    await desk.claim(item.name)
    failure = await failure_of(desk.decide(item.name, etag=item.etag))
    assert (failure.code, failure.info.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await desk.get(item.name)).state == PENDING


async def test_a_second_opinion_is_another_persons(desk: Desk):
    """Law: who asked for it can't have the item again, and the last word is another's."""
    item = await desk.put()
    assert (await desk.decide(item.name, SECOND)).state == PENDING
    assert (await failure_of(desk.claim(item.name))).info.reason == "ITEM_NOT_OPEN"
    assert (await failure_of(desk.claim(PARENT))).info.reason == "RESOURCE_NOT_FOUND"
    decided = await desk.decide(item.name, ACCEPT, reviewer="ben")
    assert [said.reviewer for said in decided.opinions] == ["ann", "ben"]


async def test_decisions_are_called_back(serve, tmp_path):
    """Law: the queue's action and the item's address are told, each signed with its own secret."""
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}"
        action = replace(BAN, callback_url=f"{url}/action")
        queue = ReviewQueue("human", action_id=action.id)
        policy = replace(QUEUES, rules=(), actions=(action,), review_queues=(queue,))
        async with content_stand(serve, tmp_path, policy) as stand:
            stand.start_work()
            desk = Desk(stand)
            item = await desk.put(callback_url=f"{url}/item", content_id="c1")
            assert receiver.arrivals == []  # that it was judged is told to nobody
            await desk.decide(item.name, ACCEPT)
            arrivals = {entry.path: entry for entry in await receiver.wait_for(2)}
            for path, secret in (
                ("/action", action.secret),
                ("/item", callback_secret(stand.parts.secret_box, "default")),
            ):
                arrival = arrivals[path]
                body = Webhook(secret).verify(arrival.body, dict(arrival.headers))
                assert body["name"] == item.name
                assert body["state"] == "REVIEW_ITEM_STATE_ACCEPTED"
                assert body["fields"] == {"text": {"stringValue": "you fool"}}
            assert json.loads(arrivals["/action"].body)["custom"] == {"severity": 3}
            assert arrivals["/action"].headers["x-shop"] == "yes"


@pytest.mark.parametrize(
    ("rpc", "request_of"),
    [
        ("ListReviewItems", lambda name: pb.ListReviewItemsRequest(parent=name[0])),
        ("GetReviewItem", lambda name: pb.GetReviewItemRequest(name=name[1])),
        ("ClaimReviewItem", lambda name: pb.ClaimReviewItemRequest(name=name[1], reviewer="a")),
        (
            "CreateReviewItem",
            lambda name: pb.CreateReviewItemRequest(parent=name[0], fields={"t": text("x")}),
        ),
        (
            "DecideReviewItem",
            lambda name: pb.DecideReviewItemRequest(name=name[1], reviewer="a", decision=ACCEPT),
        ),
        ("ReleaseReviewItem", lambda name: pb.ReleaseReviewItemRequest(name=name[1], reviewer="a")),
    ],
)
async def test_another_projects_queues_are_its_own(desk: Desk, rpc: str, request_of):
    """Law: no RPC reaches into another project; an item that isn't there is NOT_FOUND."""
    others = ("projects/other/queues/human", "projects/other/queues/human/items/x")
    failure = await failure_of(getattr(desk.queues, rpc)(request_of(others)))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "PROJECT_MISMATCH",
    )
    if rpc not in ("ListReviewItems", "CreateReviewItem"):
        own = (PARENT, f"{PARENT}/items/nothing")
        failure = await failure_of(getattr(desk.queues, rpc)(request_of(own)))
        assert (failure.code, failure.info.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "RESOURCE_NOT_FOUND",
        )


async def test_what_can_not_be_put_into_a_queue_is_refused_at_once(desk: Desk):
    """Law: every queue at once is no queue; content that doesn't fit its type goes nowhere."""
    for wishes, reason in (
        ({"parent": "projects/-/queues/-"}, "INVALID_ARGUMENT"),
        ({"content_type": "Nothing"}, "UNKNOWN_CONTENT_TYPE"),
        ({"callback_url": "http://ann@a.example"}, "INVALID_ARGUMENT"),
    ):
        assert (await failure_of(desk.put(**wishes))).info.reason == reason
    assert list((await desk.list("projects/-/queues/-")).items) == []
