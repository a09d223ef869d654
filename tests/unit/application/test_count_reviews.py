"""What is told of the items that wait for people."""

from datetime import UTC, datetime, timedelta

from gaveld.application.count_reviews import CountReviews
from gaveld.domain.review_items import ReviewItem
from tests.fakes.review_items import FakeReviewItemStore
from tests.fakes.telemetry import FakeTelemetry

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_the_number_and_the_age_of_the_oldest_are_told():
    """Law: no item, no age; else that of the oldest, and never a negative one."""
    items, telemetry = FakeReviewItemStore(), FakeTelemetry()
    count = CountReviews(items, telemetry)
    assert await count(NOON) == 0
    for name, minutes in (("a", 2), ("b", 5)):
        item = ReviewItem(name, "shop", "photos", NOON - timedelta(minutes=minutes))
        items.kept["shop", name] = item
    assert await count(NOON) == 2
    assert await count(NOON - timedelta(hours=1)) == 2
    assert telemetry.waiting_reviews == [(0, 0.0), (2, 300.0), (2, 0.0)]
