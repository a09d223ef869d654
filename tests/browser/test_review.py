"""The review page: what waits is shown, taken and decided, by keyboard alone and by anybody."""

import base64
import re

import pytest
from playwright.sync_api import expect

from tests.browser.reviewing import INSULT, Put, press, reviewer, says, take, text
from tests.browser.test_access import _CONTRASTS, _UNNAMED, PHONE
from tests.browser.visitor import marked
from tests.pictures import encoded, plain

PICTURE = encoded(plain((90, 140, 90), (320, 200)), "PNG")
REMOTE = "https://pictures.example/1.png"


def test_an_item_is_shown_as_the_server_has_it(visit, put: Put, api, queue: str):
    """Law: verdict, reasons, findings where they stand, who sent it; content is only ever text."""
    hostile = f"<img src=x onerror=alert(1)> {INSULT}"
    path = put(text(hostile), contentId="post-7", actorId="ben", metadata={"forum": "cats"})
    visitor = reviewer(visit, queue, color_scheme="light")
    take(visitor)
    item, shown = api.get(path).json(), visitor.page.locator("#item")
    assert item["claimant"] == "ann"
    for reason in item["verdict"]["reasons"]:
        expect(shown.locator(".headline")).to_contain_text(reason["message"])
    text_shown, marks = marked(shown)
    assert text_shown == hostile
    assert {"stupid", "fool"} & {word for mark in marks for word in mark.split()}
    for known in ("post-7", "ben", '{"forum":"cats"}'):
        expect(shown.locator(".facts")).to_contain_text(known)
    expect(shown.get_by_role("group", name="Decide")).to_contain_text("Yours until")
    assert shown.locator("img, script").count() == 0
    expect(shown).not_to_contain_text(re.compile("null|undefined|NaN|\\[object"))
    visitor.photograph("review-item")


def test_names_are_shown_as_callers_gave_them(visit, put: Put, queue: str):
    """Law: no field hides another, each has its findings, and metadata is what was sent."""
    insult = {"stringValue": INSULT}
    fields = {"a_b": insult, "aB": {"stringValue": "fine"}, "fields": insult, "metadata": insult}
    put(fields, metadata={"post_id": 7})
    visitor = reviewer(visit, queue)
    take(visitor)
    shown = visitor.page.locator("#item")
    for name in ("a_b", "fields", "metadata"):
        content = shown.get_by_role("group", name=name, exact=True)
        assert content.locator("mark").count() > 0
    expect(shown.get_by_role("group", name="aB", exact=True)).to_contain_text("fine")
    expect(shown.locator(".facts")).to_contain_text('{"post_id":7}')


def test_a_decision_is_written_with_its_reason(visit, put: Put, api, queue: str):
    """Law: what the person says reaches the server, and the next item comes by itself."""
    first, second = put(text(INSULT)), put(text("Another day, another insult, you idiot"))
    visitor = reviewer(visit, queue)
    take(visitor)
    visitor.page.get_by_label("Why, if you like").fill("Rude to a named person.")
    visitor.page.locator("#item summary").get_by_text("Categories that you see").click()
    visitor.page.get_by_label("Categories that you see").select_option(["H2"])
    press(visitor, "Reject")
    says(visitor, "Rejected. The next item is yours.")
    decided = api.get(first).json()
    assert decided["state"] == "REVIEW_ITEM_STATE_REJECTED"
    (opinion,) = decided["opinions"]
    assert (opinion["reviewer"], opinion["reason"], opinion["categoryIds"]) == (
        "ann",
        "Rude to a named person.",
        ["H2"],
    )
    assert api.get(second).json()["claimant"] == "ann"
    press(visitor, "Accept")
    says(visitor, "Nothing waits that you could take.")
    visitor.expect_refusals()  # to the browser, that nothing waits is one
    assert api.get(second).json()["state"] == "REVIEW_ITEM_STATE_ACCEPTED"


def test_a_second_opinion_is_somebody_elses(visit, put: Put, api, queue: str):
    """Law: who asked for it is not given the item again; who comes next sees what was said."""
    path = put(text(INSULT))
    ann = reviewer(visit, queue)
    take(ann)
    ann.page.get_by_label("Why, if you like").fill("I can't tell.")
    press(ann, "Second opinion")
    says(ann, "Nothing waits that you could take.")
    ann.expect_refusals()
    ben = reviewer(visit, queue, "ben")
    take(ben)
    expect(ben.page.locator(".said")).to_contain_text("I can't tell.")
    press(ben, "Accept")
    says(ben, "Accepted.")
    ben.expect_refusals()
    assert [said["reviewer"] for said in api.get(path).json()["opinions"]] == ["ann", "ben"]


