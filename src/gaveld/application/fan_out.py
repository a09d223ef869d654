"""Asks many classifiers about one sample at once, under one deadline, and loses no outcome."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gaveld.application.ports import Classifier
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    ClassifierReport,
    OutcomeStatus,
    Signals,
)

SampleT = TypeVar("SampleT")
OnFailure = Callable[[ClassifierCard, Exception], None]
_Answer = tuple[ClassifierOutcome, ClassifierReport]

_NOTHING = ClassifierReport()


async def fan_out(
    classifiers: Sequence[Classifier[SampleT]],
    sample: SampleT,
    deadline_seconds: float,
    on_failure: OnFailure,
) -> Signals:
    """Return what the classifiers found within ``deadline_seconds`` from now.

    One that is late is cancelled and listed as timed out; one that raises is listed as failed
    and its exception goes to ``on_failure``. If the caller is cancelled, so are they all.
    Outcomes and findings come in the order of ``classifiers``, whichever finished first.
    """
    started = time.monotonic()
    tasks = [asyncio.create_task(_ask(entry, sample, on_failure)) for entry in classifiers]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, deadline_seconds))
    finally:
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    answers = [
        _too_late(entry.card, time.monotonic() - started) if task.cancelled() else task.result()
        for entry, task in zip(classifiers, tasks, strict=True)
    ]
    return Signals(
        findings=tuple(found for _, report in answers for found in report.findings),
        outcomes=tuple(outcome for outcome, _ in answers),
        attributes=_strongest(report for _, report in answers),
    )


async def _ask(
    classifier: Classifier[SampleT], sample: SampleT, on_failure: OnFailure
) -> _Answer:
    started = time.monotonic()
    try:
        report = await classifier.classify(sample)
    except Exception as failure:
        on_failure(classifier.card, failure)
        outcome = ClassifierOutcome(
            classifier.card,
            OutcomeStatus.FAILED,
            time.monotonic() - started,
            "The classifier failed; the server's log has the cause.",
        )
        return outcome, _NOTHING
    seconds = time.monotonic() - started
    return ClassifierOutcome(classifier.card, OutcomeStatus.RAN, seconds), report


def _too_late(card: ClassifierCard, seconds: float) -> _Answer:
    reason = f"The classifier had not answered after {seconds:.3f} s."
    return ClassifierOutcome(card, OutcomeStatus.TIMED_OUT, seconds, reason), _NOTHING


def _strongest(reports: Iterable[ClassifierReport]) -> dict[Attribute, float]:
    scores: dict[Attribute, float] = {}
    for report in reports:
        for attribute, score in report.attributes.items():
            scores[attribute] = max(score, scores.get(attribute, 0.0))
    return scores
