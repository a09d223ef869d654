"""Submitted content that is more than text: pictures, videos, links and sounds, really decoded."""

from dataclasses import replace

import pytest
from gavel.v1 import content_pb2, verdict_pb2

from gaveld.domain.policies import CategoryRule
from gaveld.domain.signals import ClassifierCard
from gaveld.domain.videos import Sound, SpokenText
from tests import videos
from tests.content_house import POLICY
from tests.integration.content_stand import (
    FieldValue,
    answer_of,
    comment,
    content_stand,
    picture,
    text,
)

REVIEW = verdict_pb2.ACTION_REVIEW
COMPLETE = verdict_pb2.COVERAGE_STATUS_COMPLETE
PARTIAL = verdict_pb2.COVERAGE_STATUS_PARTIAL


class Listener:
    """A ``Transcriber`` that hears the same in everything."""

    card = ClassifierCard("hearing", "1", frozenset())

    def __init__(self, said: str) -> None:
        self.said = said

    async def transcribe(self, sound: Sound) -> tuple[SpokenText, ...]:
        return (SpokenText(sound.start_seconds, sound.end_seconds, self.said),)


def voice(data: bytes) -> dict[str, FieldValue]:
    """A comment's fields, with a sound."""
    return {"text": text("fine"), "voice": FieldValue(audio_value=content_pb2.Media(data=data))}


async def test_videos_and_links_are_judged_too(serve, tmp_path):
    """Law: a video counts by its frames, a link by where it leads."""
    async with content_stand(serve, tmp_path) as stand:
        clip = videos.video(scenes=((0.0, videos.RED),), seconds=1.0)
        fields = {
            "text": text("fine"),
            "clip": FieldValue(video_value=content_pb2.Media(data=clip)),
            "site": FieldValue(url_value="https://badlink.example"),
        }
        answer = answer_of(await stand.submit(comment(fields=fields, sync=True)))
        assert {(found.field_path, found.category_id) for found in answer.findings} == {
            ("clip", "A1"),
            ("site", "S2"),
        }
        seen = next(found for found in answer.findings if found.field_path == "clip")
        assert seen.HasField("time_range")
        results = {result.field_path: result for result in answer.field_results}
        assert results["clip"].facts.kind == content_pb2.MEDIA_KIND_VIDEO
        assert not results["site"].HasField("language")


async def test_a_broken_picture_costs_coverage(serve, tmp_path):
    """Law: a file that is none is not judged, the rest is, and the answer says so."""
    strict = replace(
        POLICY, categories={**POLICY.categories, "A1": CategoryRule(0.3, required=True)}
    )
    async with content_stand(serve, tmp_path, strict) as stand:
        fields = {"text": text("fine"), "avatar": picture(b"no picture")}
        answer = answer_of(await stand.submit(comment(fields=fields, sync=True)))
        assert answer.verdict.action == REVIEW
        assert answer.verdict.coverage.status == PARTIAL
        assert answer.review_item


@pytest.mark.parametrize("container", ["wav", "mp3", "ogg", "mp4"])
async def test_a_sound_is_judged_by_what_is_said(serve, tmp_path, container):
    """Law: where somebody writes down what is said, the words of a sound are judged as text."""
    codec = {"wav": "pcm_s16le", "mp3": "libmp3lame", "ogg": "libopus"}.get(container, "")
    policy = replace(POLICY, categories={**POLICY.categories, "H1": CategoryRule(0.5)})
    listener = Listener("I will kill it")
    async with content_stand(serve, tmp_path, policy, transcriber=listener) as stand:
        fields = voice(videos.sound_alone(container, codec))
        answer = answer_of(await stand.submit(comment(fields=fields, sync=True)))
        assert answer.verdict.coverage.status == COMPLETE
        (found,) = answer.findings
        assert (found.field_path, found.category_id) == ("voice", "H1")
        assert found.time_range.end.ToTimedelta().total_seconds() == pytest.approx(1.0, abs=0.2)
        result = answer.field_results[-1]
        assert (result.field_path, result.facts.kind) == ("voice", content_pb2.MEDIA_KIND_AUDIO)
        assert answer.verdict.action == REVIEW


@pytest.mark.parametrize("listener", [None, Listener("quiet")])
async def test_a_sound_that_is_not_heard_is_not_clean(serve, tmp_path, listener):
    """Law: without anybody to hear it, or where it is no sound, the answer says not checked."""
    data = videos.sound_alone() if listener is None else b"no sound at all"
    async with content_stand(serve, tmp_path, transcriber=listener) as stand:
        answer = answer_of(await stand.submit(comment(fields=voice(data), sync=True)))
        assert answer.verdict.coverage.status == PARTIAL
        assert answer.verdict.incomplete_action == REVIEW
