"""Answers ``gavel.v1.ModerationService``: converts, calls the use case, converts back."""

import asyncio
from collections.abc import Iterator
from typing import Final

import structlog
from gavel.v1.moderation_service_pb2 import (
    BatchModerateTextRequest,
    BatchModerateTextResponse,
    BatchModerateTextResult,
    ModerateTextRequest,
    ModerateTextResponse,
)

from gaveld.application.moderate import ModerateText
from gaveld.application.ports import Telemetry
from gaveld.transport.grpc.call import Call, Context, current_call
from gaveld.transport.grpc.converters.judgements import response_from_judgement
from gaveld.transport.grpc.converters.submissions import (
    overrides_from_proto,
    submission_from_proto,
)
from gaveld.transport.grpc.errors import is_unforeseen, place_of, refusal_of
from gaveld.transport.grpc.interceptors.validation import validate

BATCH_PARALLELISM: Final = 8
"""How many texts of one batch are judged at once, so that a batch can't crowd out other calls."""


class ModerationServicer:
    """Serves ``ModerateText`` and ``BatchModerateText``; ``ModerateImage`` is not served yet."""

    def __init__(self, moderate_text: ModerateText, telemetry: Telemetry) -> None:
        self._moderate_text = moderate_text
        self._telemetry = telemetry
        self._log = structlog.get_logger("gaveld.errors")

    async def ModerateText(  # noqa: N802 - the RPC's name
        self, request: ModerateTextRequest, _: Context
    ) -> ModerateTextResponse:
        """Judge one text."""
        call = current_call()
        return await self._judge(request, call.request_id, call)

    async def BatchModerateText(  # noqa: N802 - the RPC's name
        self, request: BatchModerateTextRequest, _: Context
    ) -> BatchModerateTextResponse:
        """Judge several texts, each by itself; answers come in the order of the requests."""
        call = current_call()
        self._telemetry.batch_received(len(request.requests))
        results = [BatchModerateTextResult() for _ in request.requests]
        todo = iter(enumerate(request.requests))

        async def work(todo: Iterator[tuple[int, ModerateTextRequest]]) -> None:
            for index, item in todo:
                results[index] = await self._result(item, index, call)

        async with asyncio.TaskGroup() as workers:
            for _worker in range(min(BATCH_PARALLELISM, len(results))):
                workers.create_task(work(todo))
        return BatchModerateTextResponse(results=results, request_id=call.request_id)

    async def _result(
        self, item: ModerateTextRequest, index: int, call: Call
    ) -> BatchModerateTextResult:
        request_id = item.request_id or f"{call.request_id}:{index}"
        try:
            validate(item)
            response = await self._judge(item, request_id, call)
        except Exception as failure:  # noqa: BLE001 - one bad text fails alone
            if is_unforeseen(failure):
                # No traceback: it shows the exception's text, which may quote content.
                self._log.error("batch item failed", index=index, cause=place_of(failure))
            return BatchModerateTextResult(error=refusal_of(failure, call.request_id).status)
        return BatchModerateTextResult(response=response)

    async def _judge(
        self, request: ModerateTextRequest, request_id: str, call: Call
    ) -> ModerateTextResponse:
        judgement = await self._moderate_text(
            submission_from_proto(request),
            project=call.project,
            overrides=overrides_from_proto(request),
            deadline_seconds=call.seconds_left(),
        )
        return response_from_judgement(judgement, request, request_id)
