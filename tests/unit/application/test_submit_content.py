"""Submitting content: decided at once or stored for later, once however often it is sent."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from gaveld.application.submit_content import ContentRequest
from gaveld.domain.actions import Action
from gaveld.domain.deliveries import SCHEDULE
from gaveld.domain.errors import (
    AlreadyExists,
    DeadlineExceeded,
    ErrorReason,
    InvalidRequest,
    Unavailable,
)
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.domain.policies import ReviewQueue, StorageRules
from gaveld.domain.review_items import ReviewState
from gaveld.domain.rules import CallbackFormat
from tests.content_house import BAN, FLAG, POLICY, ContentHouse, rule, submission, with_rules
from tests.fakes.secret_box import FakeSecretBox

OWN = "https://caller.example/hook"


async def submit(house: ContentHouse, way: str, request: ContentRequest) -> Job:
    """Submit content in one of the two ways."""
    if way == "now":
        return await house.submit_content.now(request, deadline_seconds=30)
    return await house.submit_content.later(request)


async def stored(house: ContentHouse, job: Job) -> Job:
    """Do what a worker does with a job that was stored."""
    (lease,) = await house.jobs.lease("w", limit=1, seconds=60)
    assert lease.job.id == job.id
    answer, records = await house.handler(lease.job)
    assert await house.jobs.finish(lease, answer, records)
    done = await house.jobs.find("shop", job.id)
    assert done is not None
    return done


async def test_content_is_decided_at_once():
    """Law: a call that waits gets the answer, of a job that is stored done with its records."""
    house = ContentHouse()
    asked = submission(text="you fool", age=30)
    job = await house.submit_content.now(house.request(asked), deadline_seconds=30)
    assert job.state is JobState.DONE
    assert job.kind is JobKind.CONTENT
    assert (job.content_id, job.request_id, job.actor_id) == ("c1", "r1", "ann")
    assert job.answer.startswith(b"REVIEW|projects/shop/queues/default/items/")
    (records,) = house.jobs.records[job.id]
    assert records.decision is not None
    assert records.decision.id == job.id
    assert records.decision.action is Action.REVIEW
    assert records.decision.category_ids == ("H2",)
    assert [part.field_path for part in records.decision.parts] == ["text"]
    assert house.jobs.jobs[job.id].payload == b""
    assert house.dispatcher.words.empty()


async def test_content_is_stored_to_be_decided_later():
    """Law: a call that does not wait is told so once the job is kept, and workers are told."""
    house = ContentHouse()
    request = replace(house.request(submission(text="you fool")), request_id="r2")
    job = await house.submit_content.later(request)
    assert job.state is JobState.WAITING
    assert house.jobs.jobs[job.id].payload == request.payload
    assert house.dispatcher.words.get_nowait() == job.id
    done = await stored(house, job)
    assert done.state is JobState.DONE
    assert done.answer.startswith(b"REVIEW|")
    assert house.jobs.records[job.id][-1].decision is not None


@pytest.mark.parametrize("first", ["now", "later"])
@pytest.mark.parametrize("again", ["now", "later"])
async def test_a_repeat_changes_nothing(first, again):
    """Law: the same call, or the same content under its id, gives the first job and no other."""
    house = ContentHouse(with_rules(rule("always", BAN)))
    request = house.request(submission(text="fine"))
    job = await submit(house, first, request)
    by_id = await submit(house, again, request)
    by_content = await submit(house, again, house.request(submission(text="fine"), "r9"))
    assert by_id.id == by_content.id == job.id
    assert list(house.jobs.jobs) == [job.id]
    assert house.dispatcher.words.qsize() == (first == "later")


@pytest.mark.parametrize("again", ["now", "later"])
async def test_a_repeat_need_not_fit_a_later_policy(again):
    """Law: a repeat is answered with the first job, though its content would now be refused."""
    house = ContentHouse()
    request = house.request(submission(text="fine"))
    job = await submit(house, "later", request)
    house.policies._default = replace(POLICY, content_types=())
    assert (await submit(house, again, request)).id == job.id
    with pytest.raises(InvalidRequest):
        await submit(house, again, house.request(submission(text="new"), "r2"))
    assert list(house.jobs.jobs) == [job.id]


async def test_other_content_is_no_repeat():
    """Law: changed content, or of another type, is judged anew; a request id names one call."""
    house = ContentHouse()
    one = await house.submit_content.later(house.request(submission(text="fine")))
    two = await house.submit_content.later(house.request(submission(text="fine!"), "r2"))
    untyped = replace(submission(text="fine"), content_type="")
    three = await house.submit_content.later(house.request(untyped, "r3"))
    assert len({one.id, two.id, three.id}) == 3
    with pytest.raises(AlreadyExists) as refused:
        await house.submit_content.later(house.request(submission(text="other")))
    assert refused.value.reason is ErrorReason.REQUEST_ID_REUSED


@pytest.mark.parametrize("way", ["now", "later"])
async def test_what_cannot_be_judged_is_refused_and_not_stored(way):
    """Law: a call is told at once of all that is wrong, whether or not it waits."""
    house = ContentHouse()
    for asked, field in (
        (submission(age=3), "fields.text"),
        (replace(submission(text="a"), callback_url="https://u:p@h.example/"), "callback_url"),
        (replace(submission(text="a"), callback_url="https://"), "callback_url"),
        (replace(submission(text="a"), callback_url="https://h:99999/"), "callback_url"),
        (replace(submission(text="a"), callback_url="ftp://h.example/"), "callback_url"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await submit(house, way, house.request(asked))
        assert [entry.field for entry in refused.value.violations] == [field]
    assert house.jobs.jobs == {}
    assert house.dispatcher.words.empty()


@pytest.mark.parametrize("way", ["now", "later"])
async def test_nothing_is_accepted_that_was_not_stored(way):
    """Law: without the storage a call fails, and no worker is told of anything."""
    house = ContentHouse()
    house.jobs.is_down = True
    request = house.request(submission(text="fine"))
    with pytest.raises(Unavailable):
        await submit(house, way, request)
    assert house.dispatcher.words.empty()


async def test_a_call_that_ran_out_of_time_stores_nothing():
    """Law: content that was not judged leaves nothing behind."""
    house = ContentHouse()
    with pytest.raises(DeadlineExceeded):
        await house.submit_content.now(house.request(submission(text="a")), deadline_seconds=0)
    assert house.jobs.jobs == {}


async def test_each_action_calls_back_once_and_so_does_the_call():
    """Law: every action with an address, and the call's own, is told, each under one stable id."""
    policy = with_rules(rule("toxic", BAN, FLAG), rule("always", BAN))
    house = ContentHouse(policy)
    asked = replace(
        submission(text="you fool"), callback_url=OWN, callback_format=CallbackFormat.APOLLO
    )
    job = await house.submit_content.later(house.request(asked))
    _, first = await house.handler(job)
    _, records = await house.handler(job)
    assert [entry.id for entry in records.deliveries] == [entry.id for entry in first.deliveries]
    ban, own = records.deliveries
    assert (ban.url, ban.action_id, ban.secret) == (BAN.callback_url, BAN.id, BAN.secret)
    assert ban.headers == {"x-shop": "yes"}
    assert ban.body.startswith(b"native|payload 0|")
    assert ban.body.endswith(b"|{'severity': 3}")
    assert (own.url, own.action_id, own.secret) == (OWN, "", "secret of shop")
    assert own.body.startswith(b"apollo|")
    assert {entry.event for entry in records.deliveries} == {"content.decided"}
    assert {entry.job_id for entry in records.deliveries} == {job.id}
    assert ban.id != own.id
    assert all(entry.id.startswith("msg_") for entry in records.deliveries)


