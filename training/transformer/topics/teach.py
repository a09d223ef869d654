"""Teaches the head, calibrates it on lines it has not seen, and measures it beside its teacher."""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from training.transformer.topics.head import SubjectHead
from training.transformer.topics.judging import Judge
from training.transformer.topics.learn import UNKNOWN, Rows, learn, logits
from training.transformer.topics.lines import FOLDS, MOODS
from training.transformer.topics.material import Material
from training.transformer.topics.measuring import Mask, Numbers
from training.transformer.topics.teacher import log_odds, nearness, opinions


def teach(material: Material, seed: int) -> tuple[SubjectHead, dict[str, Any]]:
    """Return the head and its facts: names, calibration, thresholds and measures.

    Calibration and thresholds rest on scores of own lines by heads that have not seen them, one of
    ``FOLDS`` parts at a time. On held-out lines everything is measured, and nothing else.
    """
    learnt = ~material.held_out
    topics, moods = np.zeros(material.topics.shape), np.zeros((len(learnt), len(MOODS)))
    for fold in range(FOLDS):
        judged = learnt & (material.folds == fold)
        head = learn_from(material, learnt & ~judged, seed)
        topics[judged], moods[judged] = logits(head, material.line_features[judged])
    head = learn_from(material, learnt, seed)
    topics[~learnt], moods[~learnt] = logits(head, material.line_features[~learnt])
    judge, measures = judged_on_own_lines(material, topics, moods)
    return head, {
        **judge.facts(),
        "rows": {
            "public": len(material.public),
            "own": int(learnt.sum()),
            "held_out": int((~learnt).sum()),
        },
        "measures": {
            "head": measures,
            "teacher": judged_on_own_lines(material, *taught_alone(material))[1],
            "descriptions": judged_on_own_lines(material, *described_alone(material))[1],
        },
    }


def learn_from(material: Material, shown: Mask, seed: int) -> SubjectHead:
    """Return a head that has seen these own lines, as has the teacher whose opinions it learns."""
    near = Rows(material.line_features[shown], material.topics[shown], material.moods[shown])
    soft = opinions(
        material.public_embeddings,
        material.line_embeddings[shown],
        near.topics,
        material.described,
    )
    hints = [UNKNOWN if one.hint is None else MOODS.index(one.hint) for one in material.public]
    far = Rows(material.public_features, soft.astype(np.float32), np.array(hints, np.int64))
    return learn(far, near, seed)


def judged_on_own_lines(
    material: Material, topics: Numbers, moods: Numbers
) -> tuple[Judge, dict[str, Any]]:
    """Return what fits the logits of lines that are learnt from, and measures of the others'."""
    named, told, held_out = material.topics > 0, material.moods, material.held_out
    judge = Judge.fit(
        material.subjects.names,
        (topics[~held_out], named[~held_out]),
        (moods[~held_out], told[~held_out]),
    )
    return judge, judge.measure(
        (topics[held_out], named[held_out]), (moods[held_out], told[held_out])
    )


def described_alone(material: Material) -> tuple[Numbers, Numbers]:
    """Return how near own lines are to the descriptions: the unmodified encoder by itself."""
    return (
        nearness(material.line_embeddings, material.described),
        nearness(material.line_embeddings, material.described_moods),
    )


def taught_alone(material: Material) -> tuple[Numbers, Numbers]:
    """Return logits of own lines by the unmodified encoder that has learnt from own lines.

    As for the head, a line's logits come from what has not seen it.
    """
    held_out, embeddings = material.held_out, material.line_embeddings
    topics, moods = np.zeros(material.topics.shape), np.zeros((len(held_out), len(MOODS)))
    for fold in range(-1, FOLDS):
        judged = held_out if fold < 0 else ~held_out & (material.folds == fold)
        shown = ~held_out & ~judged
        topics[judged] = log_odds(
            opinions(
                embeddings[judged], embeddings[shown], material.topics[shown], material.described
            )
        )
        regression = LogisticRegression(C=10.0, max_iter=2_000)
        regression.fit(embeddings[shown], material.moods[shown])
        moods[judged] = regression.predict_log_proba(embeddings[judged])
    return topics, moods
