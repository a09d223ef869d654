"""Has a server judge many texts, as any caller would, and keeps of each answer what is measured.

It keeps scores and actions, never a text.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import grpc
import grpc.aio
from gavel.v1 import moderation_service_pb2, moderation_service_pb2_grpc, verdict_pb2

from gaveld.bootstrap.evaluation.labels import Label, Yardstick

BATCH_TEXTS: Final = 64
BATCH_BYTES: Final = 512 << 10
"""Well within the contract's 4 MiB, since an answer holds findings and the filtered text."""
WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt: hours of work don't end because a server was busy once."""
_PASSING: Final = frozenset(
    {
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Cause:
    """A category that asked for more than to allow, and the threshold that it reached, 0–1."""

    blocks: bool
    threshold: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a server said of one text.

    ``category_scores`` has the categories that were checked; ``attributes`` those that were
    scored. ``by_incompleteness`` is true when a check that did not run raised the action.
    """

    flagged: bool
    blocked: bool
    by_incompleteness: bool
    category_scores: Mapping[str, float]
    attributes: Mapping[str, float]
    causes: Mapping[str, Cause]

    def score(self, label: Label) -> float | None:
        """Return the score that a label is held against; None where the text was not checked.

        Several categories join as noisy-or: the chance that one at least is right, were they
        independent.
        """
        if label.yardstick is Yardstick.ATTRIBUTE:
            return self.attributes.get(label.names[0])
        wanted = label.names or tuple(self.category_scores)
        scores = [self.category_scores[name] for name in wanted if name in self.category_scores]
        if not scores:
            return None
        clear = 1.0
        for score in scores:
            clear *= 1 - score
        # One category's score stays what it is: 1 - (1 - x) need not be x.
        return scores[0] if len(scores) == 1 else min(1.0, 1 - clear)

    def acted(self, label: Label) -> bool:
        """Return whether the policy acted on what a label means. Not for attributes."""
        if label.yardstick is Yardstick.ANY:
            return self.flagged
        return any(name in self.causes for name in label.names)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text was not judged, as its call would have failed."""

    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Every text's judgement in order, and who judged: policy revisions and classifiers."""

    results: tuple[Judgement | Refusal, ...]
    policy_revisions: tuple[str, ...]
    classifiers: tuple[str, ...]


async def judge_texts(
    channel: grpc.aio.Channel,
    metadata: tuple[tuple[str, str], ...],
    texts: Sequence[str],
    advance: Callable[[int], None],
    waits: Sequence[float] = WAITS,
) -> Judged:
    """Judge the texts in batches; ``advance`` is told how many more are done.

    A text that the server refuses costs itself alone. A batch that a busy server turns away is
    sent again after each of ``waits``, in seconds. Raises ``grpc.aio.AioRpcError`` when a whole
    batch fails for good.
    """
    stub = moderation_service_pb2_grpc.ModerationServiceStub(channel)
    results: list[Judgement | Refusal] = []
    revisions: set[str] = set()
    classifiers: set[str] = set()
    for batch in batches(texts):
        request = moderation_service_pb2.BatchModerateTextRequest(
            requests=[moderation_service_pb2.ModerateTextRequest(text=text) for text in batch]
        )
        ask = partial(stub.BatchModerateText, request, metadata=metadata)
        answer = await _answered(ask, waits)
        for result in answer.results:
            if result.HasField("error"):
                results.append(Refusal(result.error.message))
                continue
            response = result.response
            results.append(judgement_from_proto(response))
            revisions.add(response.verdict.policy_revision)
            classifiers |= {f"{who.name} {who.version}" for who in response.classifier_outcomes}
        advance(len(batch))
    return Judged(tuple(results), tuple(sorted(revisions)), tuple(sorted(classifiers)))


async def _answered(call: Callable[[], Awaitable[_Answer]], waits: Sequence[float]) -> _Answer:
    for wait in waits:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in _PASSING:
                raise
        await asyncio.sleep(wait)
    return await call()


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut the texts into runs that are small in number and in bytes; a long text goes alone."""
    start, size = 0, 0
    for place, text in enumerate(texts):
        length = len(text.encode("utf-8", "surrogatepass"))
        if place > start and (place - start == BATCH_TEXTS or size + length > BATCH_BYTES):
            yield texts[start:place]
            start, size = place, 0
        size += length
    if start < len(texts):
        yield texts[start:]


def judgement_from_proto(response: moderation_service_pb2.ModerateTextResponse) -> Judgement:
    """Return what is measured of an answer."""
    verdict, traits = response.verdict, response.attribute_scores
    return Judgement(
        flagged=verdict.action != verdict_pb2.ACTION_ALLOW,
        blocked=verdict.action == verdict_pb2.ACTION_BLOCK,
        by_incompleteness=verdict.incomplete_action != verdict_pb2.ACTION_UNSPECIFIED,
        category_scores=dict(response.category_scores),
        attributes={field.name: value for field, value in traits.ListFields()},
        causes={
            reason.category_id: Cause(
                reason.action == verdict_pb2.ACTION_BLOCK, float(reason.threshold)
            )
            for reason in verdict.reasons
            if reason.category_id
        },
    )
