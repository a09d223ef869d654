"""The antivirus before a clamd that is well, slow, busy, broken or gone: never a false clean."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gaveld.adapters.antivirus import ClamdAddress, ClamdClassifier, ClamdClient, ClamdError
from gaveld.adapters.antivirus.clamd import CHUNK_BYTES, MOST_REPLY_BYTES
from gaveld.adapters.antivirus.classifier import KNOWN_MALWARE, SUSPECTED, VERSION_SECONDS
from gaveld.domain.media import MediaFile
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.signals import ClassifierReport
from tests.clamd import (
    EICAR,
    Clamd,
    Meeting,
    clamd_server,
    hangs_up,
    holds,
    says,
    says_at_once,
    stops_reading,
)

CLEAN = ClassifierReport()


@pytest.fixture
async def clamd() -> AsyncIterator[Clamd]:
    """Serve a clamd that does what it should, until told otherwise."""
    async with clamd_server() as server:
        yield server


def classifier_at(clamd: Clamd, *, timeout_seconds: float = 20.0, **options) -> ClamdClassifier:
    client = ClamdClient(ClamdAddress.parse(clamd.address), timeout_seconds=timeout_seconds)
    return ClamdClassifier(client, **options)


def file_of(data: bytes) -> MediaFile:
    return MediaFile(data, MediaFormat.PNG, hashlib.sha256(data).hexdigest())


async def test_malware_is_found(clamd: Clamd):
    """Law: what clamd recognises is a finding of S3 with clamd's name for it and its version."""
    report = await classifier_at(clamd).classify(file_of(b"\x89PNG" + EICAR))
    (found,) = report.findings
    assert (found.category_id, found.score) == ("S3", KNOWN_MALWARE)
    assert found.reason == "Matches the antivirus signature Eicar-Test-Signature."
    assert (found.classifier, found.version) == ("antivirus", "1.4.3/27462")
    assert not report.unread


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7])
async def test_a_file_comes_whole_and_in_chunks(clamd: Clamd, size: int):
    """Law: clamd gets every byte in the order of the file, in chunks of a bounded size."""
    data = bytes(number % 251 for number in range(size))
    assert await classifier_at(clamd).classify(file_of(data)) == CLEAN
    assert clamd.files == [data]
    assert all(length <= CHUNK_BYTES for length in clamd.chunks)


async def test_a_unix_socket_serves_as_well(tmp_path: Path):
    """Law: the address says how clamd is reached, and nothing else changes."""
    async with clamd_server(tmp_path / "clamd.ctl") as clamd:
        classifier = classifier_at(clamd)
        assert await classifier.classify(file_of(b"a picture")) == CLEAN
        assert (await classifier.classify(file_of(EICAR))).findings


async def test_a_name_is_resolved(clamd: Clamd):
    """Law: a host may be a name, of which every address is tried."""
    clamd.address = clamd.address.replace("127.0.0.1", "localhost")
    assert await classifier_at(clamd).classify(file_of(b"a picture")) == CLEAN


@pytest.mark.parametrize("size", [1 << 20, 64 << 20])
async def test_a_file_that_is_too_large_counts_as_unread(clamd: Clamd, size: int):
    """Law: clamd hangs up on it in mid-file, and what it said before that is what counts."""
    clamd.most_bytes = 1 << 16
    report = await classifier_at(clamd).classify(file_of(bytes(size)))
    assert report == ClassifierReport(unread="The antivirus takes no file of this size.")


