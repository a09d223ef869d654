"""Has files scanned as they came, before anybody decodes them, where an antivirus is set up."""

from collections.abc import Iterable

from gaveld.application.failures import log_failed_classifier
from gaveld.application.fan_out import fan_out, not_installed
from gaveld.application.ports import Classifier
from gaveld.domain.media import MediaFile
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus, Signals


class ScanFile:
    """Asks ``antivirus``, None where nobody scans; ``absent`` are those that could."""

    def __init__(
        self,
        antivirus: Classifier[MediaFile] | None = None,
        absent: Iterable[ClassifierCard] = (),
    ) -> None:
        self._antivirus = () if antivirus is None else (antivirus,)
        self._absent = not_installed(absent)

    @property
    def is_set_up(self) -> bool:
        """Whether anybody scans."""
        return bool(self._antivirus)

    def not_asked(self, reason: str) -> tuple[ClassifierOutcome, ...]:
        """Return the outcomes for a file that was not scanned, and why it was not."""
        skipped = tuple(
            ClassifierOutcome(entry.card, OutcomeStatus.SKIPPED, reason=reason)
            for entry in self._antivirus
        )
        return (*skipped, *self._absent)

    async def __call__(self, file: MediaFile, *, deadline_seconds: float) -> Signals:
        """Return what was found in the file; one that fails or is late costs coverage."""
        scan = await fan_out(self._antivirus, file, deadline_seconds, log_failed_classifier)
        return Signals(scan.findings, (*scan.outcomes, *self._absent))