async def test_shadow_rules_and_those_that_did_not_match_call_nobody():
    """Law: nothing follows from a rule that does not act."""
    policy = with_rules(
        rule("always", BAN, shadow=True, review_queue="human"), rule("never", BAN), rule("broken")
    )
    house = ContentHouse(policy)
    _, records = await house.handler(
        await house.submit_content.later(house.request(submission(text="fine")))
    )
    assert records.deliveries == ()
    assert records.review_item is None


@pytest.mark.parametrize(
    ("policy", "text", "queue", "rule_ids"),
    [
        (POLICY, "fine", "", ()),
        (POLICY, "you fool", "default", ()),
        (replace(POLICY, review_queues=(ReviewQueue("first"),)), "you fool", "first", ()),
        (with_rules(rule("always", review_queue="human")), "fine", "human", ("always",)),
        (with_rules(rule("always", review_queue="human")), "badlink", "human", ("always",)),
        (with_rules(rule("always", verdict=Action.REVIEW)), "fine", "default", ()),
        (POLICY, "badlink", "", ()),
    ],
)
async def test_people_get_what_a_verdict_or_a_rule_sends_them(policy, text, queue, rule_ids):
    """Law: review means people; a rule says which, else the policy's first queue."""
    house = ContentHouse(policy)
    job = await house.submit_content.now(house.request(submission(text=text)), deadline_seconds=30)
    (records,) = house.jobs.records[job.id]
    item = records.review_item
    assert (item.queue if item else "") == queue
    assert (item.rule_ids if item else ()) == rule_ids
    if item is not None:
        assert item.id == job.id
        assert item.state is ReviewState.PENDING
        assert item.payload == b"payload 0"
        assert item.answer == job.answer
        assert item.sealed_callback_url == b""


