"""What a folder with a trained transformer holds, as its ``manifest.json`` tells it.

The folder has the ONNX file, the tokenizer and ``manifest.json``::

    {
      "version": "1.0.0",
      "weights": "model.int8.onnx",
      "tokenizer": "tokenizer.json",
      "languages": ["en"],
      "max_tokens": 128,
      "window_overlap": 32,
      "labels": [
        {"name": "insult", "slope": 1.1, "intercept": -0.3, "span_kinds": ["insult", "any"]},
        …
      ],
      "token_kinds": ["any", "insult", "profane/obscene", "threat", "identity based attack"],
      "span_threshold": 0.5
    }

``labels`` and ``token_kinds`` are in the order of the network's outputs. A label's probability is
``sigmoid(slope × logit + intercept)``. ``span_kinds`` are the token kinds whose words a finding of
the label points at: those of the first kind that has any; empty points at none. ``max_tokens``
counts the two marks around a passage. Passages of a longer text share ``window_overlap`` tokens
with their neighbour. More keys, such as thresholds, may stand beside these and are not read here.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

SHIPPED_TRANSFORMER: Final = Path(__file__).with_name("shipped")

LABEL_NAMES: Final = frozenset(
    {
        "toxicity",
        "severe_toxicity",
        "insult",
        "profanity",
        "threat",
        "identity_hate",
        "sexual",
        "sexual_minors",
        "self_harm",
        "violence",
        "spam",
        "illicit",
        "prompt_injection",
    }
)
_LEAST_TOKENS: Final = 8
_MOST_TOKENS: Final = 512


@dataclass(frozen=True, slots=True)
class Label:
    """One output of the label head, its calibration, and whose words its findings point at."""

    name: str
    slope: float
    intercept: float
    span_kinds: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    """A trained transformer on disk; the module says what each part means.

    ``weights`` and ``tokenizer`` are paths of files that exist.
    """

    version: str
    weights: Path
    tokenizer: Path
    languages: frozenset[str]
    max_tokens: int
    window_overlap: int
    labels: tuple[Label, ...]
    token_kinds: int
    span_threshold: float

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest. Raises ``ValueError`` that says what is wrong with it."""
        path = folder / "manifest.json"
        try:
            document = json.loads(path.read_text("utf-8"))
            return cls._of(document, folder)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise ValueError(f"{path}: {error.args[0]} is missing") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def _of(cls, document: dict[str, Any], folder: Path) -> "Manifest":
        kinds = list(document["token_kinds"])
        manifest = cls(
            version=str(document["version"]),
            weights=folder / document["weights"],
            tokenizer=folder / document["tokenizer"],
            languages=frozenset(document["languages"]),
            max_tokens=int(document["max_tokens"]),
            window_overlap=int(document["window_overlap"]),
            labels=tuple(
                Label(
                    name=entry["name"],
                    slope=float(entry["slope"]),
                    intercept=float(entry["intercept"]),
                    span_kinds=tuple(kinds.index(kind) for kind in entry["span_kinds"]),
                )
                for entry in document["labels"]
            ),
            token_kinds=len(kinds),
            span_threshold=float(document["span_threshold"]),
        )
        manifest.check()
        return manifest

    def check(self) -> None:
        """Raise ``ValueError`` for what can't be served."""
        names = [label.name for label in self.labels]
        unknown = sorted(set(names) - LABEL_NAMES)
        if unknown or len(set(names)) < len(names) or not names:
            raise ValueError(f"labels: unknown, repeated or none: {unknown or names}")
        if any(label.slope <= 0 for label in self.labels):
            raise ValueError("labels: a slope that is not positive ranks texts backwards")
        if not _LEAST_TOKENS <= self.max_tokens <= _MOST_TOKENS:
            raise ValueError(f"max_tokens: {self.max_tokens} is not {_LEAST_TOKENS}–{_MOST_TOKENS}")
        if not 0 <= self.window_overlap <= self.max_tokens // 3:
            raise ValueError("window_overlap: more than a third of max_tokens")
        if not 0 < self.span_threshold < 1:
            raise ValueError("span_threshold: is not between 0 and 1")
        for path in (self.weights, self.tokenizer):
            if not path.is_file():
                raise ValueError(f"{path.name} is missing")

    @cached_property
    def digest(self) -> str:
        """Eight hex digits that name the weights, the tokenizer and the calibration."""
        digest = hashlib.sha256(repr((self.labels, self.max_tokens)).encode())
        for path in (self.weights, self.tokenizer):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:8]
