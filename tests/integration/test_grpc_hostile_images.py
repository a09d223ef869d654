"""Hostile pictures over the wire: each is answered, and the next call does not notice."""

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from gavel.v1 import content_pb2, verdict_pb2
from gavel.v1 import moderation_service_pb2 as api

from gaveld.domain.policies import CategoryRule, Policy
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
from tests.integration.grpc_stand import Running, Serve, failure_of
from tests.pictures import (
    encoded,
    gif,
    gif_frame,
    noise,
    plain,
    png_of_size,
    png_with,
    quarters,
    snowy,
    text_bomb,
)

POLICY = Policy("pictures@1", {"A1": CategoryRule(0.3, 0.7, required=True)})
ORDINARY = encoded(quarters(), "PNG")
HALF_A_JPEG = encoded(snowy(), "JPEG")[: len(encoded(snowy(), "JPEG")) * 3 // 5]
MEMORY_SLACK_BYTES = 96 << 20

REFUSED = {
    "a GIF of 65,535 by 65,535": (gif([gif_frame()], 65_535, 65_535), "TOO_MANY_PIXELS"),
    "a GIF of 100,000 frames": (gif([gif_frame()] * 100_000), "TOO_MANY_FRAMES"),
    "a GIF that grows": (gif([gif_frame(), gif_frame(65_535, 65_535)]), "TOO_MANY_PIXELS"),
    "a PNG of 65,535 by 65,535": (png_of_size(65_535, 65_535), "TOO_MANY_PIXELS"),
    "a JPEG of which most is missing": (encoded(noise(), "JPEG")[:1_500], "DAMAGED"),
    "a WEBP of nothing": (b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(64), "DAMAGED"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "FORMAT_NOT_SUPPORTED"),
    "a web page": (b"<!doctype html><script>alert(1)</script>", "FORMAT_NOT_SUPPORTED"),
    "a video": (b"\0\0\0\x18ftypmp42" + bytes(64), "FORMAT_NOT_SUPPORTED"),
    "a program": (b"\x7fELF" + bytes(64), "FORMAT_NOT_SUPPORTED"),
}
JUDGED = {
    "a text bomb": text_bomb(),
    "a PNG and an archive": png_with(quarters(), after=b"PK\x03\x04" * 100),
    "a GIF and a script": encoded(quarters(), "GIF") + b"/*=1;*/",
    "a JPEG and a page": encoded(quarters(), "JPEG") + b"<html><svg onload=x>",
}


def children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def resident_bytes(pid: int | str = "self") -> int:
    statm = Path(f"/proc/{pid}/statm").read_text("latin-1")
    return int(statm.split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Law of every test here: once the server has stopped, no process is left, dead or alive."""
    before = children()
    yield
    assert children() <= before


def inline(data: bytes) -> api.ModerateImageRequest:
    return api.ModerateImageRequest(media=content_pb2.Media(data=data))


async def judged(running: Running, data: bytes = ORDINARY) -> api.ModerateImageResponse:
    answer: api.ModerateImageResponse = await running.moderation.ModerateImage(inline(data))
    return answer


async def test_every_hostile_file_is_answered_and_the_next_call_is_well(serve: Serve):
    """Law: each has its own reason; then an ordinary picture is judged, by no more processes."""
    running = await serve(policy=POLICY)
    await judged(running)
    workers = children()
    for name, (data, why) in REFUSED.items():
        failure = await failure_of(running.moderation.ModerateImage(inline(data)))
        assert failure.code is grpc.StatusCode.INVALID_ARGUMENT, name
        assert failure.info.metadata["why"] == why, name
        assert (await judged(running)).verdict.action == verdict_pb2.ACTION_ALLOW, name
        assert len(children()) <= len(workers), name
    for name, data in JUDGED.items():
        answer = await judged(running, data)
        assert answer.facts.width_pixels == 96, name
        assert not answer.facts.truncated, name
    await running.server.stop()


async def test_half_a_jpeg_is_judged_and_said_to_be_half(serve: Serve):
    """Law: most of a picture is looked at, and what is missing counts as not checked."""
    running = await serve(policy=POLICY)
    answer = await judged(running, HALF_A_JPEG)
    assert answer.facts.truncated
    assert (answer.facts.width_pixels, answer.facts.height_pixels) == (640, 320)
    assert answer.verdict.coverage.status == verdict_pb2.COVERAGE_STATUS_PARTIAL
    assert answer.verdict.incomplete_action == verdict_pb2.ACTION_REVIEW
    assert answer.image_scores.neutral > 0


async def test_memory_returns(serve: Serve):
    """Law: the third round of hostile files leaves no more behind than the first."""
    running = await serve(policy=POLICY)

    async def attack() -> None:
        for data, _ in REFUSED.values():
            await failure_of(running.moderation.ModerateImage(inline(data)))
        for data in JUDGED.values():
            await judged(running, data)

    await attack()
    await judged(running)
    before = {pid: resident_bytes(pid) for pid in ("self", *children())}
    await attack()
    await attack()
    await judged(running)
    for pid in ("self", *children()):
        assert resident_bytes(pid) <= before.get(pid, 0) + MEMORY_SLACK_BYTES


async def test_no_process_outlives_the_server(serve: Serve):
    """Law: what callers leave unfinished keeps no worker, and is ended with the server."""
    before = children()
    running = await serve(policy=POLICY)
    await judged(running)
    large = encoded(plain("white", (5_000, 5_000)), "PNG", compress_level=1)
    calls = [running.moderation.ModerateImage(inline(large)) for _ in range(3)]
    await asyncio.gather(*(call.wait_for_connection() for call in calls))
    for call in calls:
        call.cancel()
    await judged(running)
    assert len(children() - before) <= 1


RESOLVED = {
    "pictures.example": [[PUBLIC]],
    "127.0.0.1": [["127.0.0.1"]],
    "169.254.169.254": [["169.254.169.254"]],
}


@asynccontextmanager
async def fetched(
    serve: Serve, answers: dict[str, Answer], names: Names | None = None, **limits: float
) -> AsyncIterator[tuple[Running, functools.partial[api.ModerateImageRequest]]]:
    """A server whose fetcher reaches a host of the test's own, and what makes requests for it."""
    async with (
        target({"/ordinary": sends(ORDINARY), **answers}) as host,
        fetching(Network(host.port), names or Names(**RESOLVED), **limits) as fetcher,
    ):
        running = await serve(policy=POLICY, fetcher=fetcher)
        yield running, functools.partial(_request, host.port)


def _request(port: int, path: str, host: str = "pictures.example") -> api.ModerateImageRequest:
    uri = f"http://{host}:{port}{path}"
    return api.ModerateImageRequest(media=content_pb2.Media(uri=uri))


async def endless(exchange: Exchange) -> None:
    await exchange.head(200)
    await exchange.send(ORDINARY)
    while True:
        await exchange.send(bytes(1 << 16))


async def slow(exchange: Exchange) -> None:
    await exchange.head(200, content_length=len(ORDINARY))
    await exchange.send(ORDINARY[:100])
    await exchange.gone.wait()


ANSWERS: dict[str, tuple[Answer, str]] = {
    "/markup": (sends(b"<svg/>", content_type="image/png"), "FORMAT_NOT_SUPPORTED"),
    "/page.png": (sends(b"<html>", content_type="image/png"), "FORMAT_NOT_SUPPORTED"),
    "/missing": (lambda exchange: exchange.head(404, content_length=0), "HTTP_STATUS"),
    "/inwards": (redirects("http://127.0.0.1/"), "ADDRESS_NOT_PUBLIC"),
    "/metadata": (redirects("http://169.254.169.254/latest"), "ADDRESS_NOT_PUBLIC"),
    "/elsewhere": (redirects("ftp://pictures.example/"), "SCHEME_NOT_ALLOWED"),
    "/round": (redirects("/round"), "TOO_MANY_REDIRECTS"),
    "/endless": (endless, "TOO_MANY_BYTES"),
    "/large": (
        lambda exchange: exchange.head(200, content_length=10**12),
        "TOO_MANY_BYTES",
    ),
    "/slow": (slow, "FETCH_TIMED_OUT"),
    "/short": (
        says(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n" + ORDINARY),
        "BODY_INCOMPLETE",
    ),
    "/noise": (says(b"\0\xff" * 99), "RESPONSE_MALFORMED"),
    "/squeezed": (sends(ORDINARY, content_encoding="gzip"), "BODY_ENCODED"),
}


async def test_every_bad_host_is_answered_and_the_next_fetch_is_well(serve: Serve):
    """Law: each has its own reason, the address is in no answer, and the next file is judged."""
    answers = {path: answer for path, (answer, _) in ANSWERS.items()}
    async with fetched(serve, answers, picture_seconds=1.0) as (running, request):
        for path, (_, why) in ANSWERS.items():
            failure = await failure_of(running.moderation.ModerateImage(request(path)))
            assert failure.info.metadata["why"] == why, path
            assert "example" not in str(failure.status), path
            ordinary = await running.moderation.ModerateImage(request("/ordinary"))
            assert ordinary.facts.width_pixels == 96, path


async def test_answers_that_change_reach_nothing(serve: Serve):
    """Law: a name that is public at first and internal after that leads nowhere else."""
    names = Names(pictures_example=[[PUBLIC], ["127.0.0.1"]])
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ORDINARY) + ORDINARY
    async with fetched(serve, {"/closing": says(whole)}, names) as (running, request):
        first = await running.moderation.ModerateImage(request("/closing"))
        assert first.facts.width_pixels == 96
        failure = await failure_of(running.moderation.ModerateImage(request("/closing")))
        assert failure.info.reason == "MEDIA_ADDRESS_REFUSED"
        assert failure.info.metadata["why"] == "ADDRESS_NOT_PUBLIC"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"])
async def test_no_spelling_of_loopback_is_reached(serve: Serve, host: str):
    """Law: an address of the server's own machine is refused, however it is written."""
    async with target({}) as closed:
        running = await serve(policy=POLICY)
        failure = await failure_of(
            running.moderation.ModerateImage(_request(closed.port, "/", host))
        )
        assert failure.info.metadata["why"] == "ADDRESS_NOT_PUBLIC"
        assert closed.connections == 0
