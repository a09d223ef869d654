"""Nothing of a forgotten user is left anywhere in the storage, nor of content past its time."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gavel.v1 import review_queue_service_pb2 as review_api
from gavel.v1 import rule_pb2, user_service_pb2
from gavel.v1.review_queue_service_pb2_grpc import ReviewQueueServiceStub
from gavel.v1.user_service_pb2_grpc import UserServiceStub
from google.longrunning import operations_pb2
from sqlalchemy import inspect
from sqlalchemy import text as sql

from gaveld.application.ports import Attempt
from gaveld.bootstrap.work import chores, job_handlers
from gaveld.domain.deliveries import AttemptOutcome, Delivery, DeliveryState
from gaveld.domain.jobs import JobState, Lease
from gaveld.domain.policies import ReviewQueue, StorageRules
from gaveld.transport.grpc.converters.content import ContentMessages
from tests.content_house import BAN, POLICY, rule
from tests.databases import running_postgres
from tests.integration.content_stand import ContentStand, Request, comment, content_stand, text
from tests.integration.grpc_stand import Serve

WORDS, USER, REASON = "canarywords", "canaryuser", "canaryreason"
FORMS = (
    rule_pb2.CALLBACK_FORMAT_NATIVE,
    rule_pb2.CALLBACK_FORMAT_APOLLO,
    rule_pb2.CALLBACK_FORMAT_CONTENTMOD,
)
TOKEN = "t0ken"
OWN = f"https://own.example/hook?token={TOKEN}"
ARRIVED = Attempt(AttemptOutcome.DELIVERED, 204)
BROKEN = Attempt(AttemptOutcome.FAILED, 500, "http_status")
SECONDS = 3_600.0
HOUSE = replace(
    POLICY,
    rules=(replace(rule("always", BAN), condition="true", review_queue="human"),),
    review_queues=(ReviewQueue("human", action_id=BAN.id),),
    storage=StorageRules(keep_content=True, content_retention_days=7, decision_retention_days=20),
)
"""All content sets off a callback, goes to people, and is kept."""


@pytest.fixture(scope="module")
def postgres() -> Iterator:
    with running_postgres() as server:
        yield server


@dataclass
class House:
    """A server without workers, whose work a test does step by step."""

    stand: ContentStand
    running: list[Lease] = field(default_factory=list)

    @property
    def queues(self) -> ReviewQueueServiceStub:
        return ReviewQueueServiceStub(self.stand.running.channel)

    def request(self, number: int, **wishes: object) -> Request:
        return comment(
            f"c{number}",
            actor_id=USER,
            fields={"text": text(f"{WORDS} fool"), "note": text(WORDS)},
            metadata={"meta": WORDS},
            callback_url=OWN,
            callback_format=FORMS[number % len(FORMS)],
            **wishes,
        )

    async def lease_one(self) -> Lease:
        (lease,) = await self.stand.parts.jobs.lease("w", limit=1, seconds=SECONDS)
        return lease

    async def finish(self, lease: Lease) -> bool:
        answer, records = await job_handlers(self.stand.parts)[lease.job.kind](lease.job)
        return await self.stand.parts.jobs.finish(lease, answer, records)

    async def judge_all(self) -> None:
        """Have content in every form judged at once, by a worker, and put into a queue."""
        for number in range(3):
            await self.stand.submit(self.request(number, sync=True))
            await self.stand.submit(self.request(number + 3))
            assert await self.finish(await self.lease_one())
            await self.put(number + 6)
            assert await self.finish(await self.lease_one())

    async def put(self, number: int) -> None:
        asked = self.request(number)
        await self.queues.CreateReviewItem(
            review_api.CreateReviewItemRequest(
                parent="projects/-/queues/human",
                content_id=asked.content_id,
                actor_id=USER,
                fields=asked.fields,
                metadata=asked.metadata,
                callback_url=OWN,
                callback_format=asked.callback_format,
            )
        )

    async def decide(self, count: int, decision: int) -> None:
        """Have a person say something of the oldest items."""
        for _ in range(count):
            asked = review_api.ClaimReviewItemRequest(
                name="projects/-/queues/human", reviewer="eve"
            )
            item = (await self.queues.ClaimReviewItem(asked)).item
            await self.queues.DecideReviewItem(
                review_api.DecideReviewItemRequest(
                    name=item.name, reviewer="eve", decision=decision, reason=REASON
                )
            )

    async def leave_work_behind(self) -> None:
        """Leave jobs that wait, run, are dead and cancelled, two of them with items in a queue."""
        jobs = self.stand.parts.jobs
        operation = await self.stand.submit(self.request(20))
        await self.stand.operations.CancelOperation(
            operations_pb2.CancelOperationRequest(name=operation.name)
        )
        await self.stand.submit(self.request(21))
        await jobs.fail(await self.lease_one(), "INTERNAL", "It failed.", retry_at=None)
        await self.put(22)
        await jobs.fail(await self.lease_one(), "INTERNAL", "It failed.", retry_at=None)
        await self.sweep(datetime.now(UTC))  # which opens the dead one's item to people
        await self.stand.submit(self.request(23))
        self.running.append(await self.lease_one())
        await self.put(24)
        self.running.append(await self.lease_one())
        await self.stand.submit(self.request(25))
        await self.put(26)

    async def deliver_some(self) -> list[Delivery]:
        """Deliver the first callback of a third, give up the next, and leave one being sent."""
        store, at = self.stand.parts.deliveries, datetime.now(UTC)
        leased = await store.lease(at, limit=999, per_host=999, per_project=999, seconds=SECONDS)
        for place, delivery in enumerate(leased):
            if place % 3 == 0:
                await store.delivered(delivery, ARRIVED, at)
            elif place % 3 == 1:
                await store.failed(delivery, BROKEN, at, retry_at=None)
        return list(leased[2::3])

    async def states(self) -> tuple[set[JobState], set[DeliveryState]]:
        jobs = (await self.stand.parts.jobs.list(limit=999)).jobs
        deliveries = await self.stand.parts.deliveries.list(limit=999)
        return {job.state for job in jobs}, {delivery.state for delivery in deliveries}

    async def sweep(self, at: datetime) -> None:
        """Erase what is over at a time, as servers do."""
        for chore in chores(self.stand.parts):
            await chore(at)
        strip = ContentMessages().without_words
        while await self.stand.parts.jobs.erase_words(at, strip, limit=100):
            pass

    async def holding(self, canary: str) -> set[str]:
        """The columns of all tables that hold some words, callbacks' sealed ones as they open."""
        parts, found = self.stand.parts, set()
        async with parts.engine.connect() as connection:
            tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
            for table in tables:
                for row in (await connection.execute(sql(f'SELECT * FROM "{table}"'))).mappings():
                    for column, value in row.items():
                        if canary.encode() in self._bytes(column, value):
                            found.add(f"{table}.{column}")
        return found

    def _bytes(self, column: str, value: object) -> bytes:
        if not isinstance(value, bytes):
            return str(value).encode()
        if value and column == "sealed":
            return self.stand.parts.secret_box.open(value)
        return value


