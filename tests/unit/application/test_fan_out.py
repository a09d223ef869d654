"""Many classifiers, one deadline: no outcome is lost, whatever becomes of each."""

import asyncio
from collections.abc import Awaitable, Callable

from gaveld.application.fan_out import fan_out
from gaveld.domain.signals import (
    MAX_TOPICS,
    Attribute,
    ClassifierCard,
    ClassifierReport,
    Finding,
    OutcomeStatus,
    Sentiment,
    SentimentLabel,
    Topic,
)

Act = Callable[[], Awaitable[ClassifierReport]]


class Scripted:
    """A classifier that does as it is told."""

    def __init__(self, name: str, act: Act) -> None:
        self.card = ClassifierCard(name, "1", frozenset({"H2"}))
        self._act = act
        self.cancelled = False

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: str) -> ClassifierReport:
        try:
            return await self._act()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def finding(name: str) -> Finding:
    return Finding("H2", 0.7, "a word", name, "1")


async def answer() -> ClassifierReport:
    return ClassifierReport((finding("good"),), {Attribute.INSULT: 0.7})


async def fall_over() -> ClassifierReport:
    raise RuntimeError("the content itself")


async def hang() -> ClassifierReport:
    await asyncio.Event().wait()
    raise AssertionError


async def test_one_failure_costs_one_outcome():
    """Law: a classifier that raises is listed as failed, and its cause is for the log."""
    failures = []
    signals = await fan_out(
        [Scripted("bad", fall_over), Scripted("good", answer)],
        "text",
        5,
        lambda card, failure: failures.append((card.name, failure)),
    )
    assert [outcome.status for outcome in signals.outcomes] == [
        OutcomeStatus.FAILED,
        OutcomeStatus.RAN,
    ]
    assert signals.findings == (finding("good"),)
    assert signals.attributes == {Attribute.INSULT: 0.7}
    assert [name for name, _ in failures] == ["bad"]
    assert "content" not in signals.outcomes[0].reason


async def test_a_late_classifier_is_cancelled_and_listed():
    """Law: when the time is up the others' answers stand and the late one stops."""
    late = Scripted("late", hang)
    signals = await fan_out([late, Scripted("good", answer)], "text", 0.01, print)
    assert [outcome.status for outcome in signals.outcomes] == [
        OutcomeStatus.TIMED_OUT,
        OutcomeStatus.RAN,
    ]
    assert late.cancelled


async def test_no_time_at_all_is_no_error():
    """Law: a deadline of zero still gives an outcome for each classifier."""
    signals = await fan_out([Scripted("late", hang)] * 2, "text", 0, print)
    assert {outcome.status for outcome in signals.outcomes} == {OutcomeStatus.TIMED_OUT}


async def test_a_cancelled_caller_cancels_them_all():
    """Law: nobody works on for a caller who has gone."""
    both = [Scripted("one", hang), Scripted("two", hang)]
    call = asyncio.create_task(fan_out(both, "text", 5, print))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    assert all(entry.cancelled for entry in both)


async def test_the_strongest_score_of_an_attribute_stands():
    """Law: of two classifiers that score one attribute, the surer one is heard."""

    async def surer() -> ClassifierReport:
        return ClassifierReport((), {Attribute.INSULT: 0.9})

    signals = await fan_out([Scripted("a", surer), Scripted("b", answer)], "text", 5, print)
    assert signals.attributes == {Attribute.INSULT: 0.9}


async def test_no_classifiers_give_no_signals():
    """Law: an empty house answers, with nothing."""
    assert (await fan_out([], "text", 5, print)).outcomes == ()


async def test_a_classifier_that_left_something_unread_has_not_checked():
    """Law: its findings count, and the outcome says in its words what it did not read."""

    async def in_part() -> ClassifierReport:
        return ClassifierReport((finding("long"),), {Attribute.INSULT: 0.7}, "40 characters.")

    signals = await fan_out([Scripted("long", in_part)], "text", 5, print)
    (outcome,) = signals.outcomes
    assert outcome.status is OutcomeStatus.RAN
    assert (outcome.is_check, outcome.reason) == (False, "40 characters.")
    assert signals.findings == (finding("long"),)
    assert signals.attributes == {Attribute.INSULT: 0.7}


async def test_a_classifier_checks_what_it_looked_for_under_the_policy():
    """Law: where a policy has less looked for than a classifier can, no more counts as checked."""

    async def in_part() -> ClassifierReport:
        return ClassifierReport(looked_for=frozenset({"A3"}))

    (outcome,) = (await fan_out([Scripted("known", in_part)], "text", 5, print)).outcomes
    assert (outcome.card.name, outcome.card.categories) == ("known", {"A3"})


def tells(*topics: Topic, sentiment: Sentiment | None = None) -> Act:
    """What a classifier does that tells topics and a mood and finds nothing."""

    async def act() -> ClassifierReport:
        return ClassifierReport(topics=topics, sentiment=sentiment)

    return act


async def test_topics_are_named_once_and_the_likeliest_first():
    """Law: of two classifiers that name one topic, the surer one is heard; the rest are ordered."""
    one = Scripted("one", tells(Topic("law", 0.8), Topic("crime", 0.5)))
    two = Scripted("two", tells(Topic("crime", 0.9), Topic("pets", 0.6)))
    signals = await fan_out([one, two, Scripted("good", answer)], "text", 5, print)
    assert signals.topics == (Topic("crime", 0.9), Topic("law", 0.8), Topic("pets", 0.6))


async def test_topics_are_bounded():
    """Law: however many classifiers name topics, only the likeliest stay."""
    many = [Topic(f"topic {number}", number / 20) for number in range(20)]
    signals = await fan_out([Scripted("one", tells(*many))], "text", 5, print)
    assert signals.topics == tuple(reversed(many[-MAX_TOPICS:]))


async def test_the_first_to_tell_a_mood_is_heard():
    """Law: a classifier that tells no mood leaves the word to the next; none at all is unset."""
    glad, sad = Sentiment(SentimentLabel.POSITIVE, 0.7), Sentiment(SentimentLabel.NEGATIVE, -0.9)
    acts = (tells(), tells(sentiment=glad), tells(sentiment=sad))
    asked = [Scripted(str(number), act) for number, act in enumerate(acts)]
    assert (await fan_out(asked, "text", 5, print)).sentiment == glad
    assert (await fan_out(asked[:1], "text", 5, print)).sentiment is None
