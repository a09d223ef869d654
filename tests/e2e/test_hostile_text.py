"""Texts that break naive services: each gets an answer or a clear error, and nothing else."""

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from gavel.v1 import moderation_service_pb2, verdict_pb2
from gavel.v1.moderation_service_pb2 import ModerateTextRequest, ModerateTextResponse
from google.rpc.status_pb2 import Status

from tests.e2e.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/gavel.v1.ModerationService/ModerateText"


def raw(text: bytes) -> bytes:
    """Return a request whose text field holds any bytes, which a Python client would refuse."""
    length, size = b"", len(text)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return b"\x0a" + length + bytes([size]) + text


async def ask(address: str, request: bytes) -> ModerateTextResponse | grpc.aio.AioRpcError:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(PATH, response_deserializer=ModerateTextResponse.FromString)
        try:
            return await call(request, timeout=60)
        except grpc.aio.AioRpcError as error:
            return error


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory):
    async with running(tmp_path_factory.mktemp("hostile")) as server:
        yield server.address


@pytest.mark.parametrize(
    ("text", "field"),
    [(b"", "text"), (b"x" * 1_048_577, "text")],
    ids=["empty", "a byte too long"],
)
async def test_a_text_outside_the_limits_is_refused_by_name(address: str, text: bytes, field: str):
    """Law: the error is INVALID_ARGUMENT and names the field."""
    error = await ask(address, raw(text))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in error.details()


@pytest.mark.parametrize(
    "text",
    [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"],
    ids=["BOM", "Latin-1", "lone surrogate", "overlong", "beyond Unicode"],
)
async def test_bytes_that_are_not_utf8_are_a_clear_error(address: str, text: bytes):
    """Law: malformed text is the caller's fault, said as such, with details."""
    error = await ask(address, raw(text))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(error.trailing_metadata())
    assert Status.FromString(trailers["grpc-status-details-bin"]).details


NAUGHTY = {
    "white space": " \t\n\r\u2003\u3000",
    "nul and controls": "a\x00b\x01\x02\x1b[31m\x7f\x85",
    "emoji only": "🔥💀👩‍👩‍👧‍👦🏳️‍🌈🇩🇪👍🏽" * 20,
    "right to left": "שלום עולם مرحبا بالعالم \u202eabc\u202c",
    "marks": "a" + "\u0301" * 50_000,
    "marks on every letter": "".join(c + "\u0336\u0489" * 20 for c in "hello there " * 100),
    "one megabyte": "An ordinary sentence. " * 47_000,
    "one megabyte without a space": "a" * 1_000_000,
    "one megabyte of stars": "*" * 1_000_000,
    "one megabyte of emoji": "🔥" * 250_000,
    "one megabyte of dots": "a." * 500_000,
    "one megabyte of digits": "1 " * 500_000,
    "one megabyte of at signs": "a@" * 500_000,
    "one megabyte of spaced letters": "f u c k " * 120_000,
    "one megabyte of brackets": "(" * 1_000_000,
    "unknown language": "Mba'éichapa reiko ko'ẽ porã ndéve",
    "ideographs": "部落格 田中さんにあげて下さい 사회과학원 어학연구소",
    "ligatures": "ﬀﬁﬂﷺ ﷽ ㍿ ⅷ ½",
    "case that grows": "ŉ ß ẞ İ ΐ ﬃ ǰ",
    "non-characters": "\ufffe\uffff\U0010ffff\ufdd0",
    "private use": "\ue000\uf8ff\U000f0000",
    "tags": "".join(chr(0xE0000 + ord(c)) for c in "hidden words"),
    "interlinear": "\ufff9a\ufffab\ufffb \ufffc \ufffd",
    "markup": "<script>alert(1)</script> ' OR 1=1 -- ${jndi:ldap://x} {{7*7}} %s %n",
    "paths": "../../../../etc/passwd C:\\CON nul COM1 /dev/null",
    "numbers": "NaN Infinity -0 1e1000 0x0 ٠١٢٣ ½ ⅷ 1,000.00 2147483648",
    "patterns": "((((((((a+)+)+)+)+)+)+)+)$ [[[[ ]]]] \\\\\\ (?<x>)",
    "links": "http://[::1]:80/ http://a@b@c/ hxxp://%00 xn--a.com xn--\u00e9 //[",
    "Turkish": "İstanbul ILGIN ıslak",
    "Thai and Devanagari": "ภาษาไทย เป็นภาษา हिन्दी में लिखा हुआ",
    "upside down": "˙ɐnbᴉlɐ ɐuƃɐɯ ǝɹolop ʇǝ ǝɹoqɐl",
    "styled": "𝕿𝖍𝖊 𝓺𝓾𝓲𝓬𝓴 🅱🆁🅾🆆🅽 ⓕⓞⓧ ｊｕｍｐｓ",
    "spoofed": "раураl.соm аррӏе",
}


@pytest.mark.parametrize("text", NAUGHTY.values(), ids=NAUGHTY)
async def test_a_strange_text_is_judged_and_the_next_call_works(address: str, text: str):
    """Law: whatever the text, the answer is whole, its spans fit, and the server goes on."""
    response = await ask(address, ModerateTextRequest(text=text).SerializeToString())
    assert isinstance(response, ModerateTextResponse), response
    assert response.verdict.action != verdict_pb2.ACTION_UNSPECIFIED
    assert len(response.filtered_text) == len(text)
    encoded, units = text.encode(), len(text.encode("utf-16-le")) // 2
    for finding in response.findings:
        if finding.HasField("span"):
            span = finding.span
            assert encoded[span.byte_start : span.byte_end].decode()
            assert span.utf16_start < span.utf16_end <= units
    plain = await ask(address, ModerateTextRequest(text="good morning").SerializeToString())
    assert plain.verdict.action == verdict_pb2.ACTION_ALLOW


async def test_a_batch_of_strange_texts_fails_one_by_one(address: str):
    """Law: in a batch the good are judged and each bad one has its own error, in order."""
    request = moderation_service_pb2.BatchModerateTextRequest(
        requests=[
            ModerateTextRequest(text="good morning"),
            ModerateTextRequest(text=""),
            ModerateTextRequest(text="good evening"),
        ]
    )
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(
            "/gavel.v1.ModerationService/BatchModerateText",
            request_serializer=moderation_service_pb2.BatchModerateTextRequest.SerializeToString,
            response_deserializer=moderation_service_pb2.BatchModerateTextResponse.FromString,
        )
        response = await call(request, timeout=60)
    kinds = [result.WhichOneof("result") for result in response.results]
    assert kinds == ["response", "error", "response"]
    assert response.results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
