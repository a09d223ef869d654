"""From the catalogue and the installed classifiers to the wire, a page at a time."""

from collections.abc import Sequence
from typing import Final

import grpc
from gavel.v1 import category_service_pb2, content_pb2, verdict_pb2

from gaveld.application.list_categories import CoveredCategory
from gaveld.domain.signals import ClassifierCard
from gaveld.transport.grpc.converters.judgements import SEVERITIES
from gaveld.transport.grpc.errors import Refusal, RefusedError

DEFAULT_PAGE_SIZE: Final = 100


def page_of_categories(
    entries: Sequence[CoveredCategory], request: category_service_pb2.ListCategoriesRequest
) -> category_service_pb2.ListCategoriesResponse:
    """Return the page that was asked for; a page token is the last id of the page before."""
    first = _start(entries, request.page_token)
    end = first + (request.page_size or DEFAULT_PAGE_SIZE)
    return category_service_pb2.ListCategoriesResponse(
        categories=[_category(entry) for entry in entries[first:end]],
        next_page_token=entries[end - 1].category.id if end < len(entries) else "",
    )


_SEEN: Final = [
    content_pb2.MEDIA_KIND_IMAGE,
    content_pb2.MEDIA_KIND_ANIMATION,
    content_pb2.MEDIA_KIND_VIDEO,
]


def _start(entries: Sequence[CoveredCategory], page_token: str) -> int:
    if not page_token:
        return 0
    for index, entry in enumerate(entries):
        if entry.category.id == page_token:
            return index + 1
    raise RefusedError(
        Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_PAGE_TOKEN",
            "The page token was not made by this list.",
        )
    )


def _category(entry: CoveredCategory) -> category_service_pb2.Category:
    category = entry.category
    return category_service_pb2.Category(
        id=category.id,
        name=category.name,
        group=category.group,
        severity=SEVERITIES[category.severity],
        description=category.description,
        classifiers=[
            _classifier(card, installed=installed, sees=card.name in entry.of_pictures)
            for installed, cards in ((True, entry.classifiers), (False, entry.absent))
            for card in cards
        ],
        coverage_status=_coverage(entry),
    )


def _coverage(entry: CoveredCategory) -> "verdict_pb2.CoverageStatus.ValueType":
    if not entry.classifiers:
        return verdict_pb2.COVERAGE_STATUS_NONE
    if entry.absent:
        return verdict_pb2.COVERAGE_STATUS_PARTIAL
    return verdict_pb2.COVERAGE_STATUS_COMPLETE


def _classifier(
    card: ClassifierCard, *, installed: bool, sees: bool
) -> category_service_pb2.CategoryClassifier:
    return category_service_pb2.CategoryClassifier(
        name=card.name,
        version=card.version,
        installed=installed,
        media_kinds=_SEEN if sees else [content_pb2.MEDIA_KIND_TEXT],
        languages=sorted(card.languages),
        limits=card.limits,
    )
