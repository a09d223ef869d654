"""What a check of mixed media calls a hit: a score that reaches a threshold of the project's.

A verdict is the policy's and made elsewhere; a hit is neither more nor less than what it says.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from gaveld.domain.actions import Action
from gaveld.domain.image_signals import ImageClass, ImageScores, explicit
from gaveld.domain.policies import CheckThresholds
from gaveld.domain.signals import Attribute, OutcomeStatus
from gaveld.domain.verdicts import Verdict


class CheckStatus(StrEnum):
    """Whether one part of a check was done."""

    OK = "ok"
    ERROR = "error"
    NOT_CHECKED = "not_checked"


class CheckPart(NamedTuple):
    """One part of a check: whether it was done, and whether something was found."""

    status: CheckStatus
    hit: bool


NOTHING_TO_CHECK: Final = CheckPart(CheckStatus.NOT_CHECKED, hit=False)

_BROKEN: Final = (OutcomeStatus.FAILED, OutcomeStatus.TIMED_OUT)


class PictureClass(NamedTuple):
    """What a picture is likeliest to be: ``porn``, ``sexual`` or ``neutral``, and how likely."""

    name: str
    probability: float


def part_of(verdict: Verdict, category_ids: Collection[str]) -> CheckPart:
    """Return the part of a check that some categories stand for.

    It is a hit where the policy asks for more than to allow because of one of them; it is done
    where all were checked.
    """
    hit = any(
        entry.action is not Action.ALLOW
        for entry in verdict.findings
        if entry.finding.category_id in category_ids
    )
    missing = {
        entry.status for entry in verdict.coverage.unchecked if entry.category_id in category_ids
    }
    if not missing:
        return CheckPart(CheckStatus.OK, hit)
    if missing & set(_BROKEN):
        return CheckPart(CheckStatus.ERROR, hit)
    return CheckPart(CheckStatus.NOT_CHECKED, hit)


def text_hits(attributes: Mapping[Attribute, float], thresholds: CheckThresholds) -> bool:
    """Whether one of a text's traits reaches its threshold."""
    return any(score >= thresholds.of_text(name.value) for name, score in attributes.items())


def picture_class(scores: ImageScores) -> PictureClass:
    """Return the likeliest of three classes; drawings count with what they show."""
    harmless = scores.get(ImageClass.NEUTRAL, 0.0) + scores.get(ImageClass.DRAWING, 0.0)
    classes = (
        PictureClass("porn", explicit(scores)),
        PictureClass("sexual", scores.get(ImageClass.SEXUAL, 0.0)),
        PictureClass("neutral", min(1.0, harmless)),
    )
    return max(classes, key=lambda entry: entry.probability)


def picture_hits(scores: ImageScores, thresholds: CheckThresholds) -> bool:
    """Whether a picture's scores reach a threshold; drawn pornography is pornography."""
    return (
        explicit(scores) >= thresholds.porn
        or scores.get(ImageClass.SEXUAL, 0.0) >= thresholds.sexual
    )