async def test_content_put_into_a_queue_waits_for_people_whatever_is_found():
    """Law: what somebody put into a queue is seen by people, who are told of; each time anew."""
    house = ContentHouse()
    asked = replace(submission(text="fine"), callback_url=OWN)
    request = house.request(asked, review_queue="human")
    job = await house.submit_content.later(request)
    (records,) = house.jobs.records[job.id]
    waiting = records.review_item
    assert waiting is not None
    assert (waiting.state, waiting.queue, waiting.payload) == (ReviewState.PROCESSING, "human", b"")
    assert house.secret_box.open(waiting.sealed_callback_url).decode() == OWN
    _, done = await house.handler(job)
    assert done.review_item is not None
    assert (done.review_item.state, done.review_item.queue) == (ReviewState.PENDING, "human")
    assert done.review_item.sealed_callback_url == waiting.sealed_callback_url
    assert done.deliveries == ()
    again = await house.submit_content.later(house.request(asked, "r2", review_queue="human"))
    assert again.id != job.id
    assert (await house.submit_content.later(request)).id == job.id


@pytest.mark.parametrize("keep_content", [False, True])
async def test_decisions_hold_words_only_where_the_policy_keeps_them(keep_content):
    """Law: without the policy's word a decision is scores and hashes."""
    storage = StorageRules(keep_content, 7, 8, 9)
    house = ContentHouse(replace(POLICY, storage=storage))
    _, records = await house.handler(
        await house.submit_content.later(house.request(submission(text="fine")))
    )
    decision = records.decision
    assert decision is not None
    assert bool(decision.payload) is keep_content
    assert (decision.facts.content is not None) is keep_content
    assert decision.facts.ocr_text == ""  # no picture, so no words of one
    assert decision.content_sha256 == submission(text="fine").sha256
    assert decision.content_retention_days == 7
    assert decision.decision_retention_days == 8
    assert decision.strike_half_life_days == 9


