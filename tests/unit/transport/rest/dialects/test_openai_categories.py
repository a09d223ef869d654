"""How Gavel's scores become OpenAI's thirteen: the worst of each kind of input, and no more."""

import pytest
from gavel.v1.moderation_service_pb2 import ModerateImageResponse, ModerateTextResponse
from gavel.v1.verdict_pb2 import Action, Finding, Verdict, VerdictReason

from gaveld.domain.categories import CATALOGUE
from gaveld.transport.rest.dialects.openai_categories import MEANINGS, Result

REVIEW, BLOCK = Action.ACTION_REVIEW, Action.ACTION_BLOCK


def shown(*judgements) -> dict:
    """The result of several judgements."""
    result = Result()
    for judgement in judgements:
        result.add(judgement)
    return result.to_json()


def text(**scores: float) -> ModerateTextResponse:
    return ModerateTextResponse(category_scores=scores)


def test_every_meaning_is_of_the_catalogue():
    """Law: the thirteen names are OpenAI's, and what they stand for is Gavel's."""
    assert len(MEANINGS) == 13
    used = {name for meaning in MEANINGS.values() for name in meaning.category_ids}
    assert used <= set(CATALOGUE)


def test_the_worst_category_and_the_worst_input_count():
    """Law: a score is the highest of its categories over all inputs."""
    image = ModerateImageResponse(category_scores={"A1": 0.3, "A2": 0.6, "V1": 0.0})
    answer = shown(text(A1=0.5, C4=0.4), image, text(A1=0.2))
    assert answer["category_scores"]["sexual"] == 0.6
    assert answer["category_scores"]["illicit"] == 0.4
    assert answer["category_applied_input_types"]["sexual"] == ["text", "image"]
    assert answer["category_applied_input_types"]["violence"] == ["image"]
    assert answer["category_applied_input_types"]["illicit"] == ["text"]


def test_hate_with_threat_needs_both_in_one_kind_of_input():
    """Law: the joint score is the lower of the two, and there is none where one wasn't sought."""
    assert shown(text(H1=0.9, H3=0.2))["category_scores"]["hate/threatening"] == 0.2
    apart = shown(text(H1=0.9), ModerateImageResponse(category_scores={"H3": 0.8}))
    assert apart["category_scores"]["hate/threatening"] == 0.0
    assert "hate/threatening" in apart["gavel_not_covered"]


def test_checked_and_nothing_found_is_covered():
    """Law: a zero that was measured is told from one that wasn't."""
    answer = shown(text(H2=0.0))
    assert answer["category_scores"]["harassment"] == answer["category_scores"]["hate"] == 0.0
    assert "harassment" not in answer["gavel_not_covered"]
    assert "hate" in answer["gavel_not_covered"]


@pytest.mark.parametrize("action", [REVIEW, BLOCK])
def test_what_the_policy_does_not_allow_is_true(action):
    """Law: a finding flags its category, also where the category wasn't checked in full."""
    finding = Finding(category_id="H1", score=0.7, action=action)
    answer = shown(ModerateTextResponse(findings=[finding], verdict=Verdict(action=action)))
    assert answer["flagged"]
    assert answer["categories"]["hate"]
    assert answer["category_scores"]["hate"] == 0.7
    assert answer["gavel_action"] == {REVIEW: "review", BLOCK: "block"}[action]


def test_a_finding_that_asks_for_nothing_flags_nothing():
    """Law: a score below the policy's thresholds is shown, and false."""
    finding = Finding(category_id="H1", score=0.7, action=Action.ACTION_ALLOW)
    answer = shown(ModerateTextResponse(findings=[finding]))
    assert not answer["flagged"]
    assert answer["category_scores"]["hate"] == 0.7


def test_a_cause_whose_finding_was_left_out_counts():
    """Law: of a text with more findings than an answer holds, no category is lost."""
    reason = VerdictReason(category_id="H2", score=0.9, action=REVIEW)
    answer = shown(ModerateTextResponse(verdict=Verdict(action=REVIEW, reasons=[reason])))
    assert answer["categories"]["harassment"]
    assert answer["category_scores"]["harassment"] == 0.9


def test_categories_without_a_name_there_flag_nothing():
    """Law: spam and profanity are none of OpenAI's categories, but Gavel's action knows of them."""
    finding = Finding(category_id="S1", score=0.9, action=BLOCK)
    answer = shown(ModerateTextResponse(findings=[finding], verdict=Verdict(action=BLOCK)))
    assert not answer["flagged"]
    assert answer["gavel_action"] == "block"
