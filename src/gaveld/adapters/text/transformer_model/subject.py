"""From the logits of a text's passages to what the text is about and its mood.

It reads every passage alike, and knows nothing of what is harmful.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gaveld.adapters.text.transformer_model.batcher import PassageLogits
from gaveld.adapters.text.transformer_model.manifest import Manifest
from gaveld.domain.signals import MAX_TOPICS, Sentiment, Topic

Scores = npt.NDArray[np.float64]


class SubjectReader:
    """Tells topics and mood as a manifest says; none of either that it does not speak of.

    Each method takes the logits of a text's passages, of which there is at least one, and goes by
    the mean of their probabilities.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._names = [topic.name for topic in manifest.topics]
        self._slopes = np.array([topic.slope for topic in manifest.topics])
        self._intercepts = np.array([topic.intercept for topic in manifest.topics])
        self._thresholds = np.array([topic.threshold for topic in manifest.topics])
        self._sentiment = manifest.sentiment

    def topics(self, passages: Sequence[PassageLogits]) -> tuple[Topic, ...]:
        """Return the topics that reach their thresholds, the likeliest first, up to ``MAX_TOPICS``.

        None is an answer: the text is about nothing that the network knows.
        """
        found = [passage.topics for passage in passages if passage.topics is not None]
        if not self._names or not found:
            return ()
        margins = np.stack(found).astype(np.float64) * self._slopes + self._intercepts
        scores = (1 / (1 + np.exp(-np.clip(margins, -_STEEPEST, _STEEPEST)))).mean(axis=0)
        order = np.argsort(-scores, kind="stable")
        named = order[scores[order] >= self._thresholds[order]][:MAX_TOPICS]
        return tuple(Topic(self._names[column], float(scores[column])) for column in named)

    def sentiment(self, passages: Sequence[PassageLogits]) -> Sentiment | None:
        """Return the mood, or None where the manifest speaks of none."""
        found = [passage.sentiment for passage in passages if passage.sentiment is not None]
        if self._sentiment is None or not found:
            return None
        margins = np.stack(found).astype(np.float64) * self._sentiment.slope
        margins += np.array(self._sentiment.intercepts)
        weights = np.exp(margins - margins.max(axis=1, keepdims=True))
        chances = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
        return Sentiment.likeliest(*chances.tolist())

    def check(self, passage: PassageLogits) -> None:
        """Raise ``ValueError`` unless a passage's logits are what the manifest speaks of."""
        wanted = ((passage.topics, len(self._names)), (passage.sentiment, self._moods))
        for numbers, count in wanted:
            if count and (numbers is None or numbers.shape != (count,)):
                raise ValueError("the network's outputs are not what its manifest says")
            if count and numbers is not None and not np.isfinite(numbers).all():
                raise ValueError("the network gives no finite scores: train or export it again")

    @property
    def _moods(self) -> int:
        return 0 if self._sentiment is None else len(self._sentiment.intercepts)


_STEEPEST = 50.0
"""Beyond this margin a probability is 0 or 1 to the last digit; it keeps exp() from overflowing."""
