"""The playground as the gateway serves it, wired as ``gavel serve`` does; no call goes upstream."""

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

PAGE = "/playground"
OWN_FILES = sorted(
    entry.name
    for entry in files("gaveld.transport.rest.playground").iterdir()
    if entry.name.endswith((".html", ".css", ".js", ".svg"))
)


@asynccontextmanager
async def gateway(*, playground: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway as bootstrap makes it."""
    settings = Settings.model_validate({"rest": {"port": 0, "playground": playground}})
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


async def test_the_page_comes_with_all_that_it_names():
    """Law: whatever the page and its scripts load is there, under the type that a browser wants."""
    async with gateway() as client:
        page = await client.get(PAGE)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        named = set(re.findall(r'(?:src|href)="playground/([^"]+)"', page.text))
        for name in OWN_FILES:
            answer = await client.get(f"{PAGE}/{name}")
            assert answer.status_code == 200
            named |= set(re.findall(r'from "\./([^"]+)"', answer.text))
            suffix = name.rpartition(".")[2]
            assert {"js": "javascript", "svg": "svg"}.get(suffix, suffix) in answer.headers[
                "content-type"
            ]
        assert named == set(OWN_FILES) - {"index.html"}


async def test_the_browser_is_told_to_run_and_load_nothing_else():
    """Law: scripts, styles and calls of the page's own origin only; nothing inline, no frame."""
    async with gateway() as client:
        for path in (PAGE, f"{PAGE}/app.js"):
            policy = directives(await client.get(path))
            assert policy["default-src"] == ["'none'"]
            assert (
                policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
            )
            assert policy["img-src"] == ["'self'", "blob:"]
            assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
            assert policy["require-trusted-types-for"] == ["'script'"]


@pytest.mark.parametrize("name", OWN_FILES)
def test_no_file_names_another_host_or_writes_markup(name):
    """Law: nothing third-party at run time, no inline script or style, content only as text."""
    text = (files("gaveld.transport.rest.playground") / name).read_text("utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'<]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a namespace, never fetched
    for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert markup not in text
    if name.endswith(".html"):
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    assert text.count("\n") < 400


async def test_a_browser_that_has_a_file_is_not_sent_it_again():
    """Law: files carry a tag; who has it gets 304 and no body, who has another the file."""
    async with gateway() as client:
        first = await client.get(f"{PAGE}/app.js")
        assert first.headers.get_list("cache-control") == ["no-cache"]
        again = await client.get(
            f"{PAGE}/app.js", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        changed = await client.get(f"{PAGE}/app.js", headers={"if-none-match": '"other"'})
        assert changed.content == first.content


@pytest.mark.parametrize(
    "path", [f"{PAGE}/none.js", f"{PAGE}/__init__.py", f"{PAGE}/..%2Fpages.py", f"{PAGE}/"]
)
async def test_nothing_else_lies_below_the_page(path):
    """Law: only the page's own files are served, whatever a path says."""
    async with gateway() as client:
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json()["details"][0]["reason"] == "UNKNOWN_ROUTE"


async def test_it_can_be_switched_off():
    """Law: without ``rest.playground`` there is no page and no file of it."""
    async with gateway(playground=False) as client:
        for path in (PAGE, f"{PAGE}/app.js"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/docs")).status_code == 200
