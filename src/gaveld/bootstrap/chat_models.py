"""The settings of chat-model reviewers, and the reviewers that they describe.

Nothing here calls an endpoint: one that is missing or refuses is found out by the first review.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    model_validator,
)

from gaveld.adapters.reviewers.chat_model import (
    ANSWER_TOKENS,
    OWN_FIELDS,
    THOUGHT_TOKENS,
    AnswerForm,
    ChatOptions,
    GptOssSafeguard,
    JsonReview,
    LlamaGuard,
    Phrasing,
    Qwen3Guard,
    ShieldGemma,
)
from gaveld.adapters.reviewers.embedded import MEMBERS
from gaveld.application.ports import Reviewer
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import HEAVIEST
from gaveld.domain.reviews import ReviewerCard

_JSON_ONLY: Final = ("rules", "constraint")
_BY_RULES: Final = ("rule_texts", "max_tokens")
_EMBEDDED: Final = frozenset(member.name for member in MEMBERS)


def _free(name: str) -> str:
    if name in _EMBEDDED:  # whether or not they are switched on: answers would be mistaken
        raise ValueError(f"{name} is the name of an embedded reviewer")
    return name


def base_url(url: str) -> str:
    """Return the URL if a model server can be at it; else raise ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError("must be a URL such as http://vllm:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment; a key has its own place")
    return url


def _not_ours(extra: dict[str, Any]) -> dict[str, Any]:
    taken = sorted(OWN_FIELDS & extra.keys())
    if taken:
        raise ValueError(f"Gavel itself sets {', '.join(taken)}")
    return extra


def _in_catalogue(texts: dict[str, str]) -> dict[str, str]:
    unknown = sorted(texts.keys() - CATALOGUE.keys())
    if unknown:
        raise ValueError(f"no category {unknown[0]!r}")
    return texts


class ChatModelSettings(BaseModel):
    """One model behind an OpenAI-compatible endpoint, which is a reviewer under ``name``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$"), AfterValidator(_free)]
    url: Annotated[str, AfterValidator(base_url)]
    """The base that ``/chat/completions`` is added to, such as ``http://vllm:8000/v1``."""
    model: Annotated[str, Field(min_length=1)]
    model_version: str = ""
    """What answers say of the model's version."""
    form: Literal["json", "llama_guard", "qwen3_guard", "shield_gemma", "gpt_oss_safeguard"] = (
        "json"
    )
    """How it is asked and answers; ``json`` is for every model that follows instructions."""
    api_key_file: FilePath | None = None
    """A file with the API key, such as a mounted secret; read again for each request."""
    api_key_env: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The environment variable with the API key, instead of a file."""
    weight: Annotated[float, Field(ge=0, le=HEAVIEST)] = 1.0
    """What its ballot weighs in the method ``score``."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    """None leaves it to the server, for models that refuse to be told."""
    max_tokens: Annotated[int, Field(ge=16, le=131_072)] | None = None
    """How long an answer may be, with what the model thinks; None takes the form's default."""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    """How long one question may take with all its attempts."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often a request is sent at most when the endpoint is busy or fails."""
    max_concurrent: Annotated[int, Field(ge=1, le=1024)] = 4
    """How many requests the endpoint has at a time; others wait."""
    hedge_after_seconds: Annotated[float, Field(gt=0, le=600)] | None = None
    """After so long a second request is sent, and the first answer counts; None: never."""
    reads_images: bool = False
    """Whether pictures and frames are shown to it."""
    rules: Phrasing = Phrasing.DESCRIBED
    """Whether it is told the rules by name and description, or by name alone (form ``json``)."""
    rule_texts: Annotated[dict[str, str], AfterValidator(_in_catalogue)] = {}
    """Your own words for rules, by id."""
    constraint: Literal["schema", "object", "none"] = "schema"
    """How the server is asked to keep answers to JSON (form ``json``)."""
    token_probabilities: bool = False
    """Ask for probabilities of tokens, from which a guard model's confidence is then taken."""
    extra: Annotated[dict[str, Any], AfterValidator(_not_ours)] = {}
    """More fields for each request, such as ``{reasoning_effort: low}``."""

    @model_validator(mode="after")
    def _one_key(self) -> "ChatModelSettings":
        if self.api_key_file is not None and self.api_key_env is not None:
            raise ValueError("api_key_file and api_key_env are two places for one key")
        if self.api_key_env is not None and self.api_key_env not in os.environ:
            raise ValueError(f"api_key_env: no variable {self.api_key_env}")
        return self

    @model_validator(mode="after")
    def _fits_its_form(self) -> "ChatModelSettings":
        idle: list[str] = []
        if self.form != "json":
            idle += [name for name in _JSON_ONLY if name in self.model_fields_set]
        if self.form not in {"json", "gpt_oss_safeguard"}:
            idle += [name for name in _BY_RULES if name in self.model_fields_set]
        if idle:
            raise ValueError(f"the form {self.form} has no use for {', '.join(idle)}")
        if self.reads_images and not form_of(self).can_see:
            raise ValueError(f"reads_images: the form {self.form} shows no pictures")
        return self


def named_once(models: tuple[ChatModelSettings, ...]) -> tuple[ChatModelSettings, ...]:
    """Return the models if no two have one name; else raise ``ValueError``."""
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return models


def chat_reviewers(
    models: Sequence[ChatModelSettings], stack: AsyncExitStack
) -> tuple[Reviewer, ...]:
    """Return one reviewer for each model, in order. Their connections are closed by the stack."""
    return tuple(_reviewer(model, stack) for model in models)


def form_of(settings: ChatModelSettings) -> AnswerForm:
    """Return how a model is asked."""
    match settings.form:
        case "json":
            tokens = settings.max_tokens or ANSWER_TOKENS
            return JsonReview(settings.rules, settings.rule_texts, tokens)
        case "gpt_oss_safeguard":
            return GptOssSafeguard(settings.rule_texts, settings.max_tokens or THOUGHT_TOKENS)
        case "llama_guard":
            return LlamaGuard()
        case "qwen3_guard":
            return Qwen3Guard()
        case "shield_gemma":
            return ShieldGemma()


def _reviewer(settings: ChatModelSettings, stack: AsyncExitStack) -> Reviewer:
    from gaveld.adapters.reviewers.chat_model.endpoint import ChatEndpoint, EndpointOptions
    from gaveld.adapters.reviewers.chat_model.reviewer import ChatModelReviewer

    form = form_of(settings)
    endpoint = ChatEndpoint(
        settings.name,
        EndpointOptions(
            settings.url,
            settings.timeout_seconds,
            settings.attempts,
            settings.max_concurrent,
            settings.hedge_after_seconds,
        ),
        ChatOptions(
            settings.model,
            settings.temperature,
            settings.constraint,
            settings.token_probabilities,
            settings.extra,
        ),
        _key_reader(settings),
    )
    stack.push_async_callback(endpoint.aclose)
    card = ReviewerCard(
        settings.name,
        settings.model,
        settings.model_version,
        settings.weight,
        reads_custom_prompts=form.reads_custom_prompts,
        reads_images=settings.reads_images,
        limits=form.limits if settings.reads_images else f"{form.limits} It sees no pictures.",
    )
    return ChatModelReviewer(card, endpoint, form)


def _key_reader(settings: ChatModelSettings) -> Callable[[], str] | None:
    if settings.api_key_file is not None:
        return settings.api_key_file.read_text
    if settings.api_key_env is not None:
        key = os.environ[settings.api_key_env]
        return lambda: key
    return None
