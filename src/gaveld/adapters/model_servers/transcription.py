"""Speech written down by a server that has OpenAI's ``/audio/transcriptions``.

Each stretch of sound is sent as a WAV file, unless it is silent. What is said is judged elsewhere.
"""

import io
import math
import wave
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from gaveld.adapters.model_servers.server import (
    ModelServer,
    ModelServerError,
    Upload,
    read_json,
)
from gaveld.domain.signals import ClassifierCard
from gaveld.domain.videos import Sound, SpokenText

NAME: Final = "speech"
SAMPLES_PER_SECOND: Final = 16_000
BYTES_PER_SAMPLE: Final = 2
LOUDEST: Final = 32_768

SILENCE_DBFS: Final = -50.0
"""Sound that stays below this, in decibels under the loudest there can be, is not sent."""

WINDOW_SAMPLES: Final = 800
"""Loudness is that of 50 ms at a time, so that one word in a long silence is heard."""

_LIMITS: Final = (
    "Hears what its model hears: noise, music, dialects and rare languages make it miss words or "
    "write others. Sound below -50 dBFS is taken for silence."
)


class ServedTranscriber:
    """Sends sound to a server, which may be busy or gone; the card's version is the model's name.

    ``language`` is the ISO 639-1 code of what is spoken, and empty to let the model find out.
    ``wants_times`` asks for the times of each segment, which not every model can tell.
    """

    def __init__(
        self, server: ModelServer, model: str, *, language: str = "", wants_times: bool = True
    ) -> None:
        self._server = server
        self._fields = {
            "model": model,
            "response_format": "verbose_json" if wants_times else "json",
            "temperature": "0",
        }
        if language:
            self._fields["language"] = language
        self._card = ClassifierCard(NAME, model, frozenset(), limits=_LIMITS)

    @property
    def card(self) -> ClassifierCard:
        """What it is."""
        return self._card

    async def transcribe(self, sound: Sound) -> tuple[SpokenText, ...]:
        """Return what is said, in order; as one text where the server tells no times.

        Raises ``ModelServerError``. If cancelled, the connection is closed.
        """
        if is_silent(sound.pcm):
            return ()
        upload = Upload(self._fields, "sound.wav", wav(sound.pcm), "audio/wav")
        answer = await self._server.ask("/audio/transcriptions", upload)
        return tuple(_spoken(read_json(answer), sound))


def is_silent(pcm: bytes) -> bool:
    """Whether no 50 ms of 16-bit samples are as loud as speech in the next room would be."""
    samples = np.frombuffer(pcm, "<i2", count=len(pcm) // BYTES_PER_SAMPLE).astype(np.float32)
    if not samples.size:
        return True
    starts = np.arange(0, samples.size, WINDOW_SAMPLES)
    lengths = np.diff(starts, append=samples.size)
    power = np.add.reduceat(samples**2, starts) / lengths
    return bool(power.max() < LOUDEST**2 * 10 ** (SILENCE_DBFS / 10))


def wav(pcm: bytes) -> bytes:
    """Return a WAV file of one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(BYTES_PER_SAMPLE)
        writer.setframerate(SAMPLES_PER_SECOND)
        writer.writeframes(pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE])
    return file.getvalue()


def _spoken(answer: Any, sound: Sound) -> Iterator[SpokenText]:
    match answer:
        case {"segments": [_, *_] as segments}:
            for segment in segments:
                yield from _segment(segment, sound)
        case {"text": str(text)}:
            if text.strip():
                yield SpokenText(sound.start_seconds, sound.end_seconds, text.strip())
        case _:
            raise ModelServerError("Its answer is no transcription.")


def _segment(segment: Mapping[str, Any] | Any, sound: Sound) -> Iterator[SpokenText]:
    match segment:
        case {"start": int() | float() as start, "end": int() | float() as end, "text": str(text)}:
            if not (math.isfinite(start) and math.isfinite(end)):
                raise ModelServerError("Its answer is no transcription.")
            begun = _within(sound, start)
            if text.strip():
                yield SpokenText(begun, max(begun, _within(sound, end)), text.strip())
        case _:
            raise ModelServerError("Its answer is no transcription.")


def _within(sound: Sound, seconds: float) -> float:
    """Return a time of a stretch of sound as one of the video."""
    return min(max(sound.start_seconds, sound.start_seconds + seconds), sound.end_seconds)
