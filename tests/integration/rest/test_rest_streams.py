"""RPCs that stream: lines, events and WebSockets."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus

from gaveld.transport.rest import GatewayOptions

TWO = {"inners": [{"text": "a"}, {"text": "b\n"}]}


def talk(rest, **options):
    """Open a WebSocket to the probe."""
    return connect(f"ws://127.0.0.1:{rest.port}/probe/talk", proxy=None, **options)


async def test_messages_come_as_lines(rest):
    """Law: a stream is one JSON text a line."""
    answer = await rest.client.post("/probe/many", json=TWO)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == TWO["inners"]


async def test_messages_come_as_events_to_who_asks(rest):
    """Law: with `accept: text/event-stream` each message is an event."""
    headers = {"accept": "text/event-stream"}
    answer = await rest.client.post("/probe/many", json={**TWO, "code": 8}, headers=headers)
    assert answer.headers["content-type"] == "text/event-stream"
    events = answer.text.split("\n\n")
    assert events[:2] == ['data: {"text":"a"}', 'data: {"text":"b\\n"}']
    assert events[2].startswith('event: error\ndata: {"error":{"code":8')


async def test_a_stream_that_fails_at_once_is_a_failure(rest):
    """Law: the first message decides the status."""
    answer = await rest.client.post("/probe/many", json={"code": 7})
    assert answer.status_code == 403
    assert answer.json()["code"] == 7


async def test_a_stream_that_fails_later_says_so_last(rest):
    """Law: a failure after the first message is the last line."""
    answer = await rest.client.post("/probe/many", json={**TWO, "code": 8})
    assert answer.status_code == 200
    assert json.loads(answer.text.splitlines()[-1])["error"]["code"] == 8


async def test_each_line_is_sent_as_it_comes_and_a_client_that_leaves_ends_it(rest, probe):
    """Law: nothing waits for the end of a stream; a client that goes away ends the RPC."""
    probe.gate.clear()
    async with rest.client.stream("POST", "/probe/many", json=TWO) as answer:
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines)) == {"text": "a"}
    await asyncio.wait_for(probe.cancelled.wait(), 10)


async def test_a_websocket_carries_messages_both_ways(rest, probe):
    """Law: text is JSON, binary is the field of bytes, an empty text ends the caller's side."""
    async with talk(rest) as socket:
        await socket.send('{"text": "hi"}')
        assert json.loads(await socket.recv()) == {"text": "hi"}
        await socket.send(b"\x00\xff\x01")
        assert json.loads(await socket.recv()) == {"size": "3"}
        await socket.send("")
        assert json.loads(await socket.recv()) == {"text": "end"}
        with pytest.raises(ConnectionClosedOK):
            await socket.recv()
    assert socket.close_code == 1000
    assert probe.pieces == 2


async def test_a_failed_stream_closes_with_its_code(rest):
    """Law: the last message has the whole status, and the close code is 4000 and its code."""
    async with talk(rest) as socket:
        await socket.send('{"code": 8}')
        assert json.loads(await socket.recv())["error"]["code"] == 8
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 4008


@pytest.mark.parametrize("text", ["{", '{"text": 1}', '{"unknown": 1}', '{"text":"a","text":"b"}'])
async def test_a_message_that_can_not_be_read_ends_the_stream(rest, probe, text):
    """Law: messages are read as strictly as bodies."""
    async with talk(rest) as socket:
        await socket.send('{"text": "a"}')
        await socket.recv()
        await socket.send(text)
        assert json.loads(await socket.recv())["error"]["code"] == 3
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 4003
    await asyncio.wait_for(probe.cancelled.wait(), 10)


async def test_a_message_after_the_last_one_is_refused(rest, probe):
    """Law: the empty message is the last."""
    probe.gate.clear()  # else the RPC might end before the late one comes
    async with talk(rest) as socket:
        await socket.send('{"text": "a"}')
        await socket.send("")
        await socket.send('{"text": "late"}')
        assert json.loads(await socket.recv())["error"]["code"] == 3
    assert socket.close_code == 4003


async def test_a_client_that_leaves_ends_the_rpc(rest, probe):
    """Law: closing the socket cancels the RPC."""
    probe.gate.clear()
    async with talk(rest) as socket:
        await socket.send('{"text": "hi"}')
    await asyncio.wait_for(probe.cancelled.wait(), 10)


async def test_nothing_is_read_that_the_rpc_has_no_room_for(rest, probe):
    """Law: a server that does not read stops the client's writing long before memory is full."""
    probe.gate.clear()
    piece, sent = bytes(1 << 20), 0
    async with talk(rest) as socket:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                while sent < 64:
                    await socket.send(piece)
                    sent += 1
        assert 0 < sent < 32
        probe.gate.set()
        for _ in range(sent):
            assert json.loads(await socket.recv()) == {"size": str(1 << 20)}


async def test_a_large_message_closes_with_1009(serve_rest):
    """Law: a message over the limit is not read."""
    rest = await serve_rest(server_options={"max_websocket_message_bytes": 1000})
    async with talk(rest) as socket:
        await socket.send(b"x" * 2000)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1009


async def test_keys_come_in_the_handshake(rest, probe):
    """Law: a program sends its key as a header, a browser as a subprotocol."""
    async with talk(rest, additional_headers={"authorization": "Bearer abc"}) as socket:
        await socket.send("")
        await socket.recv()
    async with talk(rest, subprotocols=["gavel.v1", "gavel.key.abc"]) as socket:
        assert socket.subprotocol == "gavel.v1"
        await socket.send("")
        await socket.recv()
    assert probe.metadata[0]["authorization"] == "Bearer abc"
    assert probe.metadata[1]["x-api-key"] == "abc"


async def test_pages_of_other_origins_open_none(serve_rest):
    """Law: a web page opens a socket only from the gateway's own origin or an allowed one."""
    rest = await serve_rest(options=GatewayOptions(allowed_origins=("https://app.example",)))
    for origin in ("https://app.example", f"http://127.0.0.1:{rest.port}"):
        async with talk(rest, origin=origin) as socket:
            await socket.send("")
            assert json.loads(await socket.recv()) == {"text": "end"}
    with pytest.raises(InvalidStatus) as refused:
        await talk(rest, origin="https://evil.example")
    assert refused.value.response.status_code == 403


async def test_a_plain_request_is_told_to_upgrade(rest):
    """Law: asking for a WebSocket's path without an upgrade is 426."""
    answer = await rest.client.get("/probe/talk")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


async def test_an_unknown_socket_is_404(rest):
    """Law: a socket that is not there is refused with a status, before it opens."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{rest.port}/probe/query", proxy=None)
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body)["code"] == 5


async def test_many_sockets_leave_room_for_calls(rest):
    """Law: streams that stay open take no place that calls need on a connection."""
    sockets = [await talk(rest) for _ in range(120)]
    for socket in sockets:
        await socket.send('{"text": "a"}')
    for socket in sockets:
        assert json.loads(await socket.recv()) == {"text": "a"}
    assert (await rest.client.get("/probe/query")).status_code == 200
    assert rest.metric("gavel_rest_open_websockets", route="/probe/talk") == 120
    for socket in sockets:
        await socket.close()
