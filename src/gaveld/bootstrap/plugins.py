"""Makes the adapters of what the operator runs beside Gavel, each None if it is not named.

Nothing is asked of an antivirus or a model server here: one that is missing or refuses is found out
by what needs it, and counts as not checked.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from gaveld.adapters.antivirus import ClamdAddress, ClamdClassifier, ClamdClient
from gaveld.application.ports import Classifier, FrameEncoder, PictureDescriber, Transcriber
from gaveld.bootstrap.settings import AntivirusSettings, DescriptionSettings, SpeechSettings
from gaveld.domain.media import MediaFile


def antivirus(settings: AntivirusSettings) -> Classifier[MediaFile] | None:
    """Return what scans files, None if no clamd is named."""
    if settings.address is None:
        return None
    address = ClamdAddress.parse(settings.address)
    client = ClamdClient(address, timeout_seconds=settings.timeout_seconds)
    return ClamdClassifier(client, max_concurrent=settings.max_concurrent)


def transcriber(settings: SpeechSettings, stack: AsyncExitStack) -> Transcriber | None:
    """Return what hears speech, None if no server is named. The stack closes its connections."""
    if settings.url is None or settings.model is None:
        return None
    # An HTTP client is 50 ms and 3 MB that only those who use it should pay for.
    from gaveld.adapters.model_servers.server import ModelServer, ServerOptions
    from gaveld.adapters.model_servers.transcription import ServedTranscriber

    options = ServerOptions(settings.url, settings.timeout_seconds, settings.max_concurrent)
    server = ModelServer(options, _key_reader(settings.api_key_file))
    stack.push_async_callback(server.aclose)
    return ServedTranscriber(
        server,
        settings.model,
        language=settings.language or "",
        wants_times=settings.segment_times,
    )


def picture_describer(
    settings: DescriptionSettings, encoder: FrameEncoder, stack: AsyncExitStack
) -> PictureDescriber | None:
    """Return what describes pictures, None if no server is named.

    The stack closes its connections.
    """
    if settings.url is None or settings.model is None:
        return None
    from gaveld.adapters.model_servers.description import ServedDescriber
    from gaveld.adapters.model_servers.server import ModelServer, ServerOptions

    options = ServerOptions(settings.url, settings.timeout_seconds, settings.max_concurrent)
    server = ModelServer(options, _key_reader(settings.api_key_file))
    stack.push_async_callback(server.aclose)
    return ServedDescriber(server, settings.model, encoder, max_tokens=settings.max_tokens)


def _key_reader(file: Path | None) -> Callable[[], str] | None:
    return None if file is None else file.read_text
