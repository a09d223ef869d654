"""Getting files from hosts that behave, and from hosts that don't."""

import asyncio
import base64
import gzip
import hashlib
import logging
import ssl
from pathlib import Path

import pytest

from gaveld.adapters.web.media.fetcher import GuardedMediaFetcher
from gaveld.domain.errors import ErrorReason, ResourceExhausted
from gaveld.domain.media import MediaFile, MediaReference, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFamily, MediaFormat
from tests.certificates import self_signed
from tests.fetch_target import (
    PUBLIC,
    Answer,
    Exchange,
    Names,
    Network,
    fetching,
    redirects,
    says,
    sends,
    target,
)
from tests.pictures import encoded, noise, quarters

PICTURES = frozenset({MediaFamily.PICTURE})
VIDEOS = frozenset({MediaFamily.VIDEO})
PNG = encoded(quarters(), "PNG")
LARGE = encoded(noise(200, 200), "PNG")
VIDEO = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(5_000)
HOST = "pictures.example"


async def got(
    fetcher: GuardedMediaFetcher, path: str = "/a", families: frozenset[MediaFamily] = PICTURES
) -> MediaFile:
    return await fetcher.fetch(MediaReference(f"http://{HOST}{path}"), families)


async def refused(answer: Answer, families=PICTURES, **limits: float) -> MediaRefused:
    """The refusal of what a public host answers."""
    async with target({"/a": answer}) as served:
        network = Network(served.port)
        async with fetching(network, Names(pictures_example=[[PUBLIC]]), **limits) as fetcher:
            with pytest.raises(MediaRefused) as refusal:
                await got(fetcher, families=families)
            # Nothing is held up, nor held, by what went wrong.
            served.answers["/a"] = sends(PNG)
            assert (await got(fetcher)).data == PNG
            assert fetcher._bytes_in_flight == 0
    return refusal.value


async def test_a_file_comes_whole():
    """Law: the bytes, their digest and what they are, whatever name and headers say."""
    async with target({"/cat.html": sends(PNG, content_type="text/html")}) as served:
        network = Network(served.port)
        async with fetching(network, Names(pictures_example=[[PUBLIC]])) as fetcher:
            file = await got(fetcher, "/cat.html?size=1#part")
    assert (file.data, file.format) == (PNG, MediaFormat.PNG)
    assert file.sha256 == hashlib.sha256(PNG).hexdigest()
    assert network.reached == [(PUBLIC, 80)]
    assert served.requests[0].path == "/cat.html?size=1"


async def test_a_request_says_what_is_wanted_and_nothing_of_us(monkeypatch):
    """Law: Accept names the formats; no cookie, no referrer, no proxy, no secret is sent."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    answers = {"/a": redirects("/b"), "/b": sends(PNG, set_cookie="id=1")}
    answers["/a"] = lambda exchange: exchange.head(
        302, location="/b", set_cookie="id=1", content_length=0
    )
    async with target(answers) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names) as fetcher:
            await got(fetcher)
            await got(fetcher)
    assert len(served.requests) == 4
    for request in served.requests:
        assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent"}
        assert request.headers["host"] == HOST
        assert request.headers["accept-encoding"] == "identity"
        assert "image/avif" in request.headers["accept"]
        assert "video" not in request.headers["accept"]


async def trickle(exchange: Exchange) -> None:
    """Send a picture's beginning, and then nothing."""
    await exchange.head(200, content_length=len(PNG))
    await exchange.send(PNG[:20])
    await exchange.gone.wait()


async def silence(exchange: Exchange) -> None:
    """Send nothing at all."""
    await exchange.gone.wait()


async def endless(exchange: Exchange) -> None:
    """Send a picture that never ends."""
    await exchange.head(200, transfer_encoding="chunked")
    while not exchange.gone.is_set():
        await exchange.send(b"4000\r\n" + (PNG + bytes(0x4000))[:0x4000] + b"\r\n")


async def endless_headers(exchange: Exchange) -> None:
    """Send headers that never end."""
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.gone.is_set():
        await exchange.send(b"x-more: " + b"x" * 1000 + b"\r\n")


