"""Asks many classifiers about one sample at once, under one deadline, and loses no outcome."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from gaveld.application.ports import Classifier
from gaveld.domain.content import TextSample
from gaveld.domain.signals import (
    MAX_TOPICS,
    Attribute,
    ClassifierCard,
    ClassifierOutcome,
    ClassifierReport,
    OutcomeStatus,
    Signals,
    Topic,
)

SampleT = TypeVar("SampleT")
ResultT = TypeVar("ResultT")
OnFailure = Callable[[ClassifierCard, Exception], None]
Answer = tuple[ClassifierOutcome, ClassifierReport | None]
"""What became of a classifier, and what it says, None if it says nothing."""


async def fan_out(
    classifiers: Sequence[Classifier[SampleT]],
    sample: SampleT,
    deadline_seconds: float,
    on_failure: OnFailure,
) -> Signals:
    """Return what the classifiers found within ``deadline_seconds`` from now, put together.

    Findings come in the order of ``classifiers``, topics likeliest first; the sentiment is that of
    the first classifier that tells one. See ``ask`` for the rest.
    """
    answers = await ask(classifiers, sample, deadline_seconds, on_failure)
    reports = [report for _, report in answers if report is not None]
    return Signals(
        findings=tuple(found for report in reports for found in report.findings),
        outcomes=tuple(outcome for outcome, _ in answers),
        attributes=_strongest(reports),
        topics=_likeliest_topics(reports),
        sentiment=next((report.sentiment for report in reports if report.sentiment), None),
    )


async def ask(
    classifiers: Sequence[Classifier[SampleT]],
    sample: SampleT,
    deadline_seconds: float,
    on_failure: OnFailure,
) -> list[Answer]:
    """Return each classifier's answer, in their order, within ``deadline_seconds`` from now.

    One that is late is cancelled and listed as timed out; one that raises is listed as failed
    and its exception goes to ``on_failure``; what one that left some of the sample unread
    found counts, and is no check. If the caller is cancelled, so are they all.
    """
    started = time.monotonic()
    tasks = [
        asyncio.create_task(attempt(entry.card, partial(entry.classify, sample), on_failure))
        for entry in classifiers
    ]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, deadline_seconds))
    finally:
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    return [
        _too_late(entry.card, time.monotonic() - started)
        if task.cancelled()
        else _admitting_gaps(*task.result())
        for entry, task in zip(classifiers, tasks, strict=True)
    ]


async def ask_of_text(
    classifiers: Sequence[Classifier[TextSample]],
    sample: TextSample,
    deadline_seconds: float,
    on_failure: OnFailure,
) -> Signals:
    """Return what those of some classifiers found in a text that can do something with it.

    One that does not read the sample's language is listed as skipped; or, where it runs on any,
    as one that ran and checked nothing. See ``fan_out`` for the rest.
    """
    language = sample.language
    asked = [
        entry
        for entry in classifiers
        if entry.card.reads(language) or entry.card.runs_on_any_language
    ]
    signals = await fan_out(asked, sample, deadline_seconds, on_failure)
    unread = f"It does not read {language.code}."
    ran = tuple(
        outcome
        if outcome.card.reads(language)
        else replace(outcome, is_check=False, reason=outcome.reason or unread)
        for outcome in signals.outcomes
    )
    skipped = tuple(
        ClassifierOutcome(entry.card, OutcomeStatus.SKIPPED, reason=unread)
        for entry in classifiers
        if entry not in asked
    )
    return replace(signals, outcomes=(*ran, *skipped))


def not_installed(absent: Iterable[ClassifierCard]) -> tuple[ClassifierOutcome, ...]:
    """Return the outcomes of classifiers that this server knows of and does not have."""
    return tuple(
        ClassifierOutcome(card, OutcomeStatus.NOT_INSTALLED, reason=_why_absent(card))
        for card in absent
    )


def _why_absent(card: ClassifierCard) -> str:
    return card.limits if card.is_blind_spot else "It is not installed."


async def attempt(
    card: ClassifierCard, work: Callable[[], Awaitable[ResultT]], on_failure: OnFailure
) -> tuple[ClassifierOutcome, ResultT | None]:
    """Await one classifier's work; whatever it raises becomes a failed outcome and no result."""
    started = time.monotonic()
    try:
        result = await work()
    except Exception as failure:
        on_failure(card, failure)
        reason = "It failed; the server's log has the cause."
        seconds = time.monotonic() - started
        return ClassifierOutcome(card, OutcomeStatus.FAILED, seconds, reason), None
    return ClassifierOutcome(card, OutcomeStatus.RAN, time.monotonic() - started), result


def _admitting_gaps(outcome: ClassifierOutcome, report: ClassifierReport | None) -> Answer:
    if report is not None and report.looked_for is not None:
        outcome = replace(outcome, card=replace(outcome.card, categories=report.looked_for))
    if report is None or not report.unread:
        return outcome, report
    return replace(outcome, is_check=False, reason=report.unread), report


def _too_late(card: ClassifierCard, seconds: float) -> Answer:
    reason = f"It had not answered after {seconds:.3f} s."
    return ClassifierOutcome(card, OutcomeStatus.TIMED_OUT, seconds, reason), None


def _strongest(reports: Iterable[ClassifierReport]) -> dict[Attribute, float]:
    scores: dict[Attribute, float] = {}
    for report in reports:
        for attribute, score in report.attributes.items():
            scores[attribute] = max(score, scores.get(attribute, 0.0))
    return scores


def _likeliest_topics(reports: Iterable[ClassifierReport]) -> tuple[Topic, ...]:
    found: dict[str, Topic] = {}
    for report in reports:
        for topic in report.topics:
            found[topic.name] = max(topic, found.get(topic.name, topic), key=_score)
    return tuple(sorted(found.values(), key=_score, reverse=True)[:MAX_TOPICS])


def _score(topic: Topic) -> float:
    return topic.score
