"""Looks host names up, on threads of its own: a name server that stalls holds up fetches alone."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

THREADS: Final = 8


class Resolver(Protocol):
    """Finds the addresses of a host."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the host's IP addresses, the best first; empty if it has none.

        A host that is an address already, in any spelling that the system reads, gives that.
        """
        ...


class SystemResolver:
    """Asks the operating system, which knows /etc/hosts, DNS and every spelling of an address.

    So many look-ups go on at once as there are ``threads``, which are made as they are needed.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="gavel-resolve")

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the host's IP addresses as the operating system orders them."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses, host, port)

    def close(self) -> None:
        """Let go of the threads; one that waits for a name server ends when the system gives up."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
