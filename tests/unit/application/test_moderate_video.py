"""A video while it comes: what is told when, what the panel is shown, and what is remembered."""

import asyncio

import pytest

from gaveld.application import video_in_progress
from gaveld.application.moderate_video import VideoOpening
from gaveld.application.panels import ReviewWishes
from gaveld.application.video_in_progress import NothingJudged
from gaveld.application.video_keepsakes import MOST_SPREAD, MOST_TELLING
from gaveld.domain.actions import Action
from gaveld.domain.errors import ErrorReason, FailedPrecondition, InvalidRequest, ResourceExhausted
from gaveld.domain.media import MediaKind, MediaRefusal, MediaRefused
from gaveld.domain.policies import CategoryChange, PolicyOverrides
from gaveld.domain.reviews import ContentKind, Decision
from gaveld.domain.signals import OutcomeStatus
from tests.fakes.credits import FakeCredits
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.videos import (
    FakeLook,
    FakeTranscriber,
    FakeVideoReading,
    frames,
    sound,
    subtitle,
)
from tests.unit.application.video_house import VideoHouse, found, progress_of, until

THREAT = {"H3": 0.9}
SHOWN = {3.0: THREAT, 4.5: {"H3": 0.95}}


class Judge(FakeReviewer):
    """One who votes unsafe once so many stretches of threats were found."""

    def __init__(self, least: int = 1, **kwargs: object) -> None:
        super().__init__("judge", **kwargs)
        self.least = least

    def _ballot(self, task):
        ballot = super()._ballot(task)
        if len(task.content.findings) >= self.least:
            return type(ballot)(self.card.name, Decision.UNSAFE, "Enough.", self.card.model)
        return ballot


async def test_a_threat_is_told_when_it_begins_and_lasts_in_the_end():
    """Law: a finding is told once, at once; the panel is given how long it lasted."""
    house = VideoHouse(frames(0.0, 3.0, 4.5, 6.0, 8.0), FakeLook(SHOWN))
    news, summary = await house.judged()
    (told,) = found(news)
    assert told.action is Action.BLOCK
    assert (told.finding.start_seconds, told.finding.end_seconds) == (3.0, 3.0)
    (kept,) = house.evidence.findings
    assert (kept.start_seconds, kept.end_seconds, kept.score) == (3.0, 6.0, 0.95)
    assert (kept.frame_index, kept.frame_seconds) == (2, 4.5)
    assert summary.action is Action.BLOCK
    assert house.reviewer.tasks[-1].kind is ContentKind.VIDEO


async def test_progress_tells_how_far_it_is():
    """Law: progress never goes back, and ends with everything that was looked at."""
    house = VideoHouse(frames(*map(float, range(9))))
    news, summary = await house.judged()
    progress = progress_of(news)
    assert [entry.judged_seconds for entry in progress] == sorted(
        entry.judged_seconds for entry in progress
    )
    assert (progress[-1].judged_seconds, progress[-1].judged_frame_count) == (8.0, 9)
    assert progress[-1].received_bytes == 8
    assert house.look.asked == [float(second) for second in range(9)]
    assert summary.facts is not None
    assert (summary.facts.judged_frame_count, summary.facts.kind) == (9, MediaKind.VIDEO)
    assert summary.action is Action.ALLOW
    assert not summary.is_settled


async def test_waiting_for_the_index_is_told(monkeypatch: pytest.MonkeyPatch):
    """Law: whoever sends a file whose index is at its end hears that nothing can be judged yet."""
    monkeypatch.setattr(video_in_progress, "TOLD_EVERY_SECONDS", 0.01)
    reading = FakeVideoReading(frames(0.0), needs_all=True)
    house = VideoHouse(reading=reading)
    async with house.opened() as progress:
        news = progress.news()
        await progress.feed(b"1234")
        first = await anext(news)
        assert (first.is_waiting_for_index, first.received_bytes) == (True, 4)
        await progress.finish()
        rest = [entry async for entry in news]
    assert not rest[-1].is_waiting_for_index


async def test_subtitles_are_judged_as_text():
    """Law: a subtitle is read, and what is found in it has its time and no frame."""
    lines = [subtitle(1.0, 2.0, "Good morning."), subtitle(5.0, 7.5, "I will kill you.")]
    policy_change = PolicyOverrides({"H1": CategoryChange(block=0.8)})
    house = VideoHouse([*frames(0.0), *lines])
    news, _ = await house.judged(VideoOpening(overrides=policy_change))
    (told,) = found(news)
    assert told.finding.category_id == "H1"
    assert (told.finding.start_seconds, told.finding.end_seconds) == (5.0, 7.5)
    assert told.finding.frame_index is None
    assert house.reader.texts == ["Good morning.\nI will kill you."]
    assert "I will kill you." in house.evidence.transcript


