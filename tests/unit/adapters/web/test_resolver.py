"""Names are looked up beside each other, on threads that a stalled name server can't use up."""

import asyncio
import socket
import threading

import pytest

from gaveld.adapters.web.guard.resolver import SystemResolver


async def test_a_stalled_look_up_holds_up_no_other(monkeypatch: pytest.MonkeyPatch):
    """Law: while there are threads left, names that stall keep nobody else from an answer."""
    answering, stalled = threading.Event(), threading.Semaphore(0)
    ask = socket.getaddrinfo

    def stalling(host: str, *arguments: object, **options: object):
        if host == "stalls.example":
            stalled.release()
            assert answering.wait(60)
            return []
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stalling)
    resolver = SystemResolver(threads=3)
    try:
        slow = [asyncio.create_task(resolver.resolve("stalls.example", 80)) for _ in range(2)]
        for _ in slow:
            assert await asyncio.to_thread(stalled.acquire, timeout=60)
        assert await resolver.resolve("127.0.0.1", 80) == ("127.0.0.1",)
        assert not any(task.done() for task in slow)
        answering.set()
        assert [await task for task in slow] == [(), ()]
    finally:
        answering.set()
        resolver.close()
