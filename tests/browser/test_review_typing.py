"""The review page while somebody types or moves on: keys and repeats mean what was looked at."""

import base64
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.reviewing import INSULT, Put, introduce, press, reviewer, says, take, text
from tests.browser.test_review_mishaps import MAY_LEAVE, write
from tests.pictures import encoded, plain

ALL_KEYS = "narscu"
"""Letters of some word that are keys too: take, accept, reject, pass on, claim, give back."""


def stop_the_clock(page: Page) -> None:
    """Have no time pass in the page, so that whatever is typed there is typed without a pause."""
    page.clock.install()
    page.clock.pause_at(page.evaluate("(Date.now() + 1000) / 1000"))


def orders(page: Page) -> list[str]:
    """What the page asks the server to do from now on, as the list grows."""
    given: list[str] = []

    def note(asked: Any) -> None:
        if asked.method == "POST":
            given.append(asked.url.rpartition(":")[2])

    page.on("request", note)
    return given


def test_typing_on_decides_nothing_when_the_item_goes(
    visit, put: Put, api: httpx2.Client, queue: str
):
    """Law: a word begun for an item that somebody else decides is no order for the next one."""
    path, other = put(text(INSULT)), put(text("Another one, you idiot"))
    visitor = reviewer(visit, queue)
    page, given = visitor.page, orders(visitor.page)
    stop_the_clock(page)
    take(visitor)
    write(visitor, "I wonder")
    assert api.post(f"{path}:release", json={"reviewer": "ann"}).is_success
    assert api.post(f"{path}:decide", json={"reviewer": "ben", "decision": 1}).is_success
    page.clock.fast_forward(620_000)  # its claim was for 600 s
    page.keyboard.type(ALL_KEYS)
    says(visitor, "Your claim is over. It is not waiting: accepted. It is shown as it is now.")
    page.keyboard.type(ALL_KEYS)
    expect(page.locator("#unsaid")).to_contain_text("I wonder")
    assert page.evaluate(MAY_LEAVE)
    page.clock.fast_forward(1_500)
    page.keyboard.press("n")
    says(visitor, "The next item is yours.")
    assert given == ["claim", "claim"]
    item = api.get(other).json()
    assert item["claimant"] == "ann"
    assert "opinions" not in item


@pytest.mark.parametrize("by_key", [True, False], ids=["key", "field"])
def test_typing_on_decides_nothing_when_the_next_item_comes(
    visit, put: Put, api: httpx2.Client, queue: str, by_key: bool
):
    """Law: what is typed while a decision is under way is for neither item, and not kept."""
    first, second = put(text(INSULT)), put(text("Another one, you idiot"))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor = visit(path="/review")
    visitor.intercept("**/*:decide", hold, "/review")
    introduce(visitor, queue)
    page, given = visitor.page, orders(visitor.page)
    stop_the_clock(page)
    take(visitor)
    with page.expect_request("**/*:decide"):
        page.keyboard.press("a")
    if by_key:
        write(visitor, ALL_KEYS)
        expect(page.get_by_label("Why, if you like")).to_have_value("")
    else:
        page.get_by_label("Why, if you like").press_sequentially(ALL_KEYS)
    held.pop().continue_()
    says(visitor, "Accepted. The next item is yours.")
    expect(page.locator("#item")).to_contain_text("Another one")
    page.keyboard.type(ALL_KEYS)
    assert page.evaluate(MAY_LEAVE)
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    says(visitor, "Given back.")
    assert given == ["claim", "decide", "claim", "release"]
    assert api.get(first).json()["state"] == "REVIEW_ITEM_STATE_ACCEPTED"
    assert "opinions" not in api.get(second).json()


def test_an_item_that_is_as_it_was_stays_as_it_is(visit, put: Put, queue: str):
    """Law: the order of the server's maps is no change; what was unveiled stays so."""
    data = base64.b64encode(encoded(plain("red", (320, 200)), "PNG")).decode()
    put({"photo": {"imageValue": {"data": data}}, **text(INSULT), "more": text("x")["text"]})

    def reorder(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        route.fulfill(json=backwards(route.fetch().json()))

    visitor = visit(path="/review")
    visitor.intercept("**/items/*", reorder, "/review")
    introduce(visitor, queue)
    take(visitor)
    visitor.page.get_by_label("Show", exact=True).select_option("waiting")
    visitor.page.locator("#items button").click()
    says(visitor, "Waiting.")
    press(visitor, "Show what is in photo")
    press(visitor, "Keep longer")  # is a POST: its answer is as the server ordered it
    says(visitor, "You have it.")
    expect(visitor.page.locator(".stage")).not_to_contain_class("veiled")


def backwards(value: Any) -> Any:
    """JSON whose objects name last what they named first."""
    if isinstance(value, dict):
        return {name: backwards(entry) for name, entry in reversed(value.items())}
    return [backwards(entry) for entry in value] if isinstance(value, list) else value


def test_the_next_of_any_queue_is_the_same_when_its_answer_was_lost(visit, put: Put):
    """Law: asked again after a lost answer, the page takes no second item beside the first."""
    put(text(INSULT))
    put(text("Another one, you idiot"))
    claimed: list[str] = []

    def lose_the_first(route: Route) -> None:
        claimed.append(route.request.url)
        if len(claimed) > 1:
            route.continue_()
            return
        assert route.fetch().ok
        route.abort()

    visitor = visit(path="/review")
    visitor.expect_refusals()
    visitor.intercept("**/*:claim", lose_the_first, "/review")
    introduce(visitor, "", "eve")
    press(visitor, "Take the next")
    says(visitor, "a repeat counts once.")
    take(visitor)
    assert (len(claimed), len(set(claimed))) == (2, 1)


def test_going_back_waits_for_what_is_under_way(visit, put: Put, queue: str):
    """Law: after a call that failed the page shows the item that its address tells."""
    put(text(INSULT))
    put(text("Another one, you idiot"))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor = visit(path="/review")
    visitor.expect_refusals()
    visitor.intercept("**/*:release", hold, "/review")
    introduce(visitor, queue)
    take(visitor)
    expect(visitor.page.locator("#item")).to_contain_text("Have a nice day")
    press(visitor, "Take the next")
    expect(visitor.page.locator("#item")).to_contain_text("Another one")
    expect(visitor.page.locator("#item")).not_to_have_attribute("aria-busy", "true")
    with visitor.page.expect_request("**/*:release"):
        press(visitor, "Give back")
    visitor.page.go_back()
    held.pop().abort()
    expect(visitor.page.locator("#item")).to_contain_text("Have a nice day")
