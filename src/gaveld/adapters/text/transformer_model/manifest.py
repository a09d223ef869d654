"""What a folder with a trained transformer holds, as ``python -m training.transformer`` writes it.

The folder has ``model.int8.onnx``, ``tokenizer.json`` and ``model.json``::

    {
      "labels": ["toxicity", "insult", …],
      "slopes": [0.86, 0.81, …],
      "intercepts": [-0.65, -1.86, …],
      "token_kinds": ["any", "insult", "profane/obscene", "threat", "identity based attack"],
      "token_threshold": 0.4,
      "max_tokens": 128
    }

``labels`` and ``token_kinds`` are in the order of the network's outputs. A label's probability is
``sigmoid(slope × logit + intercept)``; a token is pointed at from ``token_threshold`` on, a
probability before any calibration. ``max_tokens`` counts the two marks around a passage. What else
stands there, such as the panel's calibration and proposed thresholds, is not read here.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from gaveld.adapters.text.labels import LABEL_NAMES, SPAN_KINDS

MANIFEST_FILE: Final = "model.json"
WEIGHTS_FILE: Final = "model.int8.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"

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


@dataclass(frozen=True)
class Manifest:
    """A trained transformer on disk; the module says what each part means.

    ``weights`` and ``tokenizer`` are paths of files that exist. ``token_kinds`` is how many there
    are.
    """

    weights: Path
    tokenizer: Path
    max_tokens: int
    labels: tuple[Label, ...]
    token_kinds: int
    token_threshold: float

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
        for path in (self.weights, self.tokenizer):
            if not path.is_file():
                raise ValueError(f"{path.name} is missing")

    @cached_property
    def digest(self) -> str:
        """Eight hex digits that name the weights, the tokenizer and the calibration."""
        facts = (self.labels, self.max_tokens, self.token_threshold)
        digest = hashlib.sha256(repr(facts).encode())
        for path in (self.weights, self.tokenizer):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:8]
