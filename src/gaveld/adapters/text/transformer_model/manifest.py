"""What a folder with a trained transformer holds, as ``python -m training.transformer`` writes it.

The folder has ``model.int8.onnx``, ``tokenizer.json`` and ``model.json``::

    {
      "labels": ["toxicity", "insult", …],
      "slopes": [0.86, 0.81, …],
      "intercepts": [-0.65, -1.86, …],
      "token_kinds": ["any", "insult", "profane/obscene", "threat", "identity based attack"],
      "token_threshold": 0.4,
      "max_tokens": 128,
      "companion": {"share": 0.3, "digest": "0123abcd"},
      "topics": ["politics", "sports", …],
      "topic_slopes": [1.1, 0.9, …],
      "topic_intercepts": [-0.2, 0.1, …],
      "topic_thresholds": [0.4, 0.35, …],
      "sentiments": ["negative", "neutral", "positive"],
      "sentiment_slope": 0.9,
      "sentiment_intercepts": [0.0, 0.1, -0.1],
      "panel_slopes": [[0.44, 0.35, …], …],
      "panel_intercepts": [[-0.44, -1.81, …], …]
    }

``labels`` and ``token_kinds`` are in the order of the network's outputs. A label's probability is
``sigmoid(slope × logit + intercept)``; a token is pointed at from ``token_threshold`` on, a
probability before any calibration. With a ``companion`` the linear model of that digest has a share
in every logit before it is calibrated. ``max_tokens`` counts the two marks around a passage. A
network without topics or without sentiment has no line of them; a topic's probability is made as a
label's, the moods' are ``softmax(slope × logits + intercepts)``. The panel's numbers have a row a
head, whose probabilities are made as the labels' are, without the companion. What else stands
there, such as proposed thresholds, is not read here.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from gaveld.adapters.text.labels import LABEL_NAMES, SPAN_KINDS

SHIPPED_FOLDER: Final = Path(__file__).with_name("shipped")
"""The transformer that comes with the server."""

MANIFEST_FILE: Final = "model.json"
WEIGHTS_FILE: Final = "model.int8.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"

SENTIMENTS: Final = ("negative", "neutral", "positive")

_LEAST_TOKENS: Final = 8
_MOST_TOKENS: Final = 512


@dataclass(frozen=True, slots=True)
class Label:
    """One output of the label head, its calibration, and whose words its findings point at.

    ``span_kinds`` are columns of the token head: the words are those of the first that has any.
    """

    name: str
    slope: float
    intercept: float
    span_kinds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicOutput:
    """One output of the topic head, its calibration, and the probability it is named from."""

    name: str
    slope: float
    intercept: float
    threshold: float


@dataclass(frozen=True, slots=True)
class SentimentOutputs:
    """The calibration of the three moods, in the order of ``SENTIMENTS``."""

    slope: float
    intercepts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PanelHead:
    """The calibration of one head of the panel, a slope and an intercept a label."""

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CompanionShare:
    """How much, 0–1, the linear model of a digest weighs in the labels' logits."""

    share: float
    digest: str


