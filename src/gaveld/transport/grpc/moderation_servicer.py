"""Answers ``gavel.v1.ModerationService``: converts, calls the use case, converts back."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import grpc
import structlog
from gavel.v1.moderation_service_pb2 import (
    BatchModerateTextRequest,
    BatchModerateTextResponse,
    BatchModerateTextResult,
    ModerateTextRequest,
    ModerateTextResponse,
)

from gaveld.application.failures import place_of
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import Telemetry
from gaveld.domain.errors import ErrorReason
from gaveld.transport.grpc.call import Call, Context, current_call
from gaveld.transport.grpc.converters.judgements import response_from_judgement
from gaveld.transport.grpc.converters.rules import said_of_text
from gaveld.transport.grpc.converters.submissions import (
    overrides_from_proto,
    submission_from_proto,
)
from gaveld.transport.grpc.errors import Refusal, is_unforeseen, refusal_of
from gaveld.transport.grpc.interceptors.validation import validate
from gaveld.transport.grpc.long_texts import LongTexts

BATCH_PARALLELISM: Final = 8
"""How many texts of one batch are judged at once, so that a batch can't crowd out other calls."""
_BATCH_RESERVE_SHARE: Final = 0.2
_BATCH_RESERVE_SECONDS: Final = 2.0
"""How much of a batch's time is kept for its answer, and at most: a large one takes a while."""


@dataclass(frozen=True, slots=True)
class _Times:
    """When a batch's classifiers are to be done, and when judging ends; on the monotonic clock."""

    due: float
    end: float


class ModerationServicer:
    """Serves ``ModerateText`` and ``BatchModerateText``."""

    def __init__(
        self, moderate_text: ModerateText, telemetry: Telemetry, long_texts: LongTexts
    ) -> None:
        self._moderate_text = moderate_text
        self._telemetry = telemetry
        self._long_texts = long_texts
        self._log = structlog.get_logger("gaveld.errors")

    async def ModerateText(self, request: ModerateTextRequest, _: Context) -> ModerateTextResponse:
        """Judge one text."""
        call = current_call()
        due = time.monotonic() + call.seconds_left()
        return await self._judge(request, call.request_id, call.project, due)

    async def BatchModerateText(
        self, request: BatchModerateTextRequest, _: Context
    ) -> BatchModerateTextResponse:
        """Judge several texts, each by itself; answers come in the order of the requests.

        Those that are not judged in time say so, each in its own place, in an answer that still
        reaches the caller.
        """
        call = current_call()
        self._telemetry.batch_received(len(request.requests))
        results = [BatchModerateTextResult() for _ in request.requests]
        todo = iter(enumerate(request.requests))
        end = time.monotonic() + call.time_left()
        reserve = call.reserve_seconds(_BATCH_RESERVE_SHARE, _BATCH_RESERVE_SECONDS)
        times = _Times(due=end - reserve, end=end - reserve / 2)

        async def work(todo: Iterator[tuple[int, ModerateTextRequest]]) -> None:
            for index, item in todo:
                results[index] = await self._result(item, index, call, times)

        async with asyncio.TaskGroup() as workers:
            for _worker in range(min(BATCH_PARALLELISM, len(results))):
                workers.create_task(work(todo))
        return BatchModerateTextResponse(results=results, request_id=call.request_id)

    async def _result(
        self, item: ModerateTextRequest, index: int, call: Call, times: _Times
    ) -> BatchModerateTextResult:
        if time.monotonic() >= times.due:
            return BatchModerateTextResult(error=_NOT_IN_TIME.status)
        request_id = item.request_id or f"{call.request_id}:{index}"
        timer = asyncio.timeout(times.end - time.monotonic())
        try:
            validate(item)
            async with timer:
                response = await self._judge(item, request_id, call.project, times.due)
        except Exception as failure:  # noqa: BLE001 - one bad text fails alone
            if timer.expired():
                return BatchModerateTextResult(error=_NOT_IN_TIME.status)
            if is_unforeseen(failure):
                # No traceback: it shows the exception's text, which may quote content.
                self._log.error("batch item failed", index=index, cause=place_of(failure))
            return BatchModerateTextResult(error=refusal_of(failure, call.request_id).status)
        return BatchModerateTextResult(response=response)

    async def _judge(
        self, request: ModerateTextRequest, request_id: str, project: str, due: float
    ) -> ModerateTextResponse:
        async with self._long_texts.place(len(request.text)):
            return await self._judge_now(request, request_id, project, due)

    async def _judge_now(
        self, request: ModerateTextRequest, request_id: str, project: str, due: float
    ) -> ModerateTextResponse:
        judgement = await self._moderate_text(
            submission_from_proto(request),
            project=project,
            overrides=overrides_from_proto(request),
            deadline_seconds=due - time.monotonic(),
            said=said_of_text(request),
        )
        return response_from_judgement(judgement, request, request_id)


_NOT_IN_TIME: Final = Refusal(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.DEADLINE_EXCEEDED.value,
    "The batch's time ran out before this text was judged.",
)
