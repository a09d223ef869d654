"""Requests for the probe, by what they try: those that both answer alike, and those that don't."""

import json
from dataclasses import dataclass, field
from typing import Any

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Sent:
    """One request, as it stands on the wire."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        body = f" {self.body[:60]!r}" if self.body else ""
        return f"{self.method} {self.path}{body}"


def get(path: str) -> Sent:
    """A GET."""
    return Sent("GET", path)


def post(path: str, value: Any, method: str = "POST") -> Sent:
    """A request with a JSON body; bytes go as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Sent(method, path, body, JSON)


def body(**fields: Any) -> Sent:
    """A message as the whole body."""
    return post("/probe/body", fields)


ALIKE = [
    # The path
    get("/probe/texts/hello"),
    get("/probe/texts/hello%20world"),
    get("/probe/texts/a%2Fb"),
    get("/probe/texts/%E2%82%AC"),
    get("/probe/texts/a+b"),
    get("/probe/texts/first"),
    get("/probe/texts/a:b"),
    get("/probe/shelves/1/books/2"),
    get("/probe/shelves/a%2Fb/books/c%20d"),
    get("/probe/files/a/b/c:read"),
    get("/probe/files/a%2Fb/c%20d:read"),
    get("/probe/docs/7/of/42"),
    get("/probe/docs/7/of/-42"),
    post("/probe/body/parts/9", {"text": "x", "inner": {"size": "5"}}),
    # The query
    get("/probe/query"),
    get("/probe/query?name=a&text=b"),
    get("/probe/query?int32_value=7&int64_value=9007199254740993&uint32_value=4294967295"),
    get("/probe/query?int32Value=7&int64Value=-8"),
    get("/probe/query?uint64_value=18446744073709551615&sint32_value=-3&fixed64_value=5"),
    get("/probe/query?float_value=1.5&double_value=-2.25e3"),
    get("/probe/query?bool_value=true"),
    get("/probe/query?bool_value=false"),
    get("/probe/query?colour=COLOUR_RED"),
    get("/probe/query?colour=2"),
    get("/probe/query?inner.text=deep&inner.size=4"),
    get("/probe/query?inner.inner.inner.text=deeper"),
    get("/probe/query?inner.labels=a&inner.labels=b"),
    get("/probe/query?texts=a&texts=b&numbers=1&numbers=2"),
    get("/probe/query?colours=COLOUR_RED&colours=2"),
    get("/probe/query?text=a%20b%26c&name=d+e"),
    get("/probe/query?text=%E2%82%AC"),
    get("/probe/query?text="),
    get("/probe/query?bytes_value=aGk%3D"),
    get("/probe/query?time=2026-01-31T12:00:00Z"),
    get("/probe/query?duration=1.5s"),
    get("/probe/query?mask=name,inner.text"),
    get("/probe/query?string_wrapper=w&bool_wrapper=true&int64_wrapper=12"),
    get("/probe/query?maybe="),
    get("/probe/query?chosen_text=c"),
    get("/probe/query?otherName=r"),
    # The body
    post("/probe/body", b""),
    body(),
    body(text="hi", int32Value=1),
    body(int32_value=1, int64_value=2, otherName="r"),
    body(int32Value="12", int64Value="-9007199254740993", uint64Value="18446744073709551615"),
    body(int32Value=1.0),
    body(floatValue=1.1, doubleValue=0.1),
    body(floatValue=16777216, doubleValue=1e300),
    body(floatValue="NaN", doubleValue="-Infinity"),
    body(boolValue=True, bytesValue="aGVsbG8="),
    body(bytesValue="-_-_"),
    body(colour="COLOUR_BLUE"),
    body(colour=1),
    body(colour=77),
    body(inner={"text": "a", "inner": {"text": "b"}}, inners=[{}, {"size": 3}]),
    body(texts=["a", ""], numbers=[0, 1], colours=["COLOUR_RED", 2]),
    body(innersByName={"a": {"text": "x"}, "": {}}, textsByNumber={"-1": "x"}),
    body(doublesByBool={"true": 1.5}),
    body(maybe="", chosenText=""),
    body(chosenInner={}),
    body(time="2026-01-31T12:00:00.123456789Z", duration="-1.5s", mask="name,inner.text"),
    body(time="2026-01-31T12:00:00+01:00"),
    body(struct={"a": [1, 2.5, "x", None, True, {"b": {}}]}),
    body(value="x"),
    body(value=None),
    body(value=[1, {"a": None}]),
    body(list=[]),
    body(stringWrapper="", boolWrapper=False, int64Wrapper="7", bytesWrapper="aGk="),
    body(text=None, inner=None, inners=None, stringWrapper=None),
    body(text='quotes " and \\ and \u0001 and \u2028 and \U0001f600'),
    post("/probe/body", b'{"text": "\\ud83d\\ude00"}'),
    # A named body
    post("/probe/shelves/1", {"text": "x"}, "PATCH"),
    post("/probe/shelves/1?text=q", {"text": "x"}, "PATCH"),
    post("/probe/shelves/1", [{"text": "x"}, {"size": 2}], "PUT"),
    Sent("DELETE", "/probe/shelves/1"),
    # Bytes
    Sent("POST", "/probe/raw/f", b"\x00\x01\xff", {"content-type": "image/png"}),
    # Failures of the server
    *(
        post("/probe/fail", {"code": code, "message": "told", "reason": "REASON"})
        for code in range(1, 17)
    ),
    post("/probe/fail", {"code": 8, "message": "m", "reason": "R", "retryDelay": "1.200s"}),
    # What can't be read
    body(int32Value="x"),
    body(int32Value=2147483648),
    body(int32Value=1.5),
    body(uint32Value=-1),
    body(inner=[]),
    body(time="yesterday"),
    body(duration="1 minute"),
    body(text={"a": 1}),
    body(bytesValue="!!"),
    post("/probe/body", b"{"),
    post("/probe/body", b"{}x"),
    post("/probe/body", b"[]"),
    post("/probe/body", b'{"text": "\xff"}'),
    post("/probe/body", b'{"doubleValue": NaN}'),
    get("/probe/query?int32_value=x"),
    get("/probe/query?unknown=1"),
    get("/probe/query?inner=x"),
    get("/probe/docs/7/of/x"),
    get("/probe/nowhere"),
    get("/probe/files/a/b"),
    get("/probe/shelves/1/books"),
]

