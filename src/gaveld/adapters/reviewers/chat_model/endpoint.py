"""One chat endpoint over HTTP: pooled connections, a limit, retries, hedging and a breaker.

It logs whether the endpoint is up, by its name; never a request, an answer, a header or the key.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx2
import stamina

from gaveld.adapters.reviewers.chat_model.breaker import CircuitBreaker
from gaveld.adapters.reviewers.chat_model.chat import (
    ChatAnswer,
    ChatOptions,
    ChatPrompt,
    read_completion,
    request_body,
)
from gaveld.adapters.reviewers.chat_model.errors import EndpointError
from gaveld.adapters.reviewers.chat_model.hedging import hedged
from gaveld.adapters.reviewers.chat_model.refusals import refusal

CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0
MOST_ANSWER_BYTES: Final = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How an endpoint is called.

    ``url`` is the base that ``/chat/completions`` is added to. ``timeout_seconds`` bounds one
    question with all its attempts; ``hedge_after_seconds`` None never asks twice at once.
    """

    url: str
    timeout_seconds: float = 20.0
    attempts: int = 3
    max_concurrent: int = 4
    hedge_after_seconds: float | None = None


class ChatEndpoint:
    """Asks one model on one server.

    ``read_key`` returns the API key, or None where the server wants none; it is read for each
    request, so that a new key needs no restart. It raises ``OSError`` if it can't.
    """

    def __init__(
        self,
        name: str,
        options: EndpointOptions,
        chat: ChatOptions,
        read_key: Callable[[], str] | None = None,
    ) -> None:
        self._name = name
        self._options = options
        self._chat = chat
        self._read_key = read_key
        self._slots = asyncio.Semaphore(options.max_concurrent)
        self._breaker = CircuitBreaker(self._tell)
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(
                max_connections=options.max_concurrent, keepalive_expiry=IDLE_SECONDS
            ),
            follow_redirects=False,
            trust_env=False,
            headers={"accept-encoding": "identity", "user-agent": "gavel"},
        )
        self._url = f"{options.url.rstrip('/')}/chat/completions"

    async def ask(self, prompt: ChatPrompt) -> ChatAnswer:
        """Return the model's answer, within the timeout.

        Raises ``EndpointError`` or ``UnreadableAnswerError``. If cancelled, the connection is
        closed, so that the server may stop, and the place under the limit is free.
        """
        body = request_body(prompt, self._chat)
        deadline = asyncio.get_running_loop().time() + self._options.timeout_seconds
        once = partial(self._once, body, deadline)
        async for attempt in stamina.retry_context(
            on=partial(_wait_for, deadline),
            attempts=self._options.attempts,
            timeout=None,  # the deadline bounds it
            wait_initial=0.1,
            wait_max=5.0,
            wait_jitter=0.2,
        ):
            with attempt:
                return await hedged(once, self._options.hedge_after_seconds, self._has_room)
        raise AssertionError("stamina raises the last failure")

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        await self._client.aclose()

    async def _once(self, body: bytes, deadline: float) -> ChatAnswer:
        async with self._slot(deadline):
            with self._breaker.attempt():
                try:
                    async with asyncio.timeout_at(deadline):
                        return await self._exchange(body)
                except TimeoutError:
                    seconds = self._options.timeout_seconds
                    raise EndpointError(
                        f"It had not answered after {seconds:.3g} s.", is_outage=True
                    ) from None

    @asynccontextmanager
    async def _slot(self, deadline: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise EndpointError("Too many reviews were waiting for its endpoint.") from None
        try:
            yield
        finally:
            self._slots.release()

    async def _exchange(self, body: bytes) -> ChatAnswer:
        try:
            async with self._client.stream(
                "POST", self._url, content=body, headers=self._headers()
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise refusal(response.status_code, response.headers.get("retry-after"))
                return read_completion(await _whole(response))
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise EndpointError(
                "Its endpoint can't be reached.", is_transient=True, is_outage=True
            ) from error
        except httpx2.RequestError as error:
            raise EndpointError(
                "Its endpoint broke off before it had answered.", is_transient=True, is_outage=True
            ) from error

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self._read_key is not None:
            try:
                key = self._read_key().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise EndpointError("Its API key can't be read.") from error
            if not (key.isascii() and key.isprintable()):
                raise EndpointError("Its API key holds characters that no header may hold.")
            headers["authorization"] = f"Bearer {key}"
        return headers

    def _has_room(self) -> bool:
        return not self._slots.locked() and not self._breaker.is_open

    def _tell(self, is_open: bool) -> None:  # noqa: FBT001 - told by the breaker alone
        if is_open:
            _log.warning("chat model %s keeps failing and is left alone for a while", self._name)
        else:
            _log.warning("chat model %s answers again", self._name)


async def _whole(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_ANSWER_BYTES:
            raise EndpointError("Its endpoint's answer is too large.")
    return bytes(body)


def _wait_for(deadline: float, failure: Exception) -> bool | float:
    """Whether, or after how many seconds, to ask again: never later than the deadline."""
    if not isinstance(failure, EndpointError) or not failure.is_transient:
        return False
    left = deadline - asyncio.get_running_loop().time()
    wait = failure.retry_after_seconds
    if wait is None:
        return left > 0
    return wait if wait < left else False