async def endless_hints(exchange: Exchange) -> None:
    """Announce an answer for ever."""
    while not exchange.gone.is_set():
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (trickle, MediaRefusal.FETCH_TIMED_OUT),
        (silence, MediaRefusal.FETCH_TIMED_OUT),
        (endless_hints, MediaRefusal.FETCH_TIMED_OUT),
        (endless, MediaRefusal.TOO_MANY_BYTES),
        (endless_headers, MediaRefusal.RESPONSE_MALFORMED),
        (sends(LARGE), MediaRefusal.TOO_MANY_BYTES),
        (sends(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), MediaRefusal.FORMAT_NOT_SUPPORTED),
        (sends(b"<!doctype html><p>Log in"), MediaRefusal.FORMAT_NOT_SUPPORTED),
        (sends(VIDEO), MediaRefusal.FORMAT_NOT_SUPPORTED),
        (sends(b""), MediaRefusal.FORMAT_NOT_SUPPORTED),
        (sends(gzip.compress(PNG), content_encoding="gzip"), MediaRefusal.BODY_ENCODED),
        (says(b""), MediaRefusal.RESPONSE_MALFORMED),
        (says(b"220 mail.example ESMTP\r\n"), MediaRefusal.RESPONSE_MALFORMED),
        (
            says(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + PNG[:60]),
            MediaRefusal.BODY_INCOMPLETE,
        ),
        (
            says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            MediaRefusal.BODY_INCOMPLETE,
        ),
        (
            says(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\n"),
            MediaRefusal.RESPONSE_MALFORMED,
        ),
        (
            says(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n" + PNG[:60]),
            MediaRefusal.TOO_MANY_BYTES,
        ),
        (redirects("/a"), MediaRefusal.TOO_MANY_REDIRECTS),
        (redirects(""), MediaRefusal.REDIRECT_WITHOUT_TARGET),
        (redirects("file:///etc/passwd"), MediaRefusal.SCHEME_NOT_ALLOWED),
        (redirects("data:image/png;base64,AAAA"), MediaRefusal.SCHEME_NOT_ALLOWED),
        (redirects("//user:word@pictures.example/"), MediaRefusal.CREDENTIALS_IN_ADDRESS),
        (redirects("//pictures.example:25/"), MediaRefusal.PORT_NOT_ALLOWED),
        (redirects("http://[::1/"), MediaRefusal.ADDRESS_MALFORMED),
        (redirects("http://127.0.0.1/"), MediaRefusal.NAME_NOT_RESOLVED),
    ],
)
async def test_every_way_to_go_wrong_has_its_reason(answer: Answer, refusal: MediaRefusal):
    """Law: a host that misbehaves costs its own file, with a reason of its own, in bounded time."""
    seconds = 0.3 if refusal is MediaRefusal.FETCH_TIMED_OUT else 30
    error = await refused(answer, picture_seconds=seconds, max_picture_bytes=10_000)
    assert error.refusal is refusal


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 429, 500, 503, 206])
async def test_any_other_status_is_no_file(status: int):
    """Law: only 200 brings a file, and the caller is told what came instead."""
    error = await refused(lambda exchange: exchange.head(status, content_length=0))
    assert error.refusal is MediaRefusal.HTTP_STATUS
    assert error.detail == {"http_status": str(status)}


async def test_a_refusal_says_what_came():
    """Law: for a format that is not judged the caller is told what the bytes look like."""
    error = await refused(sends(b"\xef\xbb\xbf <svg width='1'/>", content_type="image/png"))
    assert error.detail == {"detected": "image/svg+xml"}
    error = await refused(sends(VIDEO, content_type="image/png"))
    assert error.detail == {"detected": "video/mp4"}


async def test_a_refusal_says_the_limit():
    """Law: a file that is too large is refused with the limit of what it is."""
    error = await refused(sends(LARGE), max_picture_bytes=5_000)
    assert error.detail == {"limit": "bytes", "maximum": "5000"}
    error = await refused(sends(LARGE), PICTURES | VIDEOS, max_picture_bytes=5_000)
    assert error.detail == {"limit": "bytes", "maximum": "5000"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int):
    """Law: up to five redirects lead to the file, relative ones too; no sixth does."""
    hops = {f"/{n}": redirects(f"{n + 1}", status) for n in range(6)}
    async with target(hops | {"/6": sends(PNG)}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names) as fetcher:
            assert (await got(fetcher, "/1")).data == PNG
            with pytest.raises(MediaRefused) as error:
                await got(fetcher, "/0")
    assert error.value.refusal is MediaRefusal.TOO_MANY_REDIRECTS
    assert error.value.detail == {"maximum": "5"}