UNLIKE = {
    # Stricter than Envoy: whoever sends two meanings gets none.
    body(unknown=1): (400, 200),
    post("/probe/body", b'{"text": "a", "text": "b"}'): (400, 200),
    body(int32Value=1, int32_value=2): (400, 200),
    body(boolValue="true"): (400, 200),
    body(inners={}): (400, 200),
    body(texts="x"): (400, 200),
    body(texts=[None]): (400, 200),
    body(stringWrapper={"value": "x"}): (400, 200),
    body(bytesValue="aG k="): (400, 200),
    body(doublesByBool={"1": 1}): (400, 200),
    body(mask="a_b"): (400, 200),
    post("/probe/body?text=q", {"name": "x"}): (400, 200),
    post("/probe/shelves/1?inner.size=3", {"text": "x"}, "PATCH"): (400, 200),
    get("/probe/texts/a?text=b"): (400, 200),
    get("/probe/query?text=a&text=b"): (400, 200),
    get("/probe/query?inners.text=x"): (400, 200),
    get("/probe/query?value=1"): (400, 200),
    get("/probe/query?bool_value=1"): (400, 200),
    get("/probe/query?=x"): (400, 200),
    get("/probe/texts/a%zz"): (400, 200),
    Sent("GET", "/probe/query", b'{"text": "x"}', JSON): (400, 200),
    Sent("POST", "/probe/body", b'{"text": "x"}', {"content-type": "text/plain"}): (415, 200),
    get("/probe/query/"): (404, 200),
    # Told apart: a path that is there, under another method.
    Sent("DELETE", "/probe/body"): (405, 404),
    Sent("OPTIONS", "/probe/query"): (405, 404),
    Sent("HEAD", "/probe/query"): (200, 404),
    # A fault of the caller's is not the server's.
    get("/probe/texts/%ff"): (400, 500),
    get("/probe/query?text=%ff"): (400, 500),
    # As proto3 JSON has it.
    body(int32Value="1e3"): (200, 400),
    body(colour="3"): (200, 400),
    # As browsers give files.
    body(bytesValue="data:text/plain;base64,aGk="): (200, 400),
    get("/probe/query?int32_value=1.0"): (200, 400),
}
"""What each answers to a request that the two treat differently: the gateway first."""
