"""Seats the embedded panel on the parts of the text path, where its text model has a panel."""

from collections.abc import Sequence

from gaveld.adapters.reviewers.embedded import (
    POINTS_FILE,
    EmbeddedReviewer,
    OperatingPoints,
    embedded_panel,
)
from gaveld.application.ports import Classifier, LanguageDetector, Telemetry, TextNormaliser
from gaveld.application.read_text import ReadText
from gaveld.bootstrap.settings import Settings, SettingsError
from gaveld.domain.content import TextSample
from gaveld.domain.signals import ClassifierCard


def embedded_reviewers(
    settings: Settings,
    *,
    normaliser: TextNormaliser,
    language_detector: LanguageDetector,
    classifiers: Sequence[Classifier[TextSample]],
    absent: Sequence[ClassifierCard],
    telemetry: Telemetry,
) -> tuple[EmbeddedReviewer, ...]:
    """Return the embedded reviewers over the transformer among the classifiers.

    There are none where the settings want none, where no transformer is loaded, or where it has no
    panel or its folder no operating points. Raises ``SettingsError`` for points that can't be used.
    """
    if not settings.panel.embedded or "transformer" not in settings.text.classifiers:
        return ()
    from gaveld.adapters.text.transformer_model import SHIPPED_FOLDER, TransformerTextClassifier

    points = (settings.text.transformer_folder or SHIPPED_FOLDER) / POINTS_FILE
    (model,) = (entry for entry in classifiers if isinstance(entry, TransformerTextClassifier))
    if not model.heads or not points.is_file():
        return ()
    reader = ReadText(
        normaliser=normaliser,
        language_detector=language_detector,
        classifiers=[entry for entry in classifiers if entry is not model],
        absent=absent,
        telemetry=telemetry,
        seconds=settings.panel.reviewer_timeout_seconds,
    )
    try:
        return embedded_panel(reader, model, OperatingPoints.read(points))
    except ValueError as error:
        raise SettingsError(f"text.transformer_folder: {error}") from error
