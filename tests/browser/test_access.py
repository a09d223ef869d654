"""The playground for everybody: by keyboard, on a phone, in the dark, read out."""

import pytest

from tests.browser.test_texts import INSULT

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}

_CONTRASTS = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const [one, other] = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return [`${element.tagName} ${element.className}: ${element.textContent.slice(0, 40)}`, ratio];
  });
}"""  # noqa: E501 - a script of its own

_UNNAMED = """() => [...document.querySelectorAll(
    "input, select, textarea, button, progress, meter, img, video")]
  .filter((element) => !(element.labels?.length || element.getAttribute("aria-label")
    || element.textContent.trim() || element.hasAttribute("alt")))
  .map((element) => element.outerHTML)"""


def test_all_of_it_works_from_the_keyboard(visitor):
    """Law: from the address bar to the verdict without a mouse, and the focus is never lost."""
    press = visitor.page.keyboard.press
    focused = visitor.page.locator(":focus")
    press("Tab")
    assert focused.inner_text() == "Skip to the answer"
    press("Tab")
    press("Tab")
    assert focused.get_attribute("id") == "kind-text"
    press("ArrowRight")
    press("ArrowRight")
    press("ArrowRight")
    assert focused.get_attribute("id") == "kind-conversation"
    press("Tab")
    assert focused.get_attribute("id") == "conversation"
    visitor.page.keyboard.type("Ann: Good morning")
    press("Tab")
    press("Tab")
    assert focused.inner_text() == "Reviewers"
    press("Enter")
    press("Tab")
    assert focused.get_attribute("id") == "amount"
    visitor.page.keyboard.type("2")
    press("Control+Enter")
    answer = visitor.await_answer()
    assert focused.get_attribute("id") == "answer-title"
    assert visitor.answers["/v1/compliance/conversation:review"]["panel"]["askedCount"] == 2
    assert answer.locator(".headline .verdict").inner_text() == "Safe"
    seen = set()
    for _ in range(30):
        press("Tab")
        seen.add(focused.evaluate("(element) => element.tagName") if focused.count() else "")
    assert "SUMMARY" in seen


def test_everything_that_can_be_focused_shows_it(visitor):
    """Law: whoever comes by keyboard sees where they are."""
    for summary in visitor.page.locator("form summary").all():
        summary.click()
    visitor.page.locator("h1").click()
    outlines = {}
    for _ in range(25):
        visitor.page.keyboard.press("Tab")
        focused = visitor.page.locator(":focus")
        if not focused.count():
            break
        name, width = focused.evaluate(
            """(element) => {
              const shown = element.name === "kind" ? element.nextElementSibling : element;
              return [element.id || element.textContent, getComputedStyle(shown).outlineWidth];
            }"""
        )
        outlines[name] = width
    assert {"kind-text", "text", "context", "judge", "key"} <= set(outlines)
    assert {name for name, width in outlines.items() if width in {"0px", ""}} == set()


def test_everything_has_a_name_to_be_read_out(visitor):
    """Law: every control and picture is named, and what comes of a call is announced."""
    visitor.unfold("Policy")
    visitor.page.get_by_label("Compare policies").check()
    visitor.change("Policy A", "H2", Block_from="0.9")
    visitor.write(INSULT)
    visitor.judge()
    assert visitor.page.evaluate(_UNNAMED) == []
    ids = visitor.page.evaluate("[...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))
    assert visitor.status() == "Policy A: Review. Policy B: Review"
    assert visitor.page.get_by_role("status").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(visit, scheme):
    """Law: every text on the page has a contrast of at least 4.5 to 1, as WCAG asks."""
    visitor = visit(color_scheme=scheme)
    for summary in visitor.page.locator("form summary").all():
        summary.click()
    visitor.write(INSULT)
    answer = visitor.judge()
    for summary in answer.locator(".side > details > summary").all():
        summary.click()
    contrasts = visitor.page.evaluate(_CONTRASTS)
    assert len(contrasts) > 60
    assert {text: ratio for text, ratio in contrasts if ratio < 4.5} == {}
    ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in ground[4:-1].split(","))
    assert (brightness < 200) == (scheme == "dark")


def test_it_is_dark_where_the_visitor_likes_it_dark(visit):
    """Law: the dark look needs no switch, and shows the same."""
    visitor = visit(color_scheme="dark")
    visitor.write(INSULT)
    answer = visitor.judge()
    assert answer.locator("mark").count() >= 3
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.photograph("playground-dark")


def test_it_fits_a_phone(visit):
    """Law: nothing is wider than a small phone, and what is tapped is large enough."""
    visitor = visit(**PHONE)
    visitor.page.locator("label[for=kind-text]").tap()
    visitor.write(INSULT)
    answer = visitor.judge()
    assert answer.locator(".headline .verdict").inner_text() == "Review"
    assert visitor.page.evaluate("document.documentElement.scrollWidth") == 360
    form, told = (visitor.page.locator(f"#{name}").bounding_box() for name in ("call", "answer"))
    assert told["y"] >= form["y"] + form["height"]
    for target in visitor.page.locator(".kinds label, form summary, #judge").all():
        assert target.bounding_box()["height"] >= 32
    visitor.page.evaluate("scrollTo(0, document.getElementById('answer').offsetTop - 12)")
    visitor.photograph("playground-phone")