@asynccontextmanager
async def house(serve: Serve, folder: Path, kind: str, request) -> AsyncIterator[House]:
    url = ""
    if kind == "postgres":
        url = await request.getfixturevalue("postgres").new_url()
    async with content_stand(serve, folder, HOUSE, url=url) as stand:
        yield House(stand)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_nothing_names_or_quotes_a_forgotten_user(serve, tmp_path, request, kind: str):
    """Law: whatever state their content was in, no column has the user's words or id afterwards."""
    async with house(serve, tmp_path, kind, request) as made:
        await made.judge_all()
        await made.decide(3, review_api.REVIEW_ITEM_DECISION_REJECT)
        await made.decide(2, review_api.REVIEW_ITEM_DECISION_SECOND_OPINION)
        await made.leave_work_behind()
        sending = await made.deliver_some()
        assert await made.states() == (set(JobState), set(DeliveryState))
        assert await made.holding(TOKEN) == {"deliveries.sealed"}
        assert {entry.partition(".")[0] for entry in await made.holding(WORDS)} == {
            "decision_contents", "deliveries", "feedback", "jobs", "review_items",
        }  # fmt: skip
        assert await made.holding(REASON) == {"review_opinions.said", "deliveries.body"}
        assert {entry.partition(".")[0] for entry in await made.holding(USER)} >= {
            "decisions", "deliveries", "jobs", "review_items", "user_hours", "users",
        }  # fmt: skip
        name = f"projects/-/users/{USER}"
        users = UserServiceStub(made.stand.running.channel)
        await users.ForgetUser(user_service_pb2.ForgetUserRequest(name=name))
        assert await made.holding("canary") == set()
        # What was under way at that moment writes nothing of it back.
        for lease in made.running:
            assert not await made.finish(lease)
        later = datetime.now(UTC) + timedelta(seconds=2 * SECONDS)
        for delivery in sending:
            await made.stand.parts.deliveries.failed(delivery, BROKEN, later, retry_at=later)
        await made.sweep(datetime.now(UTC))
        await made.decide(4, review_api.REVIEW_ITEM_DECISION_ACCEPT)
        assert await made.holding(USER) | await made.holding(WORDS) == set()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_callbacks_of_a_forgotten_user_still_arrive(serve, tmp_path, request, kind: str):
    """Law: what waited is sent under its own id, with verdict and content id and no word more."""
    async with house(serve, tmp_path, kind, request) as made:
        await made.judge_all()
        await made.decide(3, review_api.REVIEW_ITEM_DECISION_REJECT)
        store = made.stand.parts.deliveries
        before = {entry.id for entry in await store.list(limit=999)}
        users = UserServiceStub(made.stand.running.channel)
        name = f"projects/-/users/{USER}"
        await users.ForgetUser(user_service_pb2.ForgetUserRequest(name=name))
        leased = await store.lease(
            datetime.now(UTC), limit=999, per_host=999, per_project=999, seconds=SECONDS
        )
        assert {delivery.id for delivery in leased} == before
        for delivery in leased:
            told = json.loads(delivery.body)
            assert b"canary" not in delivery.body
            if "event" in told:
                assert told["data"]["id"] == delivery.job_id
            else:
                assert told.get("contentId", told.get("content_id", "")).startswith("c")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_nothing_quotes_content_whose_time_is_over(serve, tmp_path, request, kind: str):
    """Law: after the policy's days for content no column has its words, and in the end no name."""
    async with house(serve, tmp_path, kind, request) as made:
        await made.judge_all()
        await made.decide(9, review_api.REVIEW_ITEM_DECISION_REJECT)
        sending = await made.deliver_some()
        assert await made.holding(WORDS)
        await made.sweep(datetime.now(UTC) + timedelta(days=7, minutes=1))
        assert await made.holding(WORDS) == set()
        assert "decisions.actor_id" in await made.holding(USER)
        parts, at = made.stand.parts, datetime.now(UTC) + timedelta(days=60)
        for delivery in sending:
            await parts.deliveries.failed(delivery, BROKEN, at, retry_at=None)
        await made.sweep(at)
        await parts.jobs.erase(before=at, limit=999)
        await parts.deliveries.erase(before=at + timedelta(seconds=1))
        assert await made.holding("canary") == set()
