"""Settings of what the operator runs beside Gavel: an antivirus, and servers that hear and see."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gaveld.adapters.antivirus import ClamdAddress
from gaveld.bootstrap.chat_models import base_url
from gaveld.bootstrap.settings.section import ReadableFile, Section

Seconds = Annotated[float, Field(gt=0, le=600)]
Concurrency = Annotated[int, Field(ge=1, le=1024)]


def _clamd_address(url: str) -> str:
    ClamdAddress.parse(url)
    return url


class AntivirusSettings(Section):
    """The clamd that scans files; none scans nothing."""

    address: Annotated[str, AfterValidator(_clamd_address)] | None = None
    """``tcp://host:port`` or ``unix:///path``."""
    timeout_seconds: Seconds = 15.0
    """How long one file may take, from connecting to the answer."""
    max_concurrent: Concurrency = 8
    """How many files clamd has at a time; others wait. It has 10 threads if nobody said more."""


class _ModelServerSettings(Section):
    url: Annotated[str, AfterValidator(base_url)] | None = None
    """The base of an OpenAI-compatible server, such as ``http://speech:8000/v1``."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """The model's name at the server."""
    api_key_file: ReadableFile | None = None
    """A file with the API key; it is read for each request, so that a new key needs no restart."""
    timeout_seconds: Seconds = 30.0
    """How long one question may take, with the wait for a place and a second attempt."""
    max_concurrent: Concurrency = 2
    """How many questions the server has at a time; others wait."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.url is None) != (self.model is None):
            raise ValueError("url and model go together")
        if self.url is None and self.api_key_file is not None:
            raise ValueError("api_key_file needs url and model")
        return self


class SpeechSettings(_ModelServerSettings):
    """The server that writes down what is said in videos."""

    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] | None = None
    """The ISO 639 code of what is spoken, if it is always the same; else the model finds out."""
    segment_times: bool = True
    """Ask for the times of segments (``verbose_json``), which some models refuse."""


class DescriptionSettings(_ModelServerSettings):
    """The chat model that says in a sentence what a picture shows."""

    max_tokens: Annotated[int, Field(ge=16, le=131_072)] = 160
    """How long an answer may be, with what the model thinks."""