async def test_a_file_that_is_not_scanned_to_its_end_counts_as_unread(clamd: Clamd):
    """Law: clamd's alert about its own limits is no malware and no clean file."""
    clamd.answer = says(b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0")
    report = await classifier_at(clamd).classify(file_of(b"a picture"))
    assert not report.findings
    assert report.unread == "The antivirus did not look at the file to its end."


@pytest.mark.parametrize(
    "name", ["Heuristics.Broken.Media.JPEG.JFIFmarkerBadPosition", "PUA.Win.Packer.Upx-1"]
)
async def test_a_suspicion_is_half_a_finding(clamd: Clamd, name: str):
    """Law: what clamd only suspects, or calls unwanted, scores less than known malware."""
    clamd.answer = says(f"stream: {name} FOUND\0".encode())
    (found,) = (await classifier_at(clamd).classify(file_of(b"a picture"))).findings
    assert (found.score, found.reason) == (SUSPECTED, f"Matches the antivirus signature {name}.")


@pytest.mark.parametrize(
    "name",
    ["x" * 81, "two words", "<b>bold</b>", "line\nbreak", "\x1b[31mred", "näme", "a FOUND b"],
)
async def test_a_name_that_is_no_name_is_left_out(clamd: Clamd, name: str):
    """Law: a reason holds short, plain names alone; the malware is found all the same."""
    clamd.answer = says(f"stream: {name} FOUND\0".encode())
    (found,) = (await classifier_at(clamd).classify(file_of(b"a picture"))).findings
    assert (found.score, found.reason) == (KNOWN_MALWARE, "Matches a virus signature.")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"stream: OK",
        b"stream: O",
        b"stream: OK\n\0",
        b"stream: OK\0stream: OK\0",
        b"stream:OK\0",
        b"OK\0",
        b"STREAM: OK\0",
        b" stream: OK\0",
        b"stream: OK FOUNDATION\0",
        b"stream:  FOUND\0",
        b"stream: FOUND\0",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM: Can't write to temporary file. ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xfe\0",
        b"stream: OK" + b" " * MOST_REPLY_BYTES + b"\0",
    ],
)
async def test_what_is_not_said_in_clamds_words_is_a_failure(clamd: Clamd, reply: bytes):
    """Law: nothing but a whole, exact answer makes a file clean."""
    clamd.answer = says(reply)
    with pytest.raises(ClamdError) as failure:
        await classifier_at(clamd).classify(file_of(b"a picture"))
    assert "stream" not in str(failure.value), "the reply is not repeated"


@pytest.mark.parametrize("answer", [says_at_once(b"stream: OK\0"), says_at_once(b""), hangs_up])
async def test_an_answer_to_half_a_file_is_no_answer(clamd: Clamd, answer):
    """Law: a file that clamd did not take whole is never clean."""
    clamd.answer = answer
    with pytest.raises(ClamdError):
        await classifier_at(clamd).classify(file_of(bytes(32 << 20)))


@pytest.mark.parametrize("version", [b"", b"SSH-2.0-OpenSSH_9.2", b"ClamAV", b"ClamAV 1\nX: 2"])
async def test_something_else_is_no_clamd(clamd: Clamd, version: bytes):
    """Law: a service that is no clamd gets no file."""
    clamd.version = version
    with pytest.raises(ClamdError, match="no clamd"):
        await classifier_at(clamd).classify(file_of(b"a picture"))
    assert clamd.commands == [b"zVERSION\0"]


@pytest.mark.parametrize(
    ("answer", "size"), [(holds, 9), (stops_reading, 64 << 20)], ids=["silent", "full"]
)
async def test_the_time_is_bounded(clamd: Clamd, answer, size: int):
    """Law: a clamd that does not go on, in reading or in answering, is left after the timeout."""
    clamd.answer = answer
    classifier = classifier_at(clamd)
    await classifier.warm_up()
    classifier._client._timeout_seconds = 0.2
    with pytest.raises(ClamdError, match="no answer"):
        await classifier.classify(file_of(bytes(size)))


