"""Answers ``gavel.v1.CheckService``: converts, has the mix checked, converts back."""

from gavel.v1.check_service_pb2 import CheckRequest, CheckResponse

from gaveld.application.check import Check
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.checks import check_from_proto, response_from_check
from gaveld.transport.grpc.long_texts import LongTexts


class CheckServicer:
    """Serves ``Check``."""

    def __init__(self, check: Check, long_texts: LongTexts) -> None:
        self._check = check
        self._long_texts = long_texts

    async def Check(self, request: CheckRequest, _: Context) -> CheckResponse:
        """Check a text, pictures and animations together."""
        call = current_call()
        submission = check_from_proto(request, call.project)
        async with self._long_texts.place(len(request.text)):
            judgement = await self._check(
                submission,
                project=call.project,
                deadline_seconds=call.seconds_left(),
                explain=request.explain,
            )
        return response_from_check(
            judgement,
            request,
            request_id=call.request_id,
            trace_context=call.trace_id or call.request_id,
        )
