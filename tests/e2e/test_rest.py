"""REST from the outside: the command's own server, its streams, its end, and a gateway alone."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2
from websockets.asyncio.client import connect

from tests.e2e.conftest import START_SECONDS, free_port, opened
from tests.pictures import written
from tests.videos import video

TEXT = {"text": "I will find you and kill you"}


async def test_curl_and_websockets_work_on_a_fresh_server(server):
    """Law: what `gavel serve` starts answers REST and streams, and drains to status 0."""
    url = f"http://127.0.0.1:{server.rest_port}"
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        answer = await client.post("/v1/text:moderate", json=TEXT)
        assert answer.json()["verdict"]["action"] == "ACTION_BLOCK"
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/openapi.json")).json()["openapi"] == "3.1.0"
    address = f"ws://127.0.0.1:{server.rest_port}/v1/compliance/conversation:stream"
    async with connect(address, proxy=None) as socket:
        await socket.send(json.dumps({"options": {"amount": 3, "requestId": "stream-1"}}))
        await socket.send(json.dumps({"turn": {"id": "a", "text": TEXT["text"]}}))
        review = json.loads(await socket.recv())
        assert review["turnReview"]["turnId"] == "a"
        await socket.send(json.dumps({"turn": {"id": "b", "text": "see you tomorrow"}}))
        assert json.loads(await socket.recv())["turnReview"]["turnId"] == "b"
        server.terminate()
        final = json.loads(await socket.recv())
        assert final["final"]["resumable"] is True
        assert final["final"]["lastTurnId"] == "b"
    assert socket.close_code == 1000
    assert await server.exit_status() == 0


async def test_a_video_streams_over_a_websocket(server):
    """Law: binary messages are the file; what is found is told, and at the end with its time."""
    size = (640, 160)
    threat = written(TEXT["text"], height=36, size=size)
    grey, blue = (200, 200, 200), (90, 120, 200)
    data = video(size=size, seconds=6.0, scenes=((0.0, grey), (2.0, threat), (4.0, blue)))
    address = f"ws://127.0.0.1:{server.rest_port}/v1/compliance/video:stream"
    async with connect(address, proxy=None) as socket:
        await socket.send(json.dumps({"options": {"verbose": 2, "totalBytes": str(len(data))}}))
        for at in range(0, len(data), 4096):
            await socket.send(data[at : at + 4096])
        await socket.send("")
        events = [json.loads(message) async for message in socket]
    assert socket.close_code == 1000
    told = [event["finding"]["categoryId"] for event in events if "finding" in event]
    assert "H3" in told
    final = events[-1]["final"]
    assert final["action"] == "ACTION_BLOCK"
    assert final["review"]["decision"] == "DECISION_UNSAFE"
    threats = [entry for entry in final["review"]["findings"] if entry["categoryId"] == "H3"]
    assert [entry["timeRange"] for entry in threats] == [{"start": "2s", "end": "4s"}]
    assert final["facts"]["byteCount"] == str(len(data))


async def test_what_is_no_video_closes_its_stream_with_the_reason(server):
    """Law: a stream's failure is its last message and its close code, from the servicer itself."""
    address = f"ws://127.0.0.1:{server.rest_port}/v1/compliance/video:stream"
    for message, reason in ((b"no options", "STREAM_PROTOCOL"), (None, "MEDIA_UNSUPPORTED")):
        async with connect(address, proxy=None) as socket:
            if message is None:
                await socket.send(json.dumps({"options": {}}))
            await socket.send(message or b"This is no video at all.")
            await socket.send("")
            failure = json.loads(await socket.recv())["error"]
            await socket.wait_closed()
        assert failure["details"][0]["reason"] == reason
        assert (socket.close_code, socket.close_reason) == (4003, reason)


async def test_a_gateway_alone_stands_before_servers(server, tmp_path):
    """Law: `gavel gateway` serves REST in front of a server elsewhere, and drains to status 0."""
    port, ops_port = free_port(), free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GAVEL_")}
    environment |= {"GAVEL_OPS__PORT": str(ops_port), "GAVEL_SHUTDOWN__NOTICE_SECONDS": "0"}
    with opened(tmp_path / "gateway.log") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("gavel"),
            "gateway",
            "--target",
            server.address,
            "--target",
            server.address,
            "--port",
            str(port),
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx2.AsyncClient(timeout=30) as client, asyncio.timeout(START_SECONDS):
            while not await is_ready(client, ops_port):
                assert process.returncode is None, (tmp_path / "gateway.log").read_text()
            answer = await client.post(f"http://127.0.0.1:{port}/v1/text:moderate", json=TEXT)
            assert answer.json()["verdict"]["action"] == "ACTION_BLOCK"
            metrics = (await client.get(f"http://127.0.0.1:{ops_port}/metrics")).text
            assert (
                'gavel_rest_requests_total{route="/v1/text:moderate",status="200"} 1.0' in metrics
            )
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_ready(client: httpx2.AsyncClient, ops_port: int) -> bool:
    """Whether the gateway says that it reaches a server."""
    try:
        return (await client.get(f"http://127.0.0.1:{ops_port}/readyz")).status_code == 200
    except httpx2.ConnectError:
        return False