async def test_a_clamd_that_is_gone_is_a_failure():
    """Law: nobody there is an error that says so, and no clean file."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = ClamdAddress("127.0.0.1", taken.getsockname()[1])
    classifier = ClamdClassifier(ClamdClient(address))
    with pytest.raises(ClamdError, match="can't be reached"):
        await classifier.classify(file_of(b"a picture"))


async def test_a_socket_that_is_not_there_is_a_failure(tmp_path: Path):
    """Law: likewise of a path."""
    client = ClamdClient(ClamdAddress(path=str(tmp_path / "clamd.ctl")))
    with pytest.raises(ClamdError, match="can't be reached"):
        await client.scan(b"a picture")


async def test_a_clamd_that_still_loads_keeps_no_server_waiting(caplog):
    """Law: warming up without clamd is a warning; once it is there, files are scanned."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        classifier = ClamdClassifier(
            ClamdClient(ClamdAddress("127.0.0.1", taken.getsockname()[1])),
        )
    await classifier.warm_up()
    assert "count as not checked" in caplog.text
    assert classifier.card.version == "unknown"
    async with clamd_server() as clamd:
        classifier._client._address = ClamdAddress.parse(clamd.address)
        assert await classifier.classify(file_of(b"a picture")) == CLEAN
        assert classifier.card.version == "1.4.3/27462"


async def test_the_version_follows_the_database(clamd: Clamd):
    """Law: findings name the signatures they rest on, though clamd takes new ones as it runs."""
    now = [0.0]
    classifier = classifier_at(clamd, clock=lambda: now[0])
    await classifier.classify(file_of(b"one"))
    clamd.version = b"ClamAV 1.4.3/27463/Fri Nov 15 09:36:18 2024"
    now[0] = VERSION_SECONDS - 1
    await classifier.classify(file_of(b"two"))
    assert classifier.card.version == "1.4.3/27462"
    now[0] = VERSION_SECONDS
    (found,) = (await classifier.classify(file_of(EICAR))).findings
    assert (classifier.card.version, found.version) == ("1.4.3/27463", "1.4.3/27463")
    assert clamd.commands.count(b"zVERSION\0") == 2


async def test_a_clamd_without_a_database_has_a_version(clamd: Clamd):
    """Law: the engine alone is a version, too."""
    clamd.version = b"ClamAV 1.4.3"
    classifier = classifier_at(clamd)
    await classifier.warm_up()
    assert classifier.card.version == "1.4.3"


async def test_as_many_scans_run_as_were_set(clamd: Clamd):
    """Law: clamd has a bounded number of files at a time, and each gets its own answer."""
    at_once = Meeting(3)
    clamd.answer = at_once
    classifier = classifier_at(clamd, max_concurrent=3)
    await classifier.warm_up()
    files = [file_of(EICAR if number % 3 else b"clean") for number in range(24)]
    reports = await asyncio.gather(*map(classifier.classify, files))
    assert [bool(report.findings) for report in reports] == [bool(n % 3) for n in range(24)]
    assert at_once.most == 3


async def test_a_cancelled_scan_hangs_up(clamd: Clamd):
    """Law: clamd may stop, and the place is free for the next file."""
    clamd.answer = holds
    classifier = classifier_at(clamd, max_concurrent=1)
    scan = asyncio.create_task(classifier.classify(file_of(b"a picture")))
    await clamd.holding.wait()
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    await clamd.gone.wait()
    clamd.answer = None
    assert await classifier.classify(file_of(b"a picture")) == CLEAN


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://clamd", ClamdAddress("clamd", 3310)),
        ("tcp://10.0.0.7:3311/", ClamdAddress("10.0.0.7", 3311)),
        ("tcp://[::1]:3310", ClamdAddress("::1", 3310)),
        ("unix:///run/clamav/clamd.ctl", ClamdAddress(path="/run/clamav/clamd.ctl")),
    ],
)
def test_addresses_are_read(url: str, address: ClamdAddress):
    """Law: a host, with or without a port, or the absolute path of a socket."""
    assert ClamdAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        *("", "clamd:3310", "tcp://", "tcp://:3310", "tcp://clamd:0", "tcp://clamd:99999"),
        *("tcp://a@clamd", "tcp://clamd/x", "unix://", "unix:///", "unix://run/clamd.ctl"),
        *("http://clamd:3310", "tcp://clamd?x=1", "unix:///run/clamd.ctl#x"),
    ],
)
def test_what_is_no_address_is_refused(url: str):
    """Law: an address that is half right is an error at the start."""
    with pytest.raises(ValueError):
        ClamdAddress.parse(url)
