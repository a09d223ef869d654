"""The review page when things go amiss: nothing typed is lost, and nothing is decided unseen."""

import base64

import httpx2
import pytest
from playwright.sync_api import Route, expect

from tests.browser.reviewing import INSULT, Put, introduce, press, reviewer, says, take, text
from tests.browser.test_access import PHONE
from tests.browser.visitor import Visitor
from tests.pictures import encoded, plain

LONG = f"{INSULT}. " + "And so on, and so on.\n" * 400
MAY_LEAVE = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"


def write(visitor: Visitor, reason: str) -> None:
    """Type why, from the keyboard."""
    visitor.page.keyboard.press("w")
    visitor.page.keyboard.type(reason)


def test_a_key_decides_what_was_looked_at_and_no_more(visit, put: Put, api, queue: str):
    """Law: held down or pressed again while the server is asked, a key decides one item."""
    first, second = put(text(INSULT)), put(text("Another one, you idiot"))
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    visitor = visit(path="/review")
    visitor.intercept("**/*:decide", hold, "/review")
    introduce(visitor, queue)
    take(visitor)
    keyboard = visitor.page.keyboard
    with visitor.page.expect_request("**/*:decide"):
        keyboard.down("a")
    keyboard.down("a")  # the browser says that it is a repeat
    keyboard.up("a")
    keyboard.press("r")
    expect(visitor.page.locator("#item")).to_have_attribute("aria-busy", "true")
    (one,) = asked
    one.continue_()
    expect(visitor.page.locator("#item")).to_contain_text("Another one")
    says(visitor, "Accepted. The next item is yours.")
    keyboard.down("u")
    says(visitor, "Given back.")
    keyboard.down("u")
    keyboard.up("u")
    assert api.get(first).json()["state"] == "REVIEW_ITEM_STATE_ACCEPTED"
    assert "opinions" not in api.get(second).json()


def test_what_was_typed_outlives_a_lost_answer(visit, put: Put, api, queue: str):
    """Law: an answer that is lost on its way loses no word, and saying it again counts once."""
    path = put(text(INSULT))
    asked: list[str] = []

    def lose_then_refuse(route: Route) -> None:
        asked.append(route.request.post_data_json["requestId"])
        if len(asked) == 1:
            assert route.fetch().ok
            route.abort()
        elif len(asked) == 2:
            route.fulfill(status=429, json={"message": "Too many calls."})
        else:
            route.continue_()

    visitor = visit(path="/review")
    visitor.expect_refusals()
    visitor.intercept("**/*:decide", lose_then_refuse, "/review")
    introduce(visitor, queue)
    take(visitor)
    assert visitor.page.evaluate(MAY_LEAVE)
    write(visitor, "rude to Ben")
    assert not visitor.page.evaluate(MAY_LEAVE)  # the browser asks first
    press(visitor, "Reject")
    says(visitor, "What you wrote is kept, and a repeat counts once.")
    expect(visitor.page.get_by_label("Why, if you like")).to_have_value("rude to Ben")
    press(visitor, "Reject")
    says(visitor, "Too many calls.")
    press(visitor, "Reject")
    says(visitor, "Rejected. Nothing waits that you could take.")
    (opinion,) = api.get(path).json()["opinions"]
    assert opinion["reason"] == "rude to Ben"
    assert (len(asked), len(set(asked))) == (3, 1)
    assert visitor.page.evaluate(MAY_LEAVE)


def test_what_was_decided_is_so_when_the_next_does_not_come(visit, put: Put, api, queue: str):
    """Law: a failure after a decision doesn't look like one of the decision."""
    path = put(text(INSULT))
    page = "<!doctype html><title>Log in</title>"
    visitor = visit(path="/review")
    visitor.expect_refusals()
    visitor.intercept("**/*:claim", lambda route: route.fulfill(body=page), "/review")
    introduce(visitor, queue)
    press(visitor, "Take the next")
    says(visitor, "The answer is no JSON")
    visitor.page.locator("#items button").click()
    press(visitor, "Accept")
    says(visitor, "Accepted. The answer is no JSON")
    expect(visitor.page.locator("#item-title")).to_contain_text("Accepted in")
    expect(visitor.page.get_by_role("button", name="Reject")).to_have_count(0)
    assert api.get(path).json()["state"] == "REVIEW_ITEM_STATE_ACCEPTED"


