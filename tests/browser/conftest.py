"""A real browser before a real server: Debian's chromium, driven by Playwright.

`make e2e` runs these; `make test` does not, so that it needs no browser.
"""

import asyncio
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.reviewing import Put
from tests.browser.visitor import Visitor
from tests.e2e.command import gavel
from tests.e2e.conftest import Server, running

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", "build/screenshots"))
DESK = {"width": 1280, "height": 860}
PATIENCE_MS = 60_000
"""How long to wait for what must happen: on a machine that does much else it takes its time."""

expect.set_options(timeout=PATIENCE_MS)

NewVisitor = Callable[..., Visitor]


@contextmanager
def own_loop() -> Iterator[Callable[[Coroutine], Any]]:
    """Run coroutines on a loop in a thread of its own: Playwright has this thread's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def serve_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the session."""
    stack = AsyncExitStack()
    with own_loop() as run:

        def start(**environment: str) -> Server:
            folder = tmp_path_factory.mktemp("server")
            return run(stack.enter_async_context(running(folder, environment)))

        yield start
        run(stack.aclose())


@pytest.fixture(scope="session")
def server(serve_for_all) -> Server:
    """A server with the defaults."""
    return serve_for_all()


@pytest.fixture(scope="session")
def locked(serve_for_all, tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, str]:
    """A server that asks for keys, and a key of it."""
    folder = tmp_path_factory.mktemp("keys")
    with own_loop() as run:
        made = run(gavel("keys", "create", "--project", "shop", "--print-entry", folder=folder))
    (folder / "keys.yaml").write_text(made.output, "utf-8")
    server = serve_for_all(
        GAVEL_AUTH__ENABLED="true", GAVEL_AUTH__KEYS_FILE=str(folder / "keys.yaml")
    )
    (key,) = [line for line in made.errors.split() if line.startswith("gvl_")]
    return server, key


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, without a window."""
    path = shutil.which("chromium")
    assert path, "there is no chromium: make e2e says how to get it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[NewVisitor]:
    """Open a page in a fresh profile; afterwards nothing may have gone amiss in it."""
    visitors: list[tuple[BrowserContext, Visitor]] = []

    def open_page(at: Server = server, *, path: str = "/playground", **options: object) -> Visitor:
        context = browser.new_context(
            **{"viewport": DESK, "locale": "en-GB", "reduced_motion": "reduce", **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context.new_page(), f"http://127.0.0.1:{at.rest_port}", SCREENSHOTS)
        visitors.append((context, visitor))
        visitor.arrive(path)
        return visitor

    yield open_page
    for context, visitor in visitors:
        context.close()
        assert visitor.complaints == []
        assert visitor.strangers == []


@pytest.fixture
def visitor(visit: NewVisitor) -> Visitor:
    """Somebody at a desk, in the light."""
    return visit(color_scheme="light")


@pytest.fixture
def queue() -> str:
    """A queue of this test's own."""
    return f"q-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def api(server: Server) -> Iterator[httpx2.Client]:
    url = f"http://127.0.0.1:{server.rest_port}/v1/projects/-/queues/"
    with httpx2.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def put(api: httpx2.Client, queue: str) -> Put:
    """Put content into the queue, wait until it is judged, and return the item's path."""

    def put_in(fields: dict[str, Any], **more: Any) -> str:
        made = api.post(f"{queue}/items", json={"fields": fields, **more}).json()
        item_id = made["name"].rpartition("/")[2]
        path = f"{queue}/items/{item_id}"
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while api.get(path).json()["state"] == "REVIEW_ITEM_STATE_PROCESSING":
            assert time.monotonic() < deadline, "the item is still being judged"
            threading.Event().wait(0.05)  # between two questions
        return path

    return put_in
