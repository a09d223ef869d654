"""ContentMod's signed upload: what is read of a request, and what of it can't be one."""

import json
from urllib.parse import urlencode

import pytest
from gavel.v1.upload_service_pb2 import UploadKind

from gaveld.transport.rest.dialects.contentmod_content import META
from gaveld.transport.rest.dialects.contentmod_uploads import upload_meta, upload_of
from gaveld.transport.rest.failures import RpcFailure
from gaveld.transport.rest.headers import Headers
from gaveld.transport.rest.surfaces import Request

ID = "5f0c2d1e-0000-4000-8000-000000000001"
QUERY = {
    "signature": "AB12",
    "publicKey": "key1",
    "datetime": "2026-11-22T12:00:00.000Z",
    "expires": "60",
    "type": "text",
}
JSON = {"content-type": "application/json"}


def request(body: bytes = b"hello", headers: dict[str, str] | None = None, **query: str) -> Request:
    sent = {"host": "gavel.example", **({} if headers is None else headers)}
    return Request(
        "POST",
        f"/public/{ID}".encode(),
        urlencode({**QUERY, **query}).encode(),
        Headers([(name.encode(), value.encode()) for name, value in sent.items()]),
        "r-1",
        body,
        {"uuid": ID},
    )


def test_the_signature_is_read_word_for_word():
    """Law: what was signed reaches the server as it was signed, only hex in lower case."""
    upload = upload_of(request())
    signature = upload.signature
    assert (upload.upload_id, upload.text) == (ID, "hello")
    assert (signature.signature, signature.public_key) == ("ab12", "key1")
    assert (signature.signed_time, signature.expires) == (QUERY["datetime"], "60")
    assert signature.kind == UploadKind.UPLOAD_KIND_TEXT
    assert not upload.HasField("metadata")
    assert upload_of(request(expires="")).signature.expires == "3600"


def test_any_address_that_leads_here_may_have_been_signed():
    """Law: with and without a scheme, by its own name and by the one that a proxy was called."""
    proxied = {"x-forwarded-host": "uploads.example"}
    assert list(upload_of(request(headers=proxied)).signature.hosts) == [
        "https://uploads.example",
        "http://uploads.example",
        "uploads.example",
        "https://gavel.example",
        "http://gavel.example",
        "gavel.example",
    ]
    assert len(upload_of(request()).signature.hosts) == 3


@pytest.mark.parametrize("name", ["content", "text"])
def test_a_text_comes_plain_or_in_json(name: str):
    """Law: the body is the text, or JSON that holds it under content or its kind."""
    assert upload_of(request("naïve".encode())).text == "naïve"
    body = json.dumps({name: "naïve"}).encode()
    assert upload_of(request(body, JSON)).text == "naïve"


def test_a_picture_comes_as_bytes_or_in_json():
    """Law: the body is the file, or JSON that holds it in any spelling of the other routes."""
    plain = upload_of(request(b"\x89PNG", {"content-type": "image/png"}, type="image"))
    assert (plain.image.data, plain.signature.kind) == (b"\x89PNG", UploadKind.UPLOAD_KIND_IMAGE)
    body = json.dumps({"image": "iVBORw=="}).encode()
    assert upload_of(request(body, JSON, type="image")).image.data == b"\x89PNG"
    body = json.dumps({"content": "https://pictures.example/1.png"}).encode()
    uploaded = upload_of(request(body, JSON, type="image"))
    assert uploaded.image.uri == "https://pictures.example/1.png"


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("words", "words"),
        *[(odd, odd) for odd in ("NaN", "1e999", '["\\ud800"]', '{"a": 1, "a": 2}', "[" * 200)],
    ],
)
def test_metadata_is_json_or_words(sent: str, echoed: object):
    """Law: it is echoed as what it is, and kept as JSON text; without any there is none.

    What only looks like JSON, and could not be written as such, is words.
    """
    asked = request(metadata=sent)
    assert upload_meta(asked) == echoed
    assert json.loads(upload_of(asked).metadata[META]) == echoed
    assert upload_meta(request()) is None


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("signature", {"signature": ""}),
        ("publicKey", {"publicKey": ""}),
        ("datetime", {"datetime": ""}),
        ("type", {"type": ""}),
        ("type", {"type": "video"}),
        ("metadata", {"metadata": "x" * 16_385}),
    ],
)
def test_what_is_missing_or_wrong_is_named(field: str, query: dict[str, str]):
    """Law: an upload that can't be one is refused by the name of what is wrong."""
    with pytest.raises(RpcFailure) as failure:
        upload_of(request(**query))
    assert failure.value.http_status == 400
    assert failure.value.status.message.startswith(f"{field} ")


@pytest.mark.parametrize(
    ("body", "headers"), [(b"\xff", {}), (b"{}", JSON), (b'{"content": ""}', JSON), (b"[", JSON)]
)
def test_a_body_that_holds_no_text_is_refused(body: bytes, headers: dict[str, str]):
    """Law: it is the uploader's fault, and nothing is submitted."""
    with pytest.raises(RpcFailure) as failure:
        upload_of(request(body, headers))
    assert failure.value.http_status == 400


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("multipart/form-data; boundary=b", b"--b--", "CONTENT_TYPE_UNSUPPORTED"),
        ("application/x-www-form-urlencoded", b"content=hello", "CONTENT_TYPE_UNSUPPORTED"),
        ("image/png", bytes(4_000_001), "MEDIA_TOO_LARGE"),
    ],
)
def test_what_would_be_judged_as_something_else_is_refused(
    content_type: str, body: bytes, reason: str
):
    """Law: a form is not judged in place of what it holds, and too large is told as such."""
    with pytest.raises(RpcFailure) as failure:
        upload_of(request(body, {"content-type": content_type}, type="image"))
    assert failure.value.reason == reason