async def test_videos_have_limits_of_their_own():
    """Law: what a file may weigh follows from its bytes, where both kinds are asked for."""
    async with target({"/a": sends(VIDEO), "/b": sends(LARGE)}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        limits = {"max_picture_bytes": 3_000, "max_video_bytes": 1_000_000}
        async with fetching(Network(served.port), names, **limits) as fetcher:
            assert (await got(fetcher, "/a", PICTURES | VIDEOS)).format is MediaFormat.MP4
            assert (await got(fetcher, "/a", VIDEOS)).family is MediaFamily.VIDEO
            with pytest.raises(MediaRefused) as error:
                await got(fetcher, "/b", PICTURES | VIDEOS)
    assert error.value.refusal is MediaRefusal.TOO_MANY_BYTES
    assert "video/mp4" in served.requests[1].headers["accept"]


async def test_a_video_gets_more_time_once_it_is_one():
    """Law: the longer time is for videos by their bytes, not for whoever asks for one."""
    gate = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await exchange.head(200, content_length=len(VIDEO))
        await exchange.send(VIDEO[:1000])
        await gate.wait()
        await exchange.send(VIDEO[1000:])

    async with target({"/a": slow, "/b": silence}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        limits = {"picture_seconds": 0.3, "video_seconds": 60}
        async with fetching(Network(served.port), names, **limits) as fetcher:
            video = asyncio.create_task(got(fetcher, "/a", VIDEOS))
            with pytest.raises(MediaRefused) as error:
                await got(fetcher, "/b", VIDEOS)
            assert error.value.refusal is MediaRefusal.FETCH_TIMED_OUT
            gate.set()  # later than a picture's time
            assert (await video).data == VIDEO


async def test_fetches_of_one_address_are_one():
    """Law: whoever wants the same while it is fetched gets the same; later it is fetched anew."""
    gate = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await gate.wait()
        await exchange.file(PNG)

    async with target({"/a": slow, "/b": slow}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names) as fetcher:
            callers = [asyncio.create_task(got(fetcher)) for _ in range(10)]
            other = asyncio.create_task(got(fetcher, "/b"))
            leaving = asyncio.create_task(got(fetcher))
            await asyncio.sleep(0)
            leaving.cancel()
            gate.set()
            files = await asyncio.gather(*callers)
            await other
            assert leaving.cancelled()
            assert len({id(file) for file in files}) == 1
            assert sorted(request.path for request in served.requests) == ["/a", "/b"]
            await got(fetcher)
            assert len(served.requests) == 3


async def test_a_fetch_that_nobody_waits_for_is_stopped():
    """Law: with its last caller gone a fetch ends, and the connection with it."""
    exchanges: asyncio.Queue[Exchange] = asyncio.Queue()

    async def waiting(exchange: Exchange) -> None:
        exchanges.put_nowait(exchange)
        await exchange.gone.wait()

    async with target({"/a": waiting}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names) as fetcher:
            callers = [asyncio.create_task(got(fetcher)) for _ in range(2)]
            exchange = await exchanges.get()
            for caller in callers:
                caller.cancel()
            await exchange.gone.wait()
            assert await asyncio.gather(*callers, return_exceptions=True)
            served.answers["/a"] = sends(PNG)
            assert (await got(fetcher)).data == PNG


async def test_one_host_is_asked_for_few_files_at_once():
    """Law: of many files from one host only so many are fetched at a time, and all in the end."""
    async with target({"/a": sends(PNG)}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names, max_per_host=3) as fetcher:
            files = await asyncio.gather(*(got(fetcher, f"/a?{n}") for n in range(20)))
    assert {file.data for file in files} == {PNG}
    assert served.most_callers <= 3


async def test_too_many_fetches_are_turned_away():
    """Law: beyond its places and its memory the fetcher sheds, and says when to come again."""
    async with target({"/a": silence, "/b": sends(PNG), "/c": sends(LARGE)}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        limits = {"max_at_once": 1, "picture_seconds": 0.2, "max_bytes_in_flight": 10_000}
        async with fetching(Network(served.port), names, **limits) as fetcher:
            fetcher._places = asyncio.Semaphore(0)
            with pytest.raises(ResourceExhausted) as shed:
                await got(fetcher, "/b")
            fetcher._places.release()
            assert shed.value.reason is ErrorReason.SERVER_OVERLOADED
            assert shed.value.retry_after_seconds
            with pytest.raises(ResourceExhausted):
                await got(fetcher, "/c")
            assert (await got(fetcher, "/b")).data == PNG


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "DATA:;BASE64," + base64.b64encode(PNG).decode(),
        "data:text/html;base64," + base64.b64encode(PNG).decode().replace("=", "%3D"),
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
    ],
)
async def test_a_data_address_is_its_file(uri: str):
    """Law: a data address is decoded, and its bytes are held to the same rules."""
    async with fetching(max_picture_bytes=len(PNG)) as fetcher:
        assert (await fetcher.fetch(MediaReference(uri), PICTURES)).data == PNG


@pytest.mark.parametrize(
    ("uri", "refusal"),
    [
        ("data:image/png;base64,A", MediaRefusal.ADDRESS_MALFORMED),
        ("data:image/png;base64,AA AA", MediaRefusal.ADDRESS_MALFORMED),
        ("data:image/png;base64,\u00e9", MediaRefusal.ADDRESS_MALFORMED),
        ("data:image/png;base64", MediaRefusal.ADDRESS_MALFORMED),
        ("data:" + "x" * 300 + ",", MediaRefusal.ADDRESS_MALFORMED),
        ("data:image/png;base64,PHN2Zy8+", MediaRefusal.FORMAT_NOT_SUPPORTED),
        ("data:image/png,", MediaRefusal.FORMAT_NOT_SUPPORTED),
        ("data:image/png," + "%00" * 50_000, MediaRefusal.TOO_MANY_BYTES),
        (
            "data:image/png;base64," + base64.b64encode(LARGE).decode(),
            MediaRefusal.TOO_MANY_BYTES,
        ),
    ],
)
async def test_a_data_address_is_refused_as_a_file_is(uri: str, refusal: MediaRefusal):
    """Law: what can't be read, is too large or is no picture has its reason here too."""
    async with fetching(max_picture_bytes=10_000) as fetcher:
        with pytest.raises(MediaRefused) as error:
            await fetcher.fetch(MediaReference(uri), PICTURES)
    assert error.value.refusal is refusal


async def test_tls_proves_the_name(tmp_path: Path):
    """Law: the certificate must be the name's, though the connection goes to a checked address."""
    certificate, key = self_signed(tmp_path, "target")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with target({"/a": sends(PNG)}, tls=serving) as served:
        internal = frozenset({"127.0.0.1"})
        mine = MediaReference(f"https://127.0.0.1:{served.port}/a")
        async with fetching(tls=trusting) as fetcher:
            assert (await fetcher.fetch(mine, PICTURES, internal)).data == PNG
        async with fetching() as fetcher:
            with pytest.raises(MediaRefused) as unknown:
                await fetcher.fetch(mine, PICTURES, internal)
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names, tls=trusting) as fetcher:
            with pytest.raises(MediaRefused) as another:
                await fetcher.fetch(MediaReference(f"https://{HOST}/a"), PICTURES)
    assert unknown.value.refusal is another.value.refusal is MediaRefusal.TLS_FAILED
    assert len(served.requests) == 1


async def test_no_address_is_logged(caplog):
    """Law: whatever the level, neither addresses nor headers are written anywhere."""
    caplog.set_level(logging.DEBUG)
    async with target({"/canary": sends(PNG, x_canary="canary")}) as served:
        names = Names(pictures_example=[[PUBLIC]])
        async with fetching(Network(served.port), names) as fetcher:
            await got(fetcher, "/canary?canary")
    assert "canary" not in caplog.text
    assert HOST not in caplog.text
