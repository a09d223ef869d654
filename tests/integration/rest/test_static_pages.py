"""The pages as the gateway serves them, wired as ``gavel serve`` does; no call goes upstream."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from gaveld.bootstrap import rest as bootstrap_rest
from gaveld.bootstrap.settings import Settings
from gaveld.transport.rest import Upstream, UpstreamOptions

PACKAGES = {"playground": "playground", "review": "review_page"}
"""The settings, which are the paths too, and the packages of the pages."""
OWN_FILES = [
    (page, entry.name)
    for page, package in PACKAGES.items()
    for entry in sorted(files(f"gaveld.transport.rest.{package}").iterdir(), key=str)
    if entry.name.endswith((".html", ".css", ".js", ".svg"))
]

pages = pytest.mark.parametrize("page", PACKAGES)


@asynccontextmanager
async def gateway(**pages: bool) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway as bootstrap makes it."""
    settings = Settings.model_validate({"rest": {"port": 0, **pages}})
    async with AsyncExitStack() as stack:
        upstream = Upstream(UpstreamOptions(("127.0.0.1:1",)))
        stack.push_async_callback(upstream.close)
        server = bootstrap_rest._rest(settings, upstream, CollectorRegistry())
        port = await server.start()
        stack.push_async_callback(server.stop)
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}")
        yield await stack.enter_async_context(client)


def directives(answer: httpx2.Response) -> dict[str, list[str]]:
    """The answer's content security policy by directive."""
    policy = answer.headers["content-security-policy"]
    return {name: rest for name, *rest in (entry.split() for entry in policy.split(";"))}


@pages
async def test_the_page_comes_with_all_that_it_names(page: str):
    """Law: whatever the page and its scripts load is there, under the type that a browser wants."""
    async with gateway() as client:
        answer = await client.get(f"/{page}")
        kind = "text/html; charset=utf-8"
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        waiting = set(re.findall(rf'(?:src|href)="{page}/([^"]+)"', answer.text))
        loaded = set()
        while waiting:
            name = waiting.pop()
            file = await client.get(f"/{page}/{name}")
            assert file.status_code == 200, name
            suffix = name.rpartition(".")[2]
            kind = {"js": "javascript", "svg": "svg"}.get(suffix, suffix)
            assert kind in file.headers["content-type"]
            loaded.add(name)
            waiting |= set(re.findall(r'from "\./([^"]+)"', file.text)) - loaded
        own = {name for owner, name in OWN_FILES if owner == page}
        assert own - {"index.html"} <= loaded  # and what it shares with others


@pages
async def test_the_browser_is_told_to_run_and_load_nothing_else(page: str):
    """Law: scripts, styles and calls of the page's own origin only; nothing inline, no frame."""
    async with gateway() as client:
        for path in (f"/{page}", f"/{page}/app.js"):
            policy = directives(await client.get(path))
            assert policy["default-src"] == ["'none'"]
            assert (
                policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
            )
            assert policy["img-src"] == ["'self'", "blob:"]
            assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
            assert policy["require-trusted-types-for"] == ["'script'"]


@pytest.mark.parametrize(("page", "name"), OWN_FILES)
def test_no_file_names_another_host_or_writes_markup(page: str, name: str):
    """Law: nothing third-party at run time, no inline script or style, content only as text."""
    text = (files(f"gaveld.transport.rest.{PACKAGES[page]}") / name).read_text("utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'<]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a namespace, never fetched
    for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert markup not in text
    if name.endswith(".html"):
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    assert text.count("\n") < 400


@pages
async def test_a_browser_that_has_a_file_is_not_sent_it_again(page: str):
    """Law: files carry a tag; who has it gets 304 and no body, who has another the file."""
    async with gateway() as client:
        first = await client.get(f"/{page}/app.js")
        assert first.headers.get_list("cache-control") == ["no-cache"]
        again = await client.get(
            f"/{page}/app.js", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        changed = await client.get(f"/{page}/app.js", headers={"if-none-match": '"other"'})
        assert changed.content == first.content


@pages
@pytest.mark.parametrize("name", ["none.js", "__init__.py", "..%2Fpages.py", ""])
async def test_nothing_else_lies_below_the_page(page: str, name: str):
    """Law: only the page's own files are served, whatever a path says."""
    async with gateway() as client:
        answer = await client.get(f"/{page}/{name}")
        assert answer.status_code == 404
        assert answer.json()["details"][0]["reason"] == "UNKNOWN_ROUTE"


async def test_the_review_page_shares_what_it_needs_and_no_more():
    """Law: of the playground's files it has those that it loads, and none of the others."""
    async with gateway() as client:
        assert (await client.get("/review/dom.js")).status_code == 200
        assert (await client.get("/review/calls.js")).status_code == 404
        own, other = (await client.get("/review"), await client.get("/playground"))
        assert own.content != other.content


@pages
async def test_it_can_be_switched_off(page: str):
    """Law: without its setting there is no page and no file of it; the other page stays."""
    (other,) = set(PACKAGES) - {page}
    async with gateway(**{page: False}) as client:
        for path in (f"/{page}", f"/{page}/app.js"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get(f"/{other}/dom.js")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