@pytest.mark.parametrize("way", ["now", "later"])
async def test_no_word_is_kept_of_what_must_not_be_stored(way):
    """Law: with do_not_store the caller's answer has the words, and nothing that is kept does."""
    canary = f"canary{uuid.uuid4().hex}"
    storage = StorageRules(keep_content=True)
    policy = with_rules(rule("always", BAN, review_queue="human"), storage=storage)
    house = ContentHouse(policy)
    asked = replace(submission(text=canary), do_not_store=True, callback_url=OWN)
    request = house.request(asked)
    job = await submit(house, way, request)
    if way == "now":
        assert canary.encode() in job.answer
    else:
        await stored(house, job)
    kept = house.jobs.jobs[job.id]
    records = house.jobs.records[job.id][-1]
    assert kept.payload == b""
    assert canary.encode() not in kept.answer
    assert records.decision is not None
    assert records.decision.payload == b""
    assert records.decision.facts.content is None
    assert records.review_item is not None
    assert records.review_item.payload == b""
    assert canary.encode() not in records.review_item.answer
    assert not records.review_item.keep_content
    assert len(records.deliveries) == 2
    assert all(canary.encode() not in entry.body for entry in records.deliveries)


async def test_the_users_history_is_the_rules_to_ask():
    """Law: what a user did before is seen by rules, and counted with the decision."""
    house = ContentHouse(with_rules(rule("known", FLAG)))
    first = await house.submit_content.now(
        house.request(submission("a", text="you fool")), deadline_seconds=30
    )
    for records in house.jobs.records[first.id]:
        house.users.record(records)
    job = await house.submit_content.later(house.request(submission("b", text="fine"), "r2"))
    _, records = await house.handler(job)
    assert records.decision is not None
    assert records.decision.rules[0][1].value == "matched"


async def test_a_callers_address_is_stored_sealed_and_for_as_long_as_it_is_needed():
    """Law: of a call's own address only what the box sealed is stored, and a worker opens that."""
    house = ContentHouse()
    asked = replace(submission(text="fine"), callback_url=f"{OWN}?token=canary")
    job = await house.submit_content.later(house.request(asked))
    assert "canary" not in repr([*house.papers.known.values()])
    assert job.sealed_callback_url
    assert b"canary" not in job.payload + job.sealed_callback_url
    _, records = await house.handler(job)
    (told,) = records.deliveries
    assert told.url == asked.callback_url


async def test_another_address_is_another_request():
    """Law: one request id with two addresses is refused, though the payloads are the same."""
    house = ContentHouse()
    asked = replace(submission(text="fine"), callback_url=OWN)
    request = house.request(asked)
    await house.submit_content.later(request)
    other = replace(request, submission=replace(asked, callback_url=f"{OWN}/other"))
    with pytest.raises(AlreadyExists):
        await house.submit_content.later(other)


async def test_an_address_whose_key_is_gone_keeps_nothing_from_being_judged():
    """Law: content is judged all the same, and its callback kept, for operators to see."""
    house = ContentHouse()
    job = await house.submit_content.later(
        house.request(replace(submission(text="fine"), callback_url=OWN))
    )
    lost = replace(job, sealed_callback_url=FakeSecretBox("another").seal(b"x"))
    _, records = await house.handler(lost)
    assert records.decision is not None
    assert [told.url for told in records.deliveries] == [""]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (StorageRules(keep_content=True, content_retention_days=7), timedelta(days=7)),
        (StorageRules(True, 9, decision_retention_days=8), timedelta(days=8)),
        (StorageRules(), SCHEDULE),
        (StorageRules(content_retention_days=2), timedelta(days=2)),
    ],
)
async def test_a_callback_quotes_the_content_for_as_long_as_it_may(rules, kept):
    """Law: as long as the policy keeps it, or as it is sent; never where it must not be stored."""
    house = ContentHouse(replace(POLICY, storage=rules))
    asked = replace(submission(text="fine"), callback_url=OWN)
    job = await house.submit_content.later(house.request(asked))
    _, records = await house.handler(job)
    (told,) = records.deliveries
    assert told.actor_id == asked.actor_id
    assert told.words_until == told.created_at + kept
    unstored = house.request(replace(asked, do_not_store=True), "r2")
    _, records = await house.handler(replace(job, payload=unstored.payload))
    assert records.deliveries[0].words_until is None
