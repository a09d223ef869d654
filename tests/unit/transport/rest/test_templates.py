"""Path templates, by the grammar and the decoding rules of google/api/http.proto."""

import pytest

from gaveld.transport.rest.routing import (
    MethodNotAllowedError,
    RouteNotFoundError,
    RouteTable,
)
from gaveld.transport.rest.templates import Path, PathError, TemplateError, read_template

MATCHES = [
    ("/v1/texts", "/v1/texts", {}),
    ("/v1/{name}", "/v1/a", {"name": "a"}),
    ("/v1/{name=shelves/*}", "/v1/shelves/1", {"name": "shelves/1"}),
    ("/v1/{a.b=x/*}/{c}", "/v1/x/1/2", {"a.b": "x/1", "c": "2"}),
    ("/v1/{name=**}", "/v1/a/b/c", {"name": "a/b/c"}),
    ("/v1/{name=**}", "/v1", {"name": ""}),
    ("/v1/{name=files/**}:read", "/v1/files/a/b:read", {"name": "files/a/b"}),
    ("/v1/*/x", "/v1/anything/x", {}),
    ("/v1/{name}", "/v1/a%2Fb%20c", {"name": "a/b c"}),
    ("/v1/{name=*/*}", "/v1/a%2Fb/c%20d", {"name": "a%2Fb/c d"}),
    ("/v1/{name=**}", "/v1/a%2fb/%E2%82%AC", {"name": "a%2fb/€"}),
    ("/v1/texts:judge", "/v1/%74exts:judge", {}),
    ("/v1/{name}", "/v1/a:b", {"name": "a:b"}),
]
OTHERS = [
    ("/v1/texts", "/v1/texts/"),
    ("/v1/texts", "/V1/texts"),
    ("/v1/{name}", "/v1/"),
    ("/v1/{name}", "/v1/a/b"),
    ("/v1/texts:judge", "/v1/texts%3Ajudge"),
    ("/v1/texts:judge", "/v1/texts"),
    ("/v1/a/b", "/v1/a%2Fb"),
    ("/v1/{name=files/**}:read", "/v1/files/a"),
]
BROKEN = [
    "v1/texts", "/v1/{name", "/v1/{}", "/v1/{name=**}/x", "/v1/{a={b}}", "/v1//x", "/v1/x:",
    "/v1/{name}x", "/v1/{name}/{name}", "/v1/{9=*}", "/v1/x:a:b",
]  # fmt: skip


@pytest.mark.parametrize(("template", "path", "variables"), MATCHES)
def test_a_path_that_fits_gives_its_variables(template, path, variables):
    """Law: one segment is decoded whole; of several, an encoded slash stays encoded."""
    assert read_template(template).match(Path.read(path.encode())) == variables


@pytest.mark.parametrize(("template", "path"), OTHERS)
def test_another_path_does_not_fit(template, path):
    """Law: encoding what is reserved makes another path of it, and so does a slash or a case."""
    assert read_template(template).match(Path.read(path.encode())) is None


@pytest.mark.parametrize("template", BROKEN)
def test_a_broken_template_is_a_defect(template):
    """Law: what is not of the grammar is refused when the routes are read."""
    with pytest.raises(TemplateError):
        read_template(template)


@pytest.mark.parametrize("path", [b"/%", b"/%4", b"/%zz", b"/%ff", "/ä".encode()])
def test_a_path_that_can_not_be_decoded_is_refused(path):
    """Law: a stray percent sign and bytes that are no UTF-8 are the caller's fault."""
    with pytest.raises(PathError):
        Path.read(path)


def table() -> RouteTable[str]:
    routes: RouteTable[str] = RouteTable()
    routes.add("GET", "/v1/{name=**}", "all")
    routes.add("GET", "/v1/{name}", "one")
    routes.add("GET", "/v1/{name}:read", "verb")
    routes.add("GET", "/v1/first", "literal")
    routes.add("POST", "/v1/{name}", "posted")
    routes.add("*", "/v1/any/way", "any")
    return routes


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/v1/first", "literal"),
        ("GET", "/v1/second", "one"),
        ("GET", "/v1/second:read", "verb"),
        ("GET", "/v1/second/third", "all"),
        ("POST", "/v1/first", "posted"),
        ("HEAD", "/v1/second", "one"),
        ("PURGE", "/v1/any/way", "any"),
    ],
)
def test_the_most_specific_route_answers(method, path, target):
    """Law: literals before verbs, verbs before variables, one segment before many."""
    assert table().find(method, Path.read(path.encode())).route.target == target


def test_a_literal_path_gives_its_variables():
    """Law: a variable of one path alone is matched before any pattern, and captured."""
    routes: RouteTable[str] = RouteTable()
    routes.add("GET", "/v1/{name=things/**}", "one")
    routes.add("GET", "/v1/{name=things}", "all")
    found = routes.find("GET", Path.read(b"/v1/things"))
    assert (found.route.target, found.variables) == ("all", {"name": "things"})


def test_a_known_path_tells_its_methods():
    """Law: a path that is there under other methods is told apart from one that is not."""
    with pytest.raises(MethodNotAllowedError) as refused:
        table().find("DELETE", Path.read(b"/v1/second"))
    assert set(refused.value.allowed) == {"GET", "HEAD", "POST"}
    with pytest.raises(RouteNotFoundError):
        table().find("GET", Path.read(b"/v2/second"))
