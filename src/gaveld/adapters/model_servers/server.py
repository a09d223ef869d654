"""One model server over HTTP: pooled connections, a limit, a deadline and one more attempt.

It says why there is no answer in fixed words and numbers; never a request, an answer, an address
or the key.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import stamina

CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0
ATTEMPTS: Final = 2
MOST_ANSWER_BYTES: Final = 1 << 20
_BUSY: Final = frozenset({408, 425, 429})
_SERVER_FAULTS: Final = 500


class ModelServerError(Exception):
    """There is no answer; the message says why. ``is_transient``: asking again may help."""

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is called.

    ``url`` is the base that paths such as ``/chat/completions`` are added to. ``timeout_seconds``
    bounds one question with both its attempts and the wait for a place among the
    ``max_concurrent`` that are asked at a time.
    """

    url: str
    timeout_seconds: float = 30.0
    max_concurrent: int = 2


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send as multipart form data, with fields beside it."""

    fields: Mapping[str, str]
    name: str
    content: bytes
    media_type: str


class ModelServer:
    """Asks one server. Call ``aclose`` at the end.

    ``read_key`` returns the API key, or is None where the server wants none; it is called for each
    request, so that a new key needs no restart. It raises ``OSError`` if it can't.
    """

    def __init__(self, options: ServerOptions, read_key: Callable[[], str] | None = None) -> None:
        self._options = options
        self._read_key = read_key
        self._slots = asyncio.Semaphore(options.max_concurrent)
        self._base = options.url.rstrip("/")
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(
                max_connections=options.max_concurrent, keepalive_expiry=IDLE_SECONDS
            ),
            follow_redirects=False,
            trust_env=False,
            headers={"accept-encoding": "identity", "user-agent": "gavel"},
        )

    async def ask(self, path: str, question: Mapping[str, Any] | Upload) -> bytes:
        """Post JSON or a file to a path and return the answer, up to ``MOST_ANSWER_BYTES``.

        Raises ``ModelServerError``. If cancelled, the connection is closed.
        """
        try:
            async with asyncio.timeout(self._options.timeout_seconds), self._slots:
                async for attempt in stamina.retry_context(
                    on=_is_transient,
                    attempts=ATTEMPTS,
                    timeout=None,
                    wait_initial=0.1,
                    wait_jitter=0.1,
                ):
                    with attempt:
                        return await self._exchange(path, question)
        except TimeoutError as error:
            seconds = self._options.timeout_seconds
            raise ModelServerError(f"It had not answered after {seconds:.3g} s.") from error
        raise AssertionError("stamina raises the last failure")

    async def aclose(self) -> None:
        """Close every connection. Idempotent."""
        await self._client.aclose()

    async def _exchange(self, path: str, question: Mapping[str, Any] | Upload) -> bytes:
        try:
            async with self._client.stream(
                "POST", self._base + path, headers=self._headers(), **_body(question)
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise _refusal(response.status_code)
                return await _whole(response)
        except httpx2.RequestError as error:
            raise ModelServerError("Its server can't be reached.", is_transient=True) from error

    def _headers(self) -> dict[str, str]:
        if self._read_key is None:
            return {}
        try:
            key = self._read_key().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelServerError("Its API key can't be read.") from error
        if not (key.isascii() and key.isprintable()):
            raise ModelServerError("Its API key holds characters that no header may hold.")
        return {"authorization": f"Bearer {key}"}


def read_json(answer: bytes) -> Any:
    """Return an answer's JSON. Raises ``ModelServerError`` for anything else."""
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise ModelServerError("Its answer is not JSON.") from error


def _body(question: Mapping[str, Any] | Upload) -> dict[str, Any]:
    if isinstance(question, Upload):
        file = (question.name, question.content, question.media_type)
        return {"data": dict(question.fields), "files": {"file": file}}
    return {"json": question}


def _is_transient(failure: Exception) -> bool:
    return isinstance(failure, ModelServerError) and failure.is_transient


def _refusal(status: int) -> ModelServerError:
    is_transient = status in _BUSY or status >= _SERVER_FAULTS
    return ModelServerError(f"Its server answered with HTTP {status}.", is_transient=is_transient)


async def _whole(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_ANSWER_BYTES:
            raise ModelServerError("Its answer is too large.")
    return bytes(body)
