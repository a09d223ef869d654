"""Judging typed content whole: fields by themselves, then together, then the policy's rules."""

from dataclasses import replace

import pytest

from gaveld.application.judge_content import MOST_FILES, MOST_TEXTS
from gaveld.domain.actions import Action
from gaveld.domain.errors import (
    DeadlineExceeded,
    ErrorReason,
    InvalidRequest,
    ResourceExhausted,
)
from gaveld.domain.policies import CategoryChange, PolicyOverrides
from gaveld.domain.rules import RuleStatus
from gaveld.domain.signals import OutcomeStatus
from gaveld.domain.submissions import ContentSubmission
from gaveld.domain.typed_content import Url
from gaveld.domain.verdicts import CoverageStatus
from tests.content_house import (
    BAN,
    FLAG,
    ContentHouse,
    image,
    rule,
    sound,
    submission,
    video,
    with_rules,
)
from tests.fakes.policies import RestlessPolicyStore
from tests.fakes.videos import FakeLook, FakeTranscriber, frames, subtitle
from tests.fakes.videos import sound as heard


async def test_clean_content_is_allowed_whole():
    """Law: content in which every field was looked at and nothing found is allowed and complete."""
    judged = await ContentHouse().judged(text="the day is fine", age=30, avatar=image("grey"))
    assert judged.verdict.action is Action.ALLOW
    assert judged.verdict.coverage.status is CoverageStatus.COMPLETE
    assert [entry.leaf.path for entry in judged.fields] == ["avatar", "text"]
    assert not judged.findings


async def test_each_finding_names_its_field():
    """Law: fields are judged by themselves, and the strictest decides of the whole."""
    judged = await ContentHouse().judged(
        text="you fool", avatar=image("red"), tags=("fine", "darn it"), site=Url("http://badlink")
    )
    assert [(path, entry.finding.category_id) for path, entry in judged.findings] == [
        ("avatar", "A1"),
        ("site", "S2"),
        ("text", "H2"),
        ("tags[1]", "L1"),
    ]
    assert judged.verdict.action is Action.BLOCK
    assert judged.facts.findings == {"A1", "S2", "H2", "L1"}
    words = next(entry for entry in judged.outcomes if entry.card.name == "words")
    assert words.status is OutcomeStatus.RAN


async def test_one_revision_judges_all_of_it():
    """Law: a policy that is applied in the middle of a judgement has no part in it."""
    house = ContentHouse(store=RestlessPolicyStore)
    judged = await house.judged(text="you fool", tags=("fine", "darn it"), avatar=image("red"))
    revisions = {entry.piece.verdict.policy_revision for entry in judged.fields}
    assert revisions == {judged.verdict.policy_revision} == {"shop@1"}


async def test_what_the_type_exempts_is_not_judged():
    """Law: an exempt field is content for rules and nothing to judge; untyped content is whole."""
    house = ContentHouse()
    assert (await house.judged(text="fine", note="you fool")).verdict.action is Action.ALLOW
    untyped = replace(submission(text="fine", note="you fool"), content_type="")
    assert (await house.judged(untyped)).verdict.action is Action.REVIEW


async def test_a_link_is_judged_and_is_no_language():
    """Law: an address is read for what it leads to; its letters are no prose."""
    judged = await ContentHouse().judged(text="the day is fine", site=Url("http://fool.example"))
    assert judged.facts.scores == {"toxicity": 0.0}
    assert judged.facts.language == "en"
    assert judged.verdict.action is Action.REVIEW


async def test_videos_are_judged_by_what_is_seen_and_said():
    """Law: a video's findings count like any other's, and rules see its frames and words."""
    look = FakeLook({1.0: {"A1": 0.95}})
    house = ContentHouse(events=[*frames(0.0, 1.0), subtitle(0.0, 1.0, "kill")], look=look)
    judged = await house.judged(text="fine", clip=video())
    assert [(path, entry.finding.category_id) for path, entry in judged.findings] == [
        ("clip", "A1"),
        ("clip", "H1"),
    ]
    assert judged.verdict.action is Action.BLOCK
    assert judged.facts.ocr_text == "kill"


