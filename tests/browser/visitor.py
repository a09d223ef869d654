"""Somebody who uses one of the pages: what they do, are shown, and hear from the browser."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Route

REFUSED = "Failed to load resource:"
"""The browser's own note of an answer that is an error or never comes: some tests are about it."""

_DROP = """([element, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  for (const kind of ["dragover", "drop"]) {
    const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
    element.dispatchEvent(new DragEvent(kind, options));
  }
}"""


class Visitor:
    """A person with a page.

    ``strangers`` are requests to anywhere but the server.
    """

    def __init__(self, page: Page, origin: str, screenshots: Path) -> None:
        self.page = page
        self.strangers: list[str] = []
        self._heard: list[str] = []
        self._expects_refusals = False
        self._answers: dict[str, dict] = {}
        self._unread: list[Request] = []
        self._origin = origin
        self._screenshots = screenshots
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._heard.append(str(error)))
        page.on("dialog", lambda dialog: self._heard.append(dialog.message))
        page.on("request", self._asked)

    @property
    def complaints(self) -> list[str]:
        """Console errors and violations of the page's policy, whenever the browser told of them."""
        return [
            entry
            for entry in self._heard
            if not (self._expects_refusals and entry.startswith(REFUSED))
        ]

    @property
    def answers(self) -> dict[str, dict]:
        """What the server answered by path, once it has answered all that was asked by now."""
        while self._unread:
            request = self._unread.pop(0)
            response = request.response()
            if response and response.headers.get("content-type") == "application/json":
                self._answers[request.url.removeprefix(self._origin)] = json.loads(response.body())
        return self._answers

    def arrive(self, path: str = "/playground") -> None:
        """Open the page, and wait for what it loads."""
        self.page.goto(f"{self._origin}{path}", wait_until="networkidle")

    def intercept(self, pattern: str, handle: Callable[[Route], object], path: str) -> None:
        """Have requests handled, on a page that is loaded anew: the browser is slow to begin."""
        self.page.route(pattern, handle)
        self.arrive(path)

    def pick(self, kind: str) -> None:
        """Choose what to judge, by its name on the page."""
        self.page.locator(".kinds").get_by_text(kind, exact=True).click()

    def unfold(self, title: str) -> None:
        """Open one of the form's parts."""
        self.page.locator("form summary").get_by_text(title, exact=True).click()

    def write(self, text: str) -> None:
        """Type a text to judge."""
        self.page.get_by_label("Text to judge").fill(text)

    def drop(self, name: str, media_type: str, data: bytes) -> None:
        """Drop a file onto the form."""
        form = self.page.locator("#call").element_handle()
        self.page.evaluate(_DROP, [form, name, media_type, base64.b64encode(data).decode()])

    def judge(self) -> Locator:
        """Press the button; return the answer, once it is there."""
        self.page.get_by_role("button", name="Judge", exact=True).click()
        return self.await_answer()

    def await_answer(self) -> Locator:
        """Return the answer, once it is there."""
        self.page.locator("#answer[aria-busy=false] .side").first.wait_for()
        return self.page.locator("#answer")

    def change(self, policy: str, category: str, **settings: str) -> None:
        """Change a category of a policy: thresholds are typed, the rest is chosen."""
        group = self.page.get_by_role("group", name=policy, exact=True)
        group.get_by_label("Change a category").select_option(category)
        row = group.get_by_role("group").filter(has_text=category)
        for label, value in settings.items():
            control = row.get_by_label(label.replace("_", " "), exact=False)
            if value in {"true", "false"}:
                control.select_option(value)
            else:
                control.fill(value)

    def status(self) -> str:
        """What the page says of the call in one line, which is read out."""
        return self.page.get_by_role("status").inner_text()

    def photograph(self, name: str, *, height: int = 0) -> Path:
        """Keep a picture of what is seen, or of so many pixels of the page."""
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        self.page.mouse.move(0, 0)
        if height:
            width = self.page.viewport_size["width"]
            self.page.evaluate("scrollTo(0, 0)")
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            self.page.screenshot(path=path, full_page=True, clip=clip, animations="disabled")
        else:
            self.page.screenshot(path=path, animations="disabled")
        return path

    def expect_refusals(self) -> None:
        """Let the browser note answers that are errors, now or later: the test is about them."""
        self._expects_refusals = True

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._heard.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "blob:")):
            self.strangers.append(request.url)
        elif request.resource_type == "fetch":
            self._unread.append(request)


def marked(answer: Locator) -> tuple[str, list[str]]:
    """The text of an answer as shown, without the numbers of its findings; and what is marked."""
    text, marks = answer.locator(".marked").evaluate(
        """(element) => {
          const copy = element.cloneNode(true);
          copy.querySelectorAll("sup").forEach((number) => number.remove());
          const marks = [...copy.querySelectorAll("mark")].map((mark) => mark.textContent);
          return [copy.textContent, marks];
        }"""
    )
    return text, marks


def utf16(text: str, start: int, end: int) -> str:
    """The part of a text between two offsets in UTF-16 code units."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")