async def test_speech_is_judged_where_somebody_hears_it():
    """Law: with a transcriber, sound is asked for, written down and read."""
    house = VideoHouse([*frames(0.0), sound(2.0, 4.0, "oh darn it")], transcriber=FakeTranscriber())
    news, _ = await house.judged()
    (told,) = found(news)
    assert (told.finding.category_id, told.finding.start_seconds) == ("L1", 2.0)
    assert house.decoder.with_sound is True
    assert {entry.card.name for entry in house.evidence.outcomes} >= {"hearing", "lexicon"}


async def test_a_deaf_server_says_so():
    """Law: without a transcriber speech is a blind spot, listed and not required."""
    house = VideoHouse(frames(0.0))
    await house.judged()
    assert house.decoder.with_sound is False
    (speech,) = [entry for entry in house.evidence.outcomes if entry.card.name == "speech"]
    assert (speech.status, speech.card.is_blind_spot) == (OutcomeStatus.NOT_INSTALLED, True)


async def test_a_transcriber_that_fails_costs_coverage():
    """Law: speech that could not be written down counts as not checked, and the call goes on."""
    house = VideoHouse(
        [*frames(0.0), sound(0.0, 4.0, "hello")],
        transcriber=FakeTranscriber(RuntimeError("down")),
    )
    _, summary = await house.judged()
    (hearing,) = [entry for entry in house.evidence.outcomes if entry.card.name == "hearing"]
    assert hearing.missed_as is OutcomeStatus.FAILED
    assert summary.review is not None


async def test_a_settled_decision_ends_it_early():
    """Law: once the policy blocks and the panel is against it, nothing more is judged."""
    reading = FakeVideoReading(frames(0.0, 3.0, 6.0, 9.0), gate=asyncio.Event())
    house = VideoHouse(reading=reading, look=FakeLook({0.0: THREAT}), reviewer=Judge())
    async with house.opened(stops_when_settled=True) as progress:
        await progress.feed(b"1")
        news = [entry async for entry in progress.news()]
        summary = await progress.conclude()
    assert [entry.finding.category_id for entry in found(news)] == ["H3"]
    assert summary.is_settled
    assert summary.review.decision is Decision.UNSAFE
    assert house.look.asked == [0.0]
    assert house.look.until_settled == {True}
    assert len(house.reviewer.tasks) == 1
    (rest,) = [entry for entry in house.evidence.outcomes if entry.card.name == "video"]
    assert rest.missed_as is OutcomeStatus.SKIPPED


async def test_a_panel_that_is_not_convinced_goes_on():
    """Law: what the panel calls safe so far is judged to the end, and asked about again."""
    shown = {float(second): THREAT for second in range(0, 20, 2)}
    house = VideoHouse(frames(*map(float, range(20))), FakeLook(shown), reviewer=Judge(least=6))
    _, summary = await house.judged(stops_when_settled=True)
    assert summary.is_settled or summary.review.decision is Decision.UNSAFE
    assert len(house.reviewer.tasks) < 5


async def test_without_the_wish_it_goes_to_the_end():
    """Law: nothing ends early unless the caller says so."""
    house = VideoHouse(frames(0.0, 3.0, 6.0), FakeLook({0.0: THREAT}), reviewer=Judge())
    _, summary = await house.judged()
    assert house.look.asked == [0.0, 3.0, 6.0]
    assert not summary.is_settled
    assert house.look.until_settled == {False}


async def test_leaving_frees_the_reading_and_the_looks():
    """Law: whoever goes away in mid-look leaves nothing behind, and pays nothing."""
    purse = FakeCredits(shop=5)
    house = VideoHouse(frames(0.0), FakeLook(gate=asyncio.Event()), purse=purse)

    async def watch() -> None:
        await house.judged()

    watching = asyncio.create_task(watch())
    await until(lambda: house.look.asked, watching)
    assert purse.balances == {"shop": 4}
    watching.cancel()
    await asyncio.wait([watching])
    assert house.reading.was_freed
    assert house.look.cancelled == 1
    assert purse.balances == {"shop": 5}


async def test_a_video_costs_one_review():
    """Law: a video costs what one review does, however long it is."""
    purse = FakeCredits(shop=3)
    house = VideoHouse(frames(*map(float, range(12))), purse=purse)
    await house.judged()
    assert purse.balances == {"shop": 2}


