"""What is said to a chat model and what it says back, in the words of the OpenAI chat API.

It knows the shape of requests and answers, and nothing of rules, ballots or connections.
"""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gaveld.adapters.reviewers.chat_model.errors import EndpointError, UnreadableAnswerError

LONGEST_ANSWER_CHARS: Final = 65_536

OWN_FIELDS: Final = frozenset(
    {"model", "messages", "temperature", "max_tokens", "response_format", "logprobs"}
    | {"top_logprobs", "stream", "n", "tools", "tool_choice"}
)
"""The fields of a request that are ours to fill, and not an operator's."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG to show, of the type ``media_type``."""

    data: bytes = field(repr=False)
    media_type: str

    @property
    def data_url(self) -> str:
        """The picture as a URL that holds it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """One question: instructions, which only ``system`` holds, and content, which ``user`` holds.

    An empty ``system`` is left out. ``answer_schema`` is the JSON schema of the answer, or None
    for a model that answers in its own form.
    """

    user: str = field(repr=False)
    system: str = field(default="", repr=False)
    pictures: tuple[Picture, ...] = ()
    max_tokens: int = 64
    answer_schema: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a model said. ``tokens`` are those of the answer with the probability, 0–1, of each.

    They are empty when the server was not asked for them, or does not tell.
    """

    text: str = field(repr=False)
    tokens: tuple[tuple[str, float], ...] = field(default=(), repr=False)

    def probability(self, word: str) -> float | None:
        """Return how likely a word of the answer was, by its first token; None if unknown."""
        for token, probability in self.tokens:
            begun = token.strip().casefold()
            if begun and word.casefold().startswith(begun):
                return probability
        return None


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What every request to one model says besides its prompt.

    ``constraint`` is how the server is asked to keep an answer to its schema: ``schema`` (the
    schema itself), ``object`` (any JSON object) or ``none``. ``temperature`` None leaves it to
    the server. ``extra`` are more fields; ``max_completion_tokens`` among them takes the place of
    ``max_tokens``.
    """

    model: str
    temperature: float | None = 0.0
    constraint: str = "schema"
    wants_probabilities: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def request_body(prompt: ChatPrompt, options: ChatOptions) -> bytes:
    """Return the JSON of a chat completion request."""
    content: Any = prompt.user
    if prompt.pictures:
        shown = [{"type": "image_url", "image_url": {"url": p.data_url}} for p in prompt.pictures]
        content = [{"type": "text", "text": prompt.user}, *shown]
    messages = [{"role": "user", "content": content}]
    if prompt.system:
        messages.insert(0, {"role": "system", "content": prompt.system})
    body: dict[str, Any] = {
        **options.extra,
        "model": options.model,
        "messages": messages,
        "stream": False,
    }
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if "max_completion_tokens" not in options.extra:
        body["max_tokens"] = prompt.max_tokens
    if options.wants_probabilities:
        body |= {"logprobs": True, "top_logprobs": 1}
    if prompt.answer_schema is not None and options.constraint != "none":
        body["response_format"] = _response_format(prompt.answer_schema, options.constraint)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def read_completion(body: bytes) -> ChatAnswer:
    """Return the first choice of a chat completion.

    Raises ``EndpointError`` for what is no chat completion, and ``UnreadableAnswerError`` for an
    answer that is empty, was cut off, or was refused by the model or its server.
    """
    try:
        choice = json.loads(body)["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        text = message.get("content") or ""
        refused = bool(message.get("refusal")) or finish == "content_filter"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EndpointError("Its endpoint's answer is no chat completion.") from error
    if refused:
        raise UnreadableAnswerError("It refused to judge the content.")
    if finish == "length":
        raise UnreadableAnswerError("Its answer was cut off at the most tokens that it may have.")
    if not isinstance(text, str) or not text.strip():
        raise UnreadableAnswerError("Its answer was empty.")
    if len(text) > LONGEST_ANSWER_CHARS:
        raise UnreadableAnswerError("Its answer was too long.")
    return ChatAnswer(text, _tokens(choice))


def _response_format(schema: Mapping[str, Any], constraint: str) -> dict[str, Any]:
    if constraint == "object":
        return {"type": "json_object"}
    named = {"name": "review", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": named}


def _tokens(choice: Any) -> tuple[tuple[str, float], ...]:
    told = choice.get("logprobs")
    entries = told.get("content") if isinstance(told, dict) else None
    tokens: list[tuple[str, float]] = []
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case {"token": str(token), "logprob": int() | float() as logprob}:
                tokens.append((token, math.exp(min(0.0, logprob))))
    return tuple(tokens)