def test_an_item_is_given_back(visit, put: Put, api, queue: str):
    """Law: given back it is anybody's; what somebody else has says so, and stays theirs."""
    path = put(text(INSULT))
    ann = reviewer(visit, queue)
    take(ann)
    ben = reviewer(visit, queue, "ben")
    ben.page.get_by_label("Show").select_option("waiting")
    ben.page.locator("#items button").click()
    press(ben, "Take it")
    says(ben, "Another person has the review item.")
    ben.expect_refusals()
    press(ann, "Give back")
    says(ann, "Given back.")
    press(ben, "Take it")
    says(ben, "You have it.")
    assert api.get(path).json()["claimant"] == "ben"


def test_all_of_it_works_from_the_keyboard(visit, put: Put, api, queue: str):
    """Law: from the address bar to a decision without a mouse; keys act where none is typed."""
    first, second = put(text(INSULT)), put(text("You are an idiot, Ann"))
    visitor = visit(path="/review")
    key, focused = visitor.page.keyboard.press, visitor.page.locator(":focus")
    key("Tab")
    assert focused.inner_text() == "Skip to the item"
    key("Tab")
    key("Tab")
    assert focused.get_attribute("id") == "reviewer"
    visitor.page.keyboard.type("narsha")  # n, a, r and s are keys that act, elsewhere
    key("Tab")
    visitor.page.keyboard.type(queue)
    key("Enter")
    says(visitor, "The next item is yours.")
    expect(focused).to_have_attribute("id", "item-title")
    key("w")
    assert focused.get_attribute("id") == "reason"
    visitor.page.keyboard.type("a rude one")
    key("Escape")
    key("r")
    says(visitor, "Rejected. The next item is yours.")
    assert api.get(first).json()["opinions"][0]["reason"] == "a rude one"
    key("u")
    says(visitor, "Given back.")
    expect(visitor.page.locator("#items button")).to_have_count(1)
    key("j")
    assert focused.evaluate("(element) => element.closest('#items') !== null")
    key("Enter")
    expect(focused).to_have_attribute("id", "item-title")
    key("a")
    says(visitor, "Accepted.")
    visitor.expect_refusals()
    assert api.get(second).json()["state"] == "REVIEW_ITEM_STATE_ACCEPTED"


def test_single_keys_can_be_turned_off(visit, put: Put, api, queue: str):
    """Law: as WCAG asks, who speaks to the browser or slips on keys can be rid of them."""
    path = put(text(INSULT))
    visitor = reviewer(visit, queue)
    take(visitor)
    visitor.page.locator("#queues summary").get_by_text("Keys", exact=True).click()
    visitor.page.get_by_label("Single keys act").uncheck()
    visitor.page.locator("#item-title").focus()
    visitor.page.keyboard.press("a")
    visitor.page.get_by_label("Single keys act").check()
    visitor.page.locator("#item-title").focus()
    visitor.page.keyboard.press("u")
    says(visitor, "Given back.")
    assert api.get(path).json()["state"] == "REVIEW_ITEM_STATE_PENDING"


def test_pictures_are_veiled_until_asked_for(visit, put: Put, queue: str):
    """Law: nobody sees a picture before they ask; one that lies elsewhere is never loaded."""
    inline = base64.b64encode(PICTURE).decode()
    put(
        {
            "photo": {"imageValue": {"data": inline}},
            "remote": {"imageValue": {"uri": REMOTE}},
        }
    )
    visitor = reviewer(visit, queue)
    take(visitor)
    picture = visitor.page.get_by_alt_text("The picture in photo")
    blur = "(element) => getComputedStyle(element).filter"
    assert "blur" in picture.evaluate(blur)
    press(visitor, "Show what is in photo")
    assert picture.evaluate(blur) == "none"
    assert picture.evaluate("(element) => element.naturalWidth") == 320
    visitor.page.locator("#item-title").focus()
    visitor.page.keyboard.press("v")
    assert "blur" in picture.evaluate(blur)
    link = visitor.page.get_by_role("link", name="Open it in a new tab")
    assert link.get_attribute("href") == REMOTE
    assert set(link.get_attribute("rel").split()) == {"noopener", "noreferrer"}
    assert visitor.strangers == []
    visitor.photograph("review-picture")


