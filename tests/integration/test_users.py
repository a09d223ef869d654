"""``UserService`` over real sockets, over what submitted content left behind."""

from pathlib import Path

import grpc
import pytest
from gavel.v1 import review_queue_service_pb2 as review_api
from gavel.v1 import user_service_pb2 as api
from gavel.v1.review_queue_service_pb2_grpc import ReviewQueueServiceStub
from gavel.v1.user_service_pb2_grpc import UserServiceStub

from tests.integration.content_stand import ContentStand, answer_of, comment, content_stand, text
from tests.integration.grpc_stand import Serve, failure_of

ODD = "ann/b%2Bc 👍\0"
NAME = "projects/-/users/ann%2Fb%2Bc 👍\0"


def users(stand: ContentStand) -> UserServiceStub:
    return UserServiceStub(stand.running.channel)


@pytest.mark.parametrize("sync", [True, False])
async def test_a_history_counts_what_was_submitted(serve: Serve, tmp_path: Path, sync: bool):
    """Law: content that was judged is in its author's history, now or later, and nobody else's."""
    async with content_stand(serve, tmp_path) as stand:
        stand.start_work()
        for number, words in enumerate(("all good", "what a fool", "see badlink")):
            fields = {"text": text(words)}
            wish = comment(f"c{number}", actor_id=ODD, fields=fields, sync=sync)
            await stand.finished(await stand.submit(wish))
        await stand.finished(await stand.submit(comment("other", actor_id="bob", sync=sync)))
        user = (await users(stand).GetUser(api.GetUserRequest(name=NAME))).user
    assert user.name == NAME.replace("-", "default", 1)
    assert [window.hours for window in user.windows] == [24, 168, 720]
    for window in user.windows:
        assert (window.content_count, window.flag_count) == (3, 2)
        assert dict(window.category_counts) == {"H2": 1, "S2": 1}
    assert user.strikes == pytest.approx(1, abs=1e-3)
    assert user.first_seen_time.ToDatetime() <= user.last_seen_time.ToDatetime()


async def test_a_repeat_counts_nothing(serve: Serve, tmp_path: Path):
    """Law: content that is submitted again is the same content."""
    async with content_stand(serve, tmp_path) as stand:
        for _ in range(3):
            await stand.submit(comment(sync=True))
        request = api.GetUserRequest(name="projects/-/users/ann")
        user = (await users(stand).GetUser(request)).user
    assert user.windows[0].content_count == 1


@pytest.mark.parametrize(
    ("said", "strikes", "flags"),
    [
        (review_api.REVIEW_ITEM_DECISION_REJECT, 1, 1),
        (review_api.REVIEW_ITEM_DECISION_ACCEPT, 0, 0),
    ],
)
async def test_a_person_has_the_last_word(
    serve: Serve, tmp_path: Path, said: int, strikes: int, flags: int
):
    """Law: what a person rejects is a strike, and what one accepts is not even a flag."""
    async with content_stand(serve, tmp_path) as stand:
        request = comment(fields={"text": text("what a fool")}, sync=True)
        item = answer_of(await stand.submit(request)).review_item
        queues = ReviewQueueServiceStub(stand.running.channel)
        decision = review_api.DecideReviewItemRequest(name=item, reviewer="eve", decision=said)
        await queues.DecideReviewItem(decision)
        named = api.GetUserRequest(name="projects/-/users/ann")
        user = (await users(stand).GetUser(named)).user
    assert user.strikes == pytest.approx(strikes, abs=1e-3)
    assert [window.flag_count for window in user.windows] == [flags] * 3
    assert user.windows[0].content_count == 1


async def test_who_was_never_seen_is_not_found(serve: Serve, tmp_path: Path):
    """Law: an unknown user is no empty history, and another project's is refused."""
    async with content_stand(serve, tmp_path) as stand:
        request = api.GetUserRequest(name="projects/-/users/nobody")
        failure = await failure_of(users(stand).GetUser(request))
        other = api.GetUserRequest(name="projects/blog/users/ann")
        refused = await failure_of(users(stand).GetUser(other))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
    )
    assert "nobody" not in failure.message
    assert refused.info.reason == "PROJECT_MISMATCH"


async def test_a_forgotten_user_is_gone(serve: Serve, tmp_path: Path):
    """Law: history, name and words leave the file; what was asked for stays done."""
    async with content_stand(serve, tmp_path) as stand:
        wish = comment(actor_id="canary-ann", fields={"text": text("canary words")}, sync=True)
        operation = await stand.submit(wish)
        assert await stand.stored("canary-ann")
        request = api.ForgetUserRequest(name="projects/-/users/canary-ann")
        forgotten = await users(stand).ForgetUser(request)
        assert (forgotten.decision_count, forgotten.content_count) == (1, 1)
        assert not await stand.stored("canary")
        failure = await failure_of(users(stand).GetUser(api.GetUserRequest(name=request.name)))
        assert failure.code is grpc.StatusCode.NOT_FOUND
        kept = await stand.finished(operation)
        assert kept.done
        assert await users(stand).ForgetUser(request) == api.ForgetUserResponse()
