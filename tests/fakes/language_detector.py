"""A language detector that knows English from everything else, by three words."""

from gaveld.domain.content import DetectedLanguage
from gaveld.domain.signals import ClassifierCard

_ENGLISH = frozenset({"and", "are", "is", "it", "of", "on", "the", "was", "you"})


class FakeLanguageDetector:
    """A ``LanguageDetector`` that calls a text English if it holds words that only English has.

    ``answer``, where given, is what it says of every text.
    """

    def __init__(self, answer: DetectedLanguage | None = None) -> None:
        self.card = ClassifierCard("fake_language", "1", frozenset())
        self._answer = answer

    async def detect(self, text: str) -> DetectedLanguage:
        if self._answer is not None:
            return self._answer
        words = text[:2_000].lower().split()
        if len(words) >= 3 and _ENGLISH.intersection(words):
            return DetectedLanguage("en", 0.9)
        return DetectedLanguage()
