"""What is kept of a server's answer, and how texts are put into batches."""

import pytest
from gavel.v1 import moderation_service_pb2, verdict_pb2
from hypothesis import given
from hypothesis import strategies as st

from gaveld.bootstrap.evaluation.judging import (
    BATCH_BYTES,
    BATCH_TEXTS,
    batches,
    judgement_from_proto,
)
from gaveld.bootstrap.evaluation.labels import parse_label
from tests.unit.bootstrap.evaluation.made import judgement


@given(st.lists(st.text(max_size=20), max_size=200))
def test_batches_are_the_texts(texts: list[str]):
    """Law: every text once, in order, and never more in a batch than the limit."""
    cut = list(batches(texts))
    assert [text for batch in cut for text in batch] == texts
    assert all(0 < len(batch) <= BATCH_TEXTS for batch in cut)


def test_long_texts_go_alone():
    """A batch stays small in bytes; a text above that is a batch of its own."""
    half, over = "é" * (BATCH_BYTES // 4), "é" * BATCH_BYTES
    cut = [len(batch) for batch in batches([half, half, half, over, "short"])]
    assert cut == [2, 1, 1, 1]


def test_an_answer():
    """The verdict, what caused it, and every score are kept; a missing attribute stays missing."""
    kept = judgement_from_proto(
        moderation_service_pb2.ModerateTextResponse(
            verdict=verdict_pb2.Verdict(
                action=verdict_pb2.ACTION_BLOCK,
                reasons=[
                    verdict_pb2.VerdictReason(
                        action=verdict_pb2.ACTION_BLOCK, category_id="H3", score=0.9, threshold=0.75
                    ),
                    verdict_pb2.VerdictReason(action=verdict_pb2.ACTION_REVIEW, rule_id="r1"),
                ],
            ),
            attribute_scores=verdict_pb2.AttributeScores(toxicity=0.0, insult=0.4),
            category_scores={"H3": 0.9, "H1": 0.0},
        )
    )
    assert (kept.flagged, kept.blocked, kept.by_incompleteness) == (True, True, False)
    assert kept.attributes == {"toxicity": 0.0, "insult": 0.4}
    assert kept.category_scores == {"H3": 0.9, "H1": 0.0}
    assert {name: (c.blocks, c.threshold) for name, c in kept.causes.items()} == {
        "H3": (True, 0.75)
    }


def test_an_answer_that_was_raised_for_want_of_a_check():
    """What on_incomplete did is told from what was found."""
    kept = judgement_from_proto(
        moderation_service_pb2.ModerateTextResponse(
            verdict=verdict_pb2.Verdict(
                action=verdict_pb2.ACTION_REVIEW, incomplete_action=verdict_pb2.ACTION_REVIEW
            )
        )
    )
    assert (kept.flagged, kept.blocked, kept.by_incompleteness) == (True, False, True)


def test_the_score_of_one_category_is_its_own():
    """Law: a score is taken as it was given, to the last bit."""
    assert judgement({"H1": 0.1}).score(parse_label("hate")) == 0.1


def test_categories_join_as_noisy_or():
    """One at least is right: 1 - 0.5 · 0.8; one that was not checked takes no part."""
    label = parse_label("cruel=H1+H3+V2")
    assert judgement({"H1": 0.5, "H3": 0.2}).score(label) == pytest.approx(0.6)
    assert judgement({"H1": 0.5, "H3": 0.2, "S1": 1.0}).score(parse_label("any")) == 1


@pytest.mark.parametrize("option", ["hate", "tone=attribute:insult", "any"])
def test_what_was_not_checked_has_no_score(option: str):
    """Law: unchecked is not zero."""
    assert judgement().score(parse_label(option)) is None


def test_acting_is_the_policys():
    """A category acts when the verdict names it, any when the verdict is not allow."""
    found = judgement({"H1": 0.9}, review={"H2": 0.7})
    assert not found.acted(parse_label("hate"))
    assert found.acted(parse_label("cruel=H1+H2"))
    assert found.acted(parse_label("any"))
    assert not judgement({"H1": 0.9}).acted(parse_label("any"))
