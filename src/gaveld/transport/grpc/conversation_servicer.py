"""Answers ``StreamConversation``: reads turns, has them judged in order, tells what they are."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import structlog
from gavel.v1.compliance_stream_pb2 import (
    StreamConversationOptions,
    StreamConversationRequest,
    StreamConversationResponse,
)

from gaveld.application.conversation import (
    Conversation,
    Event,
    Summary,
    TurnFailed,
    TurnReviewed,
)
from gaveld.application.failures import place_of
from gaveld.application.moderate_conversation import ModerateConversation
from gaveld.application.open_turn import TurnPart
from gaveld.domain.errors import InvalidRequest
from gaveld.domain.reviews import Turn
from gaveld.transport.grpc.call import Call, Context, current_call
from gaveld.transport.grpc.conversation_inbox import Faulty, Inbox, Sent
from gaveld.transport.grpc.converters.conversations import (
    TurnReader,
    below_options,
    cleared_to_proto,
    error_to_proto,
    opening_from_proto,
    reviewed_to_proto,
    summary_to_proto,
)
from gaveld.transport.grpc.converters.reviews import STANDARD, verbose_of
from gaveld.transport.grpc.errors import RefusedError, is_unforeseen, refusal_of
from gaveld.transport.grpc.interceptors.admission import Admission
from gaveld.transport.grpc.interceptors.rate_limit import RateLimits
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.open_conversations import Lifetime, OpenConversations, TimeIsUpError
from gaveld.transport.grpc.open_stream import StreamPlaces, options_of, write
from gaveld.transport.grpc.stream_metrics import StreamMetrics


class ConversationServicer:
    """Serves ``StreamConversation``. The other RPCs of its service are served elsewhere.

    A stream takes a place of ``admission`` only while something of it is judged, and waits for one
    as long as a call may take, ``max_turn_seconds``, while its caller waits too.
    """

    def __init__(
        self,
        moderate_conversation: ModerateConversation,
        *,
        admission: Admission,
        rate_limits: RateLimits,
        long_texts: LongTexts,
        open_conversations: OpenConversations,
        metrics: StreamMetrics,
        max_turn_seconds: float,
    ) -> None:
        self._moderate_conversation = moderate_conversation
        self._admission = admission
        self._places = StreamPlaces(admission, long_texts, max_turn_seconds)
        self._rate_limits = rate_limits
        self._open_conversations = open_conversations
        self._metrics = metrics
        self._max_turn_seconds = max_turn_seconds
        self._log = structlog.get_logger("gaveld.errors")

    async def StreamConversation(
        self, requests: AsyncIterator[StreamConversationRequest], context: Context
    ) -> None:
        """Judge a conversation while it happens."""
        call = current_call()
        self._admission.vacate(call)
        seconds = None if call.due is None else call.seconds_left()
        with self._open_conversations.opened(call.project, seconds) as lifetime:
            stream = _Stream(call, context, lifetime)
            first = await options_of(requests, lifetime, call, self._max_turn_seconds)
            if first is None:
                await stream.end(_NOTHING, is_closed=False)
                return
            options = first.options
            stream.verbose = verbose_of(options)
            conversation = await self._opened(options, call)
            reader = TurnReader(len(options.earlier_turns))
            inbox = Inbox()
            filling = asyncio.create_task(inbox.fill(requests, reader.read))
            try:
                is_closed = await self._serve(stream, inbox, conversation)
            finally:
                filling.cancel()
                await asyncio.wait([filling])
            await stream.end(conversation.summary(), is_closed=is_closed)

    async def _opened(self, options: StreamConversationOptions, call: Call) -> Conversation:
        try:
            return await self._moderate_conversation.open(
                opening_from_proto(options), project=call.project, place=self._places.place
            )
        except InvalidRequest as failure:
            raise below_options(failure) from None

    async def _serve(self, stream: "_Stream", inbox: Inbox, conversation: Conversation) -> bool:
        """Judge what comes. Returns whether the caller ended the stream, and not the server."""
        try:
            while (sent := await stream.lifetime.listening(inbox.take)) is not None:
                await self._answer(stream, sent, conversation)
            await self._tell(stream, conversation.end_turn())
        except TimeIsUpError:
            return False
        return True

    async def _answer(self, stream: "_Stream", sent: Sent, conversation: Conversation) -> None:
        message = sent.message
        try:
            if sent.begins_turn:
                await self._rate_limits.take(stream.call)
            if isinstance(message, Faulty):
                raise RefusedError(message.refusal)  # noqa: TRY301 - told like any other
        except Exception as failure:  # noqa: BLE001 - one turn's failure is never the stream's
            if isinstance(message, Turn):
                await self._refuse(stream, message.id, failure)
                return
            if isinstance(message, TurnPart) or message.is_part:
                conversation.refuse(message.turn_id)
            await self._refuse(stream, message.turn_id, failure)
            return
        if isinstance(message, TurnPart):
            await self._tell(stream, conversation.write(message))
        elif isinstance(message, Turn):
            await self._tell(stream, conversation.hear(message))

    async def _tell(self, stream: "_Stream", events: AsyncIterator[Event]) -> None:
        # Only the work is given up when the time is over, never a message half written.
        while (event := await stream.lifetime.working(partial(anext, events, None))) is not None:
            if isinstance(event, TurnFailed):
                await self._refuse(stream, event.turn_id, event.failure)
            elif isinstance(event, TurnReviewed):
                self._metrics.turn_answered(event.action.name.lower())
                await stream.write(reviewed_to_proto(event, stream.verbose))
            else:
                await stream.write(cleared_to_proto(event))

    async def _refuse(self, stream: "_Stream", turn_id: str, failure: Exception) -> None:
        if is_unforeseen(failure):
            # No traceback: it shows the exception's text, which may quote content.
            self._log.error("turn failed", cause=place_of(failure))
        self._metrics.turn_answered("error")
        await stream.write(error_to_proto(turn_id, refusal_of(failure, stream.call.request_id)))


class _Stream:
    """One open stream: what is known of its call, its time, and the way to its caller."""

    def __init__(self, call: Call, context: Context, lifetime: Lifetime) -> None:
        self.call = call
        self.lifetime = lifetime
        self.verbose = STANDARD
        self._context = context

    async def end(self, summary: Summary, *, is_closed: bool) -> None:
        """Write the last message; ``is_closed``: the caller wanted no more."""
        request_id, resumable = self.call.request_id, not is_closed
        await self.write(summary_to_proto(summary, self.verbose, request_id, resumable=resumable))

    async def write(self, response: StreamConversationResponse) -> None:
        """Write one message."""
        await write(self._context, response, self.lifetime)


_NOTHING: Final = Summary(None, "", 0)