async def test_who_can_not_pay_is_told_before_anything_is_decoded():
    """Law: without credits no work is done."""
    house = VideoHouse(frames(0.0), purse=FakeCredits(shop=0))
    with pytest.raises(ResourceExhausted) as caught:
        await house.judged()
    assert caught.value.reason is ErrorReason.INSUFFICIENT_CREDITS
    assert house.reading.taken == 0


async def test_what_can_not_be_decoded_is_refused_by_its_field():
    """Law: a damaged file ends the call with the reason and the field, and is not charged."""
    purse = FakeCredits(shop=1)
    reading = FakeVideoReading([], failure=MediaRefused(MediaRefusal.DAMAGED))
    house = VideoHouse(reading=reading, purse=purse)
    with pytest.raises(InvalidRequest) as caught:
        await house.judged()
    assert caught.value.reason is ErrorReason.MEDIA_CORRUPT
    assert caught.value.violations[0].field == "chunk"
    assert purse.balances == {"shop": 1}


async def test_half_a_file_is_judged_and_says_so():
    """Law: a file that ends too early is judged as far as it goes, and not called complete."""
    house = VideoHouse(reading=FakeVideoReading(frames(0.0, 2.0), is_partial=True))
    _, summary = await house.judged()
    (rest,) = [entry for entry in house.evidence.outcomes if entry.card.name == "video"]
    assert rest.missed_as is OutcomeStatus.SKIPPED
    assert summary.facts.is_partial
    assert summary.action is Action.REVIEW


async def test_the_end_before_the_end_is_reviewed():
    """Law: what was judged when the time is up is reviewed, and the rest is said to be unseen."""
    reading = FakeVideoReading(frames(0.0, 5.0), gate=asyncio.Event())
    house = VideoHouse(reading=reading, look=FakeLook({0.0: THREAT}))
    async with house.opened() as progress:
        await progress.feed(b"1")
        news = progress.news()
        assert found([await anext(news)])
        await news.aclose()
        summary = await progress.conclude()
    (rest,) = [entry for entry in house.evidence.outcomes if entry.card.name == "video"]
    assert rest.reason == "Only the first 0.0 s were judged."
    assert summary.action is Action.BLOCK
    assert not summary.is_settled


async def test_nothing_is_never_safe():
    """Law: where nothing was judged there is no review, and nothing is charged."""
    purse = FakeCredits(shop=1)
    house = VideoHouse(frames(0.0), purse=purse)
    with pytest.raises(NothingJudged):
        async with house.opened() as progress:
            await progress.conclude()
    assert purse.balances == {"shop": 1}


async def test_a_failure_of_the_feed_ends_it_at_once():
    """Law: what is wrong with what comes is raised, however much waits to be judged."""
    house = VideoHouse(frames(0.0, 1.0))
    async with house.opened() as progress:
        await progress.feed(b"1")
        await until(lambda: house.reading.taken == 2)
        await progress.fail(ValueError("enough"))
        with pytest.raises(ValueError, match="enough"):
            await progress.take()
    assert house.look.asked == []


async def test_evidence_is_bounded():
    """Law: an hour of video leaves no more frames than a minute; the most telling stay."""
    shown = {float(second): {"H3": 0.5 + second / 10_000} for second in range(0, 1_200, 7)}
    house = VideoHouse(frames(*map(float, range(1_200))), FakeLook(shown))
    await house.judged()
    assert len(house.evidence.frames) <= MOST_TELLING + MOST_SPREAD
    times = [entry.seconds for entry in house.evidence.frames]
    assert times == sorted(times)
    assert set(times) >= {1_197.0 - 7 * step for step in range(MOST_TELLING)}
    assert len(house.evidence.findings) == 172
    assert house.encoder.encoded < 250


async def test_excluded_categories_do_not_count():
    """Law: what the call excludes is neither told nor evidence, nor does it act."""
    house = VideoHouse(frames(0.0), FakeLook({0.0: THREAT}))
    news, summary = await house.judged(VideoOpening(ReviewWishes(excluded_categories=("H3",))))
    assert found(news) == []
    assert house.evidence.findings == ()
    assert summary.action is Action.ALLOW


async def test_a_custom_prompt_needs_a_reader():
    """Law: instructions that nobody reads are refused before anything is decoded."""
    house = VideoHouse(frames(0.0))
    with pytest.raises(FailedPrecondition):
        await house.judged(VideoOpening(ReviewWishes(custom_prompt="no dogs")))
    assert house.reading.taken == 0
