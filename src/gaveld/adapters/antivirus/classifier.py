"""A clamd as a classifier of files, whatever is in them: what it recognises is malware.

A file that clamd does not look at to its end counts as unread, and one that it says nothing of as a
failure; neither is clean.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gaveld.adapters.antivirus.clamd import ClamdClient, ClamdError
from gaveld.domain.media import MediaFile
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding

NAME: Final = "antivirus"
CATEGORY: Final = "S3"
ABSENT_ANTIVIRUS: Final = ClassifierCard(NAME, "", frozenset({CATEGORY}))
"""The card of an antivirus that no clamd is named for."""

VERSION_SECONDS: Final = 600.0
"""How old the known version may be: clamd loads new signatures while it runs."""

KNOWN_MALWARE: Final = 0.99
SUSPECTED: Final = 0.5
"""For what clamd only suspects: its heuristics, and programs that are unwanted and no malware."""

_LIMITS: Final = (
    "Knows malware by the signatures that its clamd has, and looks no further than clamd's own "
    "limits for size and depth allow."
)
_SUSPICIONS: Final = ("Heuristics.", "PUA.")
_LIMIT_EXCEEDED: Final = "Heuristics.Limits.Exceeded"
_NAME: Final = re.compile(r"[A-Za-z0-9._:+/@()-]{1,80}")
_TOO_LARGE: Final = "The antivirus takes no file of this size."
_NOT_TO_ITS_END: Final = "The antivirus did not look at the file to its end."

_log = logging.getLogger(__name__)


class ClamdClassifier:
    """Has files scanned, up to ``max_concurrent`` at a time; others wait as long as their callers.

    ``clock`` gives seconds, and is there for tests.
    """

    def __init__(
        self,
        client: ClamdClient,
        *,
        max_concurrent: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(max_concurrent)
        self._clock = clock
        self._asked_at: float | None = None
        self._card = ClassifierCard(NAME, "unknown", frozenset({CATEGORY}), limits=_LIMITS)

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is. The version is clamd's engine and database, as last told."""
        return self._card

    async def warm_up(self) -> None:
        """Ask for the version. A clamd that still loads its signatures keeps no server waiting."""
        try:
            await self._learn_version()
        except ClamdError as error:
            _log.warning("antivirus can't be asked yet, so files count as not checked: %s", error)

    async def classify(self, sample: MediaFile) -> ClassifierReport:
        """Return malware as a finding without a place. Raises ``ClamdError``."""
        async with self._slots:
            if self._asked_at is None or self._clock() - self._asked_at >= VERSION_SECONDS:
                await self._learn_version()
            reply = await self._client.scan(sample.data)
        if reply.is_too_large:
            return ClassifierReport(unread=_TOO_LARGE)
        if reply.signature is None:
            return ClassifierReport()
        if reply.signature.startswith(_LIMIT_EXCEEDED):
            return ClassifierReport(unread=_NOT_TO_ITS_END)
        return ClassifierReport((self._finding(reply.signature),))

    async def _learn_version(self) -> None:
        version = await self._client.version()
        self._asked_at = self._clock()
        self._card = replace(self._card, version=version)

    def _finding(self, signature: str) -> Finding:
        score = SUSPECTED if signature.startswith(_SUSPICIONS) else KNOWN_MALWARE
        reason = "Matches a virus signature."
        if _NAME.fullmatch(signature):
            reason = f"Matches the antivirus signature {signature}."
        return Finding(CATEGORY, score, reason, NAME, self._card.version)