async def test_sound_that_nobody_hears_costs_coverage():
    """Law: a sound that was not judged is not clean."""
    judged = await ContentHouse().judged(text="fine", voice=sound())
    assert judged.verdict.coverage.status is CoverageStatus.PARTIAL
    assert judged.verdict.action is Action.REVIEW
    assert judged.verdict.by_incompleteness


async def test_sound_is_judged_by_what_is_said():
    """Law: where somebody writes down what is said, a sound counts by its words, and is checked."""
    said = [heard(0.0, 2.0, "kill")]
    judged = await ContentHouse(events=said, transcriber=FakeTranscriber()).judged(
        text="fine", voice=sound()
    )
    assert [(path, entry.finding.category_id) for path, entry in judged.findings] == [
        ("voice", "H1")
    ]
    assert judged.verdict.coverage.status is CoverageStatus.COMPLETE
    assert judged.facts.ocr_text == "kill"


async def test_a_file_that_cannot_be_had_costs_coverage_and_not_the_call():
    """Law: one broken file fails alone, and its content is not called clean."""
    strict = with_rules()
    categories = {**strict.categories, "A1": replace(strict.categories["A1"], required=True)}
    house = ContentHouse(replace(strict, categories=categories))
    judged = await house.judged(text="you fool", avatar=image("broken"))
    avatar = judged.fields[0].piece
    assert avatar.judgement is None
    assert isinstance(avatar.failure, InvalidRequest)
    assert avatar.failure.reason is ErrorReason.MEDIA_CORRUPT
    assert judged.verdict.coverage.status is CoverageStatus.PARTIAL
    assert [path for path, _ in judged.findings] == ["text"]
    assert judged.facts.ocr_text is None


async def test_a_defect_costs_one_field(caplog):
    """Law: a classifier that breaks on one text leaves the others judged, and quotes nothing."""
    judged = await ContentHouse().judged(text="defect", tags=("you fool",))
    assert [path for path, _ in judged.findings] == ["tags[0]"]
    assert judged.verdict.coverage.status is CoverageStatus.PARTIAL
    assert "quotes the content" not in caplog.text


async def test_without_a_place_the_whole_is_sent_again():
    """Law: overload is the call's, so that it is repeated, and never one field's."""
    with pytest.raises(ResourceExhausted):
        await ContentHouse().judged(text="fine", avatar=image("full"))


async def test_nothing_judged_in_time_is_no_judgement():
    """Law: content of which nothing was judged before the deadline is not judged at all."""
    with pytest.raises(DeadlineExceeded):
        await ContentHouse().judged(text="fine", avatar=image("grey"), seconds=0)


@pytest.mark.parametrize("fields", [{"text": ""}, {"text": "", "age": 4}])
async def test_nothing_to_judge_is_complete(fields):
    """Law: content without words and files needs no look, and is allowed."""
    judged = await ContentHouse().judged(**fields)
    assert judged.verdict.action is Action.ALLOW
    untyped = ContentSubmission("c", {"age": 4, "loud": True})
    assert (await ContentHouse().judged(untyped)).verdict.action is Action.ALLOW


async def test_every_field_that_does_not_fit_is_named():
    """Law: content that does not fit its type is refused with all that is wrong, unjudged."""
    house = ContentHouse()
    with pytest.raises(InvalidRequest) as refused:
        await house.judged(age="old", avatar=3, colour="red")
    assert refused.value.reason is ErrorReason.CONTENT_TYPE_MISMATCH
    assert {(entry.field, entry.rule) for entry in refused.value.violations} == {
        ("fields.text", "MISSING"),
        ("fields.age", "MISTYPED"),
        ("fields.avatar", "MISTYPED"),
        ("fields.colour", "UNKNOWN"),
    }
    with pytest.raises(InvalidRequest) as refused:
        await house.judged(replace(submission(text="a"), content_type="Poem"))
    assert refused.value.reason is ErrorReason.UNKNOWN_CONTENT_TYPE
    assert house.parts.telemetry.verdicts == []


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"text": "ü" * 501}, "fields.text", ErrorReason.TEXT_TOO_LARGE),
        ({"text": "a\ud800"}, "fields.text", ErrorReason.INVALID_ARGUMENT),
        ({"text": "a", "tags": ("b", "c" * 1001)}, "fields.tags[1]", ErrorReason.TEXT_TOO_LARGE),
        ({"text": "a", "tags": ("b",) * MOST_TEXTS}, "fields", ErrorReason.INVALID_ARGUMENT),
    ],
)
async def test_too_much_is_refused_before_anything_is_judged(fields, field, reason):
    """Law: what can be told of content as it stands is refused at once, and names its field."""
    house = ContentHouse()
    with pytest.raises(InvalidRequest) as refused:
        await house.judge_content.fit(submission(**fields), project="shop")
    assert refused.value.reason is reason
    assert [entry.field for entry in refused.value.violations] == [field]


