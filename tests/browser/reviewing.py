"""What people do on the review page, said once for all its tests."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

INSULT = "Have a nice day, Ben, you stupid fool"

Put = Callable[..., str]
"""Puts content into a queue, waits until it is judged, and returns the item's path."""


def text(value: str) -> dict[str, Any]:
    return {"text": {"stringValue": value}}


def reviewer(visit, queue: str, name: str = "ann", **options: object) -> Visitor:
    """Somebody who opens the page and says who they are and what they work on."""
    visitor = visit(path="/review", **options)
    introduce(visitor, queue, name)
    return visitor


def introduce(visitor: Visitor, queue: str, name: str = "ann") -> None:
    visitor.page.get_by_label("Your name").fill(name)
    visitor.page.get_by_label("Queue").fill(queue)
    visitor.page.get_by_label("Queue").blur()


def take(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="Take the next").click()
    expect(visitor.page.get_by_role("status")).to_have_text("The next item is yours.")


def press(visitor: Visitor, button: str) -> None:
    visitor.page.get_by_role("button", name=button).click()


def says(visitor: Visitor, words: str) -> None:
    expect(visitor.page.get_by_role("status")).to_contain_text(words)