def test_an_address_that_is_no_web_address_is_no_link(visit, put: Put, queue: str):
    """Law: content never becomes a link of the page's own, whatever it says it is."""
    put({"site": {"urlValue": "javascript:alert(1)"}, **text(INSULT)})
    visitor = reviewer(visit, queue)
    take(visitor)
    assert visitor.page.locator("#item .content a[href^='javascript']").count() == 0
    expect(visitor.page.get_by_role("group", name="site")).to_contain_text("javascript:alert(1)")


def test_everything_is_named_shows_focus_and_is_read_out(visit, put: Put, queue: str):
    """Law: whoever hears the page or comes by keyboard knows where they are and what happened."""
    put(text(INSULT))
    visitor = reviewer(visit, queue)
    take(visitor)
    assert visitor.page.evaluate(_UNNAMED) == []
    ids = visitor.page.evaluate("[...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))
    assert visitor.page.get_by_role("status").get_attribute("aria-live") == "polite"
    visitor.page.locator("h1").click()
    for _ in range(20):
        visitor.page.keyboard.press("Tab")
        focused = visitor.page.locator(":focus")
        if not focused.count():
            break
        width = focused.evaluate("(element) => getComputedStyle(element).outlineWidth")
        assert width != "0px" or focused.get_attribute("tabindex") == "-1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(visit, put: Put, queue: str, scheme: str):
    """Law: every text on the page has a contrast of at least 4.5 to 1, as WCAG asks."""
    put(text(INSULT))
    put(text("Nothing to see"))
    visitor = reviewer(visit, queue, color_scheme=scheme)
    take(visitor)
    expect(visitor.page.locator("#items button")).to_have_count(1)
    for summary in visitor.page.locator("summary").all():
        summary.click()
    contrasts = visitor.page.evaluate(_CONTRASTS)
    assert len(contrasts) > 40
    assert {shown: ratio for shown, ratio in contrasts if ratio < 4.5} == {}
    if scheme == "dark":
        visitor.photograph("review-dark")


def test_it_fits_a_phone(visit, put: Put, queue: str):
    """Law: nothing is wider than a small phone, and what is tapped is large enough."""
    put(text(INSULT), contentId="c" * 200, metadata={"k": "v" * 200})
    visitor = reviewer(visit, queue, **PHONE)
    take(visitor)
    expect(visitor.page.locator("#items")).to_contain_text("Nothing here.")  # it is listed again
    assert visitor.page.evaluate("document.documentElement.scrollWidth") == 360
    for target in visitor.page.locator("#item button, #queues button:visible").all():
        assert target.bounding_box()["height"] >= 32
    visitor.photograph("review-phone")


def test_without_a_queue_the_next_is_of_any(visit, put: Put, api, queue: str):
    """Law: the oldest of all queues is taken, and one that this person can't have is passed by."""
    path = put(text(INSULT))
    api.post(f"{path}:decide", json={"reviewer": "dee", "decision": 3})
    put(text("Another one, you idiot"))
    visitor = reviewer(visit, "", "dee")
    take(visitor)
    claims = [answer for asked, answer in visitor.answers.items() if asked.endswith(":claim")]
    assert [claim["claimant"] for claim in claims if "claimant" in claim] == ["dee"]
    assert api.get(path).json()["state"] == "REVIEW_ITEM_STATE_PENDING"
    visitor.expect_refusals()  # to the browser, that one was not to be had is one


def test_who_has_no_key_is_told_so(visit, locked):
    """Law: the page asks with the visitor's own key, which needs the scope review."""
    server, key = locked
    visitor = visit(server, path="/review")
    visitor.expect_refusals()
    says(visitor, "The call has no API key")
    visitor.page.get_by_label("Your name").fill("ann")
    press(visitor, "Take the next")
    says(visitor, "The call has no API key")
    visitor.page.get_by_label("Key with the scope review").fill(key)  # its part was opened
    visitor.page.get_by_label("Key with the scope review").blur()
    says(visitor, "The API key lacks the scope 'review'.")
    visitor.expect_refusals()


def test_nobody_decides_without_a_name(visit, put: Put, queue: str):
    """Law: every opinion has somebody who said it."""
    put(text(INSULT))
    visitor = reviewer(visit, queue, "")
    press(visitor, "Take the next")
    says(visitor, "Say first who you are.")
    expect(visitor.page.locator(":focus")).to_have_attribute("id", "reviewer")