async def test_more_files_than_the_limit_are_refused():
    """Law: so many files are judged together and no more."""
    files = ContentSubmission("c", {f"f{n}": image("grey") for n in range(MOST_FILES + 1)})
    with pytest.raises(InvalidRequest, match="33 files"):
        await ContentHouse().judged(files)


async def test_blocked_terms_and_overrides_are_the_contents_own():
    """Law: what a call blocks or changes holds for all of its fields."""
    house = ContentHouse()
    silenced = PolicyOverrides({"H2": CategoryChange(enabled=False)})
    asked = replace(submission(text="you fool"), overrides=silenced)
    assert (await house.judged(asked)).verdict.action is Action.ALLOW
    asked = replace(
        submission(text="fine", tags=("parsnip",)),
        blocked_terms=("parsnip",),
        overrides=PolicyOverrides({"L2": CategoryChange(block=0.5)}),
    )
    judged = await house.judged(asked)
    assert judged.verdict.action is Action.BLOCK
    assert judged.findings[0].path == "tags[0]"


async def test_rules_see_all_fields_and_raise_the_verdict():
    """Law: rules run once on the whole content, and each action is set off once."""
    policy = with_rules(
        rule("toxic", BAN, FLAG, verdict=Action.BLOCK),
        rule("young", BAN),
        rule("red", FLAG, shadow=True),
        rule("never", FLAG),
    )
    judged = await ContentHouse(policy).judged(text="you fool", age=12, avatar=image("red"))
    assert [(entry.rule.id, entry.status) for entry in judged.rules] == [
        ("toxic", RuleStatus.MATCHED),
        ("young", RuleStatus.MATCHED),
        ("red", RuleStatus.MATCHED),
        ("never", RuleStatus.NOT_MATCHED),
    ]
    assert judged.actions == (BAN, FLAG)
    assert judged.verdict.action is Action.BLOCK
    assert judged.facts.verdict == "block"


async def test_a_settled_field_is_looked_at_to_the_end():
    """Law: rules and later trials see all scores, also where one finding decided already."""
    judged = await ContentHouse().judged(text="you fool", avatar=image("red"))
    assert judged.verdict.action is Action.BLOCK
    assert judged.facts.categories["H2"] == 0.8
    assert judged.facts.categories["A1"] == 1.0
    assert judged.facts.ocr_text == ""
    assert "V2" not in judged.facts.categories


async def test_rules_run_on_the_whole_alone():
    """Law: no rule is run on a single field, however many are judged."""
    house = ContentHouse(with_rules(rule("always")))
    await house.judged(text="a", tags=("b", "c"), avatar=image("grey"))
    assert len(house.parts.telemetry.rules) == 1


async def test_a_rule_that_fails_is_no_rule_that_did_not_match():
    """Law: a condition that could not be worked out sends the content to people."""
    judged = await ContentHouse(with_rules(rule("broken", BAN, verdict=Action.BLOCK))).judged(
        text="fine"
    )
    assert judged.rules[0].status is RuleStatus.FAILED
    assert judged.verdict.action is Action.REVIEW
    assert judged.actions == ()


async def test_long_texts_ask_for_room():
    """Law: whoever bounds long texts is told of every text before it is judged."""
    house = ContentHouse()
    await house.judged(text="four", tags=("seventeen letters",))
    assert sorted(house.places) == [4, 17]
