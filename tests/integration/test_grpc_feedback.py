"""``SubmitFeedback`` over a real socket."""

import grpc
import pytest
from gavel.v1 import feedback_service_pb2 as api
from gavel.v1 import verdict_pb2
from gavel.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from gaveld.domain.actions import Action
from gaveld.domain.signals import Attribute
from tests.fakes.feedback import FakeFeedbackStore
from tests.integration.grpc_stand import Serve, failure_of


def opinion(**changed) -> api.SubmitFeedbackRequest:
    """An opinion with everything in it."""
    request = api.SubmitFeedbackRequest(
        text="You call that a song?",
        category_ids=["H2", "H2"],
        action=verdict_pb2.ACTION_ALLOW,
        languages=["en"],
        community_id="forum/7",
        client_token="t-1",
        request_id="r-1",
    )
    request.attribute_scores.toxicity = 0.1
    request.attribute_scores.insult = 0.0
    request.context.parent_text = "Listen to this"
    request.context.turns.add(text="Hello")
    request.MergeFrom(api.SubmitFeedbackRequest(**changed))
    return request


async def test_an_opinion_is_kept_as_it_was_given(serve: Serve):
    """Law: every field reaches the store; a score of 0 is an opinion, and an unset one is none."""
    store = FakeFeedbackStore()
    running = await serve(feedback=store)
    answer = await FeedbackServiceStub(running.channel).SubmitFeedback(opinion())
    assert (answer.client_token, answer.request_id) == ("t-1", "r-1")
    (kept,) = store.kept.values()
    assert (kept.id, kept.project, kept.text) == ("r-1", "default", "You call that a song?")
    assert kept.attributes == {Attribute.TOXICITY: 0.1, Attribute.INSULT: 0.0}
    assert (kept.category_ids, kept.action) == (("H2",), Action.ALLOW)
    assert (kept.languages, kept.community_id) == (("en",), "forum/7")
    assert (kept.parent_text, kept.turns[0].text) == ("Listen to this", "Hello")


async def test_a_repeat_is_harmless_and_another_opinion_under_its_id_is_refused(serve: Serve):
    """Law: what is sent twice is kept once, and no opinion replaces another."""
    store = FakeFeedbackStore()
    running = await serve(feedback=store)
    stub = FeedbackServiceStub(running.channel)
    for _ in range(2):
        await stub.SubmitFeedback(opinion())
    failure = await failure_of(stub.SubmitFeedback(opinion(text="Another text")))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    assert len(store.kept) == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"category_ids": ["Z9"]}, "category_ids[2]"),
        ({"attribute_scores": verdict_pb2.AttributeScores(spam=1.5)}, "attribute_scores"),
    ],
)
async def test_an_impossible_opinion_names_the_field(serve: Serve, changed, field: str):
    """Law: bad input is told by its field, and nothing is kept of it."""
    store = FakeFeedbackStore()
    running = await serve(feedback=store)
    failure = await failure_of(
        FeedbackServiceStub(running.channel).SubmitFeedback(opinion(**changed))
    )
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [entry.field for entry in failure.bad_request.field_violations] == [field]
    assert not store.kept


async def test_a_server_that_keeps_none_says_which_setting_would(serve: Serve):
    """Law: an opinion is never taken and dropped."""
    running = await serve()
    failure = await failure_of(FeedbackServiceStub(running.channel).SubmitFeedback(opinion()))
    assert (failure.code, failure.info.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "FEATURE_DISABLED",
    )
