"""Answers ``gavel.v1.ComplianceService``: converts, has a panel review, converts back."""

from functools import partial

from gavel.v1.compliance_service_pb2 import (
    ReviewChatRequest,
    ReviewChatResponse,
    ReviewCommentRequest,
    ReviewCommentResponse,
    ReviewConversationRequest,
    ReviewConversationResponse,
    ReviewSearchRequest,
    ReviewSearchResponse,
    ReviewTextRequest,
    ReviewTextResponse,
)
from gavel.v1.review_pb2 import Review

from gaveld.application.repeats import Repeats
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.domain.reviews import ContentKind, ReviewContent, TextContent
from gaveld.transport.grpc.call import Context, current_call
from gaveld.transport.grpc.converters.reviews import (
    ReviewRequest,
    conversation_from_proto,
    review_to_proto,
    verbose_of,
    wishes_from_proto,
)
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.once import reviewed_once


class ComplianceServicer:
    """Serves the reviews of text. The other RPCs of its service are served elsewhere."""

    def __init__(
        self, review_compliance: ReviewCompliance, long_texts: LongTexts, repeats: Repeats
    ) -> None:
        self._review_compliance = review_compliance
        self._long_texts = long_texts
        self._repeats = repeats

    async def ReviewText(self, request: ReviewTextRequest, _: Context) -> ReviewTextResponse:
        """Review a general text."""
        review = await self._review(ContentKind.TEXT, TextContent(request.content), request)
        return ReviewTextResponse(review=review, request_id=current_call().request_id)

    async def ReviewComment(
        self, request: ReviewCommentRequest, _: Context
    ) -> ReviewCommentResponse:
        """Review a comment; the context is the thing commented on."""
        review = await self._review(ContentKind.COMMENT, TextContent(request.content), request)
        return ReviewCommentResponse(review=review, request_id=current_call().request_id)

    async def ReviewChat(self, request: ReviewChatRequest, _: Context) -> ReviewChatResponse:
        """Review a chat message."""
        review = await self._review(ContentKind.CHAT, TextContent(request.content), request)
        return ReviewChatResponse(review=review, request_id=current_call().request_id)

    async def ReviewConversation(
        self, request: ReviewConversationRequest, _: Context
    ) -> ReviewConversationResponse:
        """Review a conversation, turn by turn and as a whole."""
        content = conversation_from_proto(request.content)
        review = await self._review(ContentKind.CONVERSATION, content, request)
        return ReviewConversationResponse(review=review, request_id=current_call().request_id)

    async def ReviewSearch(self, request: ReviewSearchRequest, _: Context) -> ReviewSearchResponse:
        """Review a search query."""
        review = await self._review(ContentKind.SEARCH, TextContent(request.content), request)
        return ReviewSearchResponse(review=review, request_id=current_call().request_id)

    async def _review(
        self, kind: ContentKind, content: ReviewContent, request: ReviewRequest
    ) -> Review:
        work = partial(self._review_now, kind, content, request)
        return await reviewed_once(self._repeats, request, work)

    async def _review_now(
        self, kind: ContentKind, content: ReviewContent, request: ReviewRequest
    ) -> Review:
        call = current_call()
        async with self._long_texts.place(_characters(content)):
            review = await self._review_compliance(
                kind,
                content,
                wishes_from_proto(request),
                project=call.project,
                deadline_seconds=call.seconds_left(),
            )
        return review_to_proto(review, content, verbose_of(request))


def _characters(content: ReviewContent) -> int:
    if isinstance(content, TextContent):
        return len(content.text)
    return sum(len(turn.text) for turn in getattr(content, "turns", ()))