@dataclass(frozen=True)
class Manifest:
    """A trained transformer on disk; the module says what each part means.

    ``weights`` and ``tokenizer`` are paths of files that exist. ``token_kinds`` is how many there
    are. ``companion`` is None for a network that judges alone; ``topics`` is empty and
    ``sentiment`` None for one that tells neither; ``panel`` is empty for one without panel heads.
    """

    weights: Path
    tokenizer: Path
    max_tokens: int
    labels: tuple[Label, ...]
    token_kinds: int
    token_threshold: float
    companion: CompanionShare | None = None
    topics: tuple[TopicOutput, ...] = ()
    sentiment: SentimentOutputs | None = None
    panel: tuple[PanelHead, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest. Raises ``ValueError`` that says what is wrong with it."""
        path = folder / MANIFEST_FILE
        try:
            document = json.loads(path.read_text("utf-8"))
            manifest = cls._of(document, folder)
            manifest.check()
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise ValueError(f"{path}: {error.args[0]} is missing") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        return manifest

    @classmethod
    def _of(cls, document: dict[str, Any], folder: Path) -> "Manifest":
        kinds = {kind: column for column, kind in enumerate(document["token_kinds"])}
        columns = zip(document["labels"], document["slopes"], document["intercepts"], strict=True)
        return cls(
            weights=folder / WEIGHTS_FILE,
            tokenizer=folder / TOKENIZER_FILE,
            max_tokens=int(document["max_tokens"]),
            labels=tuple(
                Label(
                    name=name,
                    slope=float(slope),
                    intercept=float(intercept),
                    span_kinds=tuple(
                        kinds[kind] for kind in SPAN_KINDS.get(name, ()) if kind in kinds
                    ),
                )
                for name, slope, intercept in columns
            ),
            token_kinds=len(kinds),
            token_threshold=float(document["token_threshold"]),
            companion=CompanionShare(**document["companion"]) if "companion" in document else None,
            topics=_topics(document) if "topics" in document else (),
            sentiment=_sentiment(document) if "sentiments" in document else None,
            panel=_panel(document) if "panel_slopes" in document else (),
        )

    def check(self) -> None:
        """Raise ``ValueError`` for what can't be served."""
        names = [label.name for label in self.labels]
        unknown = sorted(set(names) - LABEL_NAMES)
        if unknown or len(set(names)) < len(names) or not names:
            raise ValueError(f"labels: unknown, repeated or none: {unknown or names}")
        if any(label.slope <= 0 for label in self.labels):
            raise ValueError("slopes: one that is not positive ranks texts backwards")
        if not _LEAST_TOKENS <= self.max_tokens <= _MOST_TOKENS:
            raise ValueError(f"max_tokens: {self.max_tokens} is not {_LEAST_TOKENS}–{_MOST_TOKENS}")
        if not 0 < self.token_threshold < 1:
            raise ValueError("token_threshold: is not between 0 and 1")
        if self.companion is not None and not 0 < self.companion.share < 1:
            raise ValueError("companion: its share is not between 0 and 1")
        self._check_topics()
        self._check_panel()
        for path in (self.weights, self.tokenizer):
            if not path.is_file():
                raise ValueError(f"{path.name} is missing")

    def _check_topics(self) -> None:
        names = [topic.name for topic in self.topics]
        if len(set(names)) < len(names) or any(not name or name != name.lower() for name in names):
            raise ValueError(f"topics: one is empty, repeated or not in lower case: {names}")
        if any(topic.slope <= 0 for topic in self.topics):
            raise ValueError("topic_slopes: one that is not positive ranks texts backwards")
        if any(not 0 < topic.threshold < 1 for topic in self.topics):
            raise ValueError("topic_thresholds: one is not between 0 and 1")
        if self.sentiment is not None and self.sentiment.slope <= 0:
            raise ValueError("sentiment_slope: is not positive and ranks moods backwards")

    def _check_panel(self) -> None:
        for head in self.panel:
            if {len(head.slopes), len(head.intercepts)} != {len(self.labels)}:
                raise ValueError("panel_slopes: a head has not one number a label")
            if any(slope <= 0 for slope in head.slopes):
                raise ValueError("panel_slopes: one that is not positive ranks texts backwards")

    @cached_property
    def digest(self) -> str:
        """Eight hex digits that name the weights, the tokenizer and the calibration."""
        facts = (
            *(self.labels, self.max_tokens, self.token_threshold),
            *(self.companion, self.topics, self.sentiment, self.panel),
        )
        digest = hashlib.sha256(repr(facts).encode())
        for path in (self.weights, self.tokenizer):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:8]


def _topics(document: dict[str, Any]) -> tuple[TopicOutput, ...]:
    columns = zip(
        document["topics"],
        document["topic_slopes"],
        document["topic_intercepts"],
        document["topic_thresholds"],
        strict=True,
    )
    return tuple(
        TopicOutput(str(name), float(slope), float(intercept), float(threshold))
        for name, slope, intercept, threshold in columns
    )


def _panel(document: dict[str, Any]) -> tuple[PanelHead, ...]:
    rows = zip(document["panel_slopes"], document["panel_intercepts"], strict=True)
    return tuple(
        PanelHead(tuple(map(float, slopes)), tuple(map(float, intercepts)))
        for slopes, intercepts in rows
    )


def _sentiment(document: dict[str, Any]) -> SentimentOutputs:
    intercepts = tuple(float(intercept) for intercept in document["sentiment_intercepts"])
    if tuple(document["sentiments"]) != SENTIMENTS or len(intercepts) != len(SENTIMENTS):
        raise ValueError(f"sentiments: are not {', '.join(SENTIMENTS)} with an intercept each")
    return SentimentOutputs(float(document["sentiment_slope"]), intercepts)