def test_a_claim_that_ends_is_told_before_anything_is_decided(
    visit, put: Put, api: httpx2.Client, queue: str
):
    """Law: who thinks too long is warned, then told who has the item; what they typed stays."""
    path = put(text(INSULT))
    visitor = reviewer(visit, queue)
    clock = visitor.page.clock
    clock.install()
    clock.pause_at(visitor.page.evaluate("(Date.now() + 1000) / 1000"))
    take(visitor)
    write(visitor, "I wonder")
    assert api.post(f"{path}:release", json={"reviewer": "ann"}).is_success
    assert api.post(f"{path}:claim", json={"reviewer": "ben"}).is_success
    clock.fast_forward(560_000)  # of 600 s
    says(visitor, "Your claim ends at")
    clock.fast_forward(60_000)
    says(visitor, "Your claim is over. ben has it until")
    expect(visitor.page.get_by_role("button", name="Accept")).to_have_count(0)
    expect(visitor.page.get_by_label("Why, if you like")).to_have_value("I wonder")
    expect(visitor.page.get_by_label("Why, if you like")).to_be_focused()
    assert api.post(f"{path}:release", json={"reviewer": "ben"}).is_success
    press(visitor, "Take it")
    says(visitor, "You have it.")
    press(visitor, "Reject")
    says(visitor, "Rejected.")
    visitor.expect_refusals()
    assert api.get(path).json()["opinions"][0]["reason"] == "I wonder"


def test_what_others_did_meanwhile_is_shown(visit, put: Put, api, queue: str):
    """Law: an item that changed since it was read is not decided blindly but shown anew."""
    path = put(text(INSULT))
    visitor = reviewer(visit, queue)
    take(visitor)
    visitor.expect_refusals()
    assert api.post(f"{path}:release", json={"reviewer": "ann"}).is_success
    assert api.post(f"{path}:decide", json={"reviewer": "ben", "decision": 1}).is_success
    press(visitor, "Reject")
    says(visitor, "It is shown as it is now.")
    expect(visitor.page.locator("#item-title")).to_contain_text("Accepted in")
    expect(visitor.page.locator(".said")).to_contain_text("ben")
    assert len(api.get(path).json()["opinions"]) == 1


def test_who_asked_for_a_second_opinion_is_not_offered_the_first(visit, put: Put, queue: str):
    """Law: what the server would refuse the page doesn't offer, and a key says why."""
    put(text(INSULT))
    visitor = reviewer(visit, queue)
    visitor.page.locator("#queues summary").get_by_text("Keys", exact=True).click()
    visitor.page.get_by_label("After a decision take the next item").uncheck()
    take(visitor)
    press(visitor, "Second opinion")
    says(visitor, "Left to somebody else.")
    expect(visitor.page.locator("#bar")).to_contain_text("It waits for the opinion of somebody")
    expect(visitor.page.get_by_role("button", name="Accept")).to_have_count(0)
    visitor.page.keyboard.press("a")
    says(visitor, "It waits for the opinion of somebody else.")


def test_a_reload_and_going_back_lead_to_the_item(visit, put: Put, queue: str):
    """Law: the address names the item; the tab remembers who works on what."""
    put(text(INSULT))
    put(text("Another one, you idiot"))
    visitor, shown = reviewer(visit, queue), "#item .marked"
    take(visitor)
    visitor.page.reload()
    expect(visitor.page.locator(shown)).to_contain_text("Have a nice day")
    expect(visitor.page.locator("#bar")).to_contain_text("Yours until")
    expect(visitor.page.get_by_label("Your name")).to_have_value("ann")
    expect(visitor.page.get_by_label("Queue")).to_have_value(queue)
    press(visitor, "Take the next")
    expect(visitor.page.locator(shown)).to_contain_text("Another one")
    visitor.page.go_back()
    expect(visitor.page.locator(shown)).to_contain_text("Have a nice day")
    visitor.page.go_forward()
    expect(visitor.page.locator(shown)).to_contain_text("Another one")


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_what_decides_is_always_in_sight(visit, put: Put, queue: str, options):
    """Law: however long the content, its beginning, the buttons and what is said are seen."""
    put(text(LONG))
    put(text(LONG))
    visitor = reviewer(visit, queue, **options)
    take(visitor)
    for words in ("The next item is yours.", "Rejected. The next item is yours."):
        says(visitor, words)
        expect(visitor.page.locator("#item-title")).to_be_in_viewport()
        expect(visitor.page.get_by_role("button", name="Accept")).to_be_in_viewport()
        expect(visitor.page.get_by_role("status")).to_be_in_viewport()
        write(visitor, "Long.")  # it is at the end
        press(visitor, "Reject")
    says(visitor, "Rejected. Nothing waits")
    visitor.expect_refusals()


def test_the_next_pictures_are_veiled_again(visit, put: Put, queue: str):
    """Law: who asked to see one picture did not ask to see the next."""
    for colour in ("red", "blue"):
        data = base64.b64encode(encoded(plain(colour, (320, 200)), "PNG")).decode()
        put({"photo": {"imageValue": {"data": data}}, **text(colour)})
    visitor = reviewer(visit, queue)
    take(visitor)
    visitor.page.keyboard.press("v")
    expect(visitor.page.locator(".stage")).not_to_contain_class("veiled")
    visitor.page.keyboard.press("a")
    expect(visitor.page.get_by_role("group", name="text")).to_contain_text("blue")
    expect(visitor.page.locator(".stage")).to_contain_class("veiled")
