"""ContentMod's words for a judgement: each from what was found, none made up."""

import pytest
from gavel.v1 import moderation_service_pb2 as api
from gavel.v1 import verdict_pb2 as v

from gaveld.domain.categories import CATALOGUE
from gaveld.transport.rest.dialects.contentmod_judgement import KINDS, RATINGS, Judged
from gaveld.transport.rest.dialects.scales import percent

ALLOW, REVIEW, BLOCK = v.ACTION_ALLOW, v.ACTION_REVIEW, v.ACTION_BLOCK
COMPLETE, PARTIAL = v.COVERAGE_STATUS_COMPLETE, v.COVERAGE_STATUS_PARTIAL


def answer(
    *found: tuple[str, float, int],
    scores: dict[str, float] | None = None,
    status: int = COMPLETE,
    action: int = ALLOW,
    **more: object,
) -> api.ModerateTextResponse:
    findings = [v.Finding(category_id=c, score=s, action=a) for c, s, a in found]
    verdict = v.Verdict(action=action, coverage=v.Coverage(status=status))
    return api.ModerateTextResponse(
        verdict=verdict, findings=findings, category_scores=scores or {"H1": 0.0}, **more
    )


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.0, 0), (0.004, 0), (0.006, 1), (0.9, 90), (0.999, 100), (1.0, 100)],
)
def test_a_probability_is_shown_out_of_a_hundred(probability: float, shown: int):
    """Law: 0 to 1 becomes a whole number of 0 to 100, the nearest."""
    assert percent(probability) == shown


def test_risks_are_the_classifiers_own():
    """Law: traits are shown as scored; the overall risk is the highest score of any category."""
    traits = v.AttributeScores(toxicity=0.31, spam=0.12)
    judged = Judged(answer(scores={"H1": 0.2, "S1": 0.7, "P1": 0.4}, attribute_scores=traits))
    assert judged.risks == {"overall": 70, "spam": 12, "toxicity": 31}


def test_without_traits_categories_speak():
    """Law: what is no classifier's trait is taken from its categories, if they were checked."""
    judged = Judged(answer(scores={"S1": 0.25, "H2": 0.5, "L1": 0.75, "A1": 0.125}))
    assert judged.risks == {"overall": 75, "spam": 25, "toxicity": 75}


def test_what_was_not_checked_has_no_risk():
    """Law: a risk that nothing looked for is null, and not 0."""
    judged = Judged(answer(scores={"A1": 0.0}))
    assert judged.risks == {"overall": 0, "spam": None, "toxicity": None}
    nothing = api.ModerateTextResponse()
    assert Judged(nothing).risks == {"overall": None, "spam": None, "toxicity": None}
    assert Judged(nothing).confidence == 1
    assert Judged(nothing).is_profane is None


def test_half_a_look_is_no_low_risk():
    """Law: where a required check is missing and nothing was found, the overall risk is null."""
    assert Judged(answer(scores={"H1": 0.1}, status=PARTIAL)).risks["overall"] is None
    found = Judged(answer(("L1", 0.9, REVIEW), status=PARTIAL))
    assert found.risks["overall"] == 90


def test_a_finding_of_a_category_that_was_not_wholly_checked_counts():
    """Law: findings and reasons count as risks even where the category's own score is missing."""
    found = answer(("V1", 0.5, REVIEW), action=REVIEW)
    found.verdict.reasons.add(category_id="V3", score=0.8, action=BLOCK)
    judged = Judged(found)
    assert judged.risks["overall"] == 80
    assert [kind["category"] for kind in judged.kinds] == ["extremism", "violence"]


@pytest.mark.parametrize(
    ("highest", "status", "confidence"),
    [(0.0, COMPLETE, 100), (0.3, COMPLETE, 70), (1.0, COMPLETE, 1), (0.0, PARTIAL, 1)],
)
def test_confidence_is_what_risk_leaves(highest: float, status: int, confidence: int):
    """Law: 100 less the risk, 1 at least; 1 too where a required check is missing."""
    assert Judged(answer(scores={"H1": highest}, status=status)).confidence == confidence


@pytest.mark.parametrize("action", [REVIEW, BLOCK])
@pytest.mark.parametrize("category_id", CATALOGUE)
def test_every_category_has_a_rating(category_id: str, action: int):
    """Law: the rating is the table's; what has nothing to do with age leaves it at G."""
    found = Judged(answer((category_id, 0.9, action), action=action))
    kind = KINDS.get(category_id)
    if kind is None:
        assert found.rating == "G"
        assert found.kinds == []
    else:
        assert found.rating == (kind.at_block if action == BLOCK else kind.at_review)
        assert RATINGS.index(kind.at_block) >= RATINGS.index(kind.at_review) > 0
        assert found.kinds == [{"category": kind.name, "severity": 90}]


def test_the_strictest_rating_counts():
    """Law: a film is rated by the worst that it shows."""
    found = (("L1", 0.9, REVIEW), ("V2", 0.7, BLOCK), ("H3", 0.6, REVIEW))
    judged = Judged(answer(*found, action=BLOCK))
    assert judged.rating == "NC-17"
    assert [kind["category"] for kind in judged.kinds] == ["profanity", "gore", "threats"]


def test_what_is_allowed_is_no_category():
    """Law: a finding that the policy allows is neither listed nor rated."""
    judged = Judged(answer(("L1", 0.4, ALLOW)))
    assert (judged.kinds, judged.rating, judged.is_profane) == ([], "G", False)


def test_unchecked_is_not_rated_for_everybody():
    """Law: where a required check is missing there is no G; what was found is still rated."""
    assert Judged(answer(status=PARTIAL)).rating is None
    assert Judged(answer(("S1", 0.9, REVIEW), status=PARTIAL)).rating is None
    assert Judged(answer(("L1", 0.9, REVIEW), status=PARTIAL)).rating == "PG"


def test_what_nothing_looked_at_is_not_rated_for_everybody():
    """Law: a policy that requires nothing makes no G of a file that could not be read."""
    unread = api.ModerateTextResponse(verdict=v.Verdict(coverage=v.Coverage(status=COMPLETE)))
    assert (Judged(unread).rating, Judged(unread).confidence) == (None, 1)


@pytest.mark.parametrize(
    ("action", "is_safe", "suggested"),
    [
        (ALLOW, True, {"reject": False, "review": False}),
        (REVIEW, False, {"reject": False, "review": True}),
        (BLOCK, False, {"reject": True, "review": False}),
    ],
)
def test_the_verdict_is_the_suggestion(action: int, is_safe: bool, suggested: dict[str, bool]):
    """Law: only what the policy allows is safe; review and block are one suggestion each."""
    shown = Judged(answer(action=action)).shared()
    assert (shown["isSafe"], shown["suggestedActions"]) == (is_safe, suggested)


def test_the_summary_counts_every_flag():
    """Law: flags that the answer had no room for count, and an unknown language is ``und``."""
    found = answer(("L1", 0.9, REVIEW), ("S1", 0.9, REVIEW), omitted_finding_count=3)
    assert Judged(found).summary() == {"totalFlags": 5, "contentRating": "PG", "language": "und"}
    found.language.code = "de"
    assert Judged(found).summary()["language"] == "de"
