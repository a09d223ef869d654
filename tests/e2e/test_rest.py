"""REST from the outside: the command's own server, its streams, its end, and a gateway alone."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2
from websockets.asyncio.client import connect

from tests.e2e.conftest import START_SECONDS, free_port, opened

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
