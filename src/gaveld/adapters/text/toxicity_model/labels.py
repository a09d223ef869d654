"""What the linear model's labels are, and what each means for attributes and categories.

The order of ``LABELS`` is the order of the weights' columns. Training reads the same names as
columns of its tables.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gaveld.domain.signals import Attribute

LABELS: Final = (
    "toxicity",
    "insult",
    "profanity",
    "threat",
    "identity_hate",
    "sexual",
    "self_harm",
    "violence",
    "spam",
    "illicit",
    "prompt_injection",
)

ATTRIBUTES: Final[Mapping[str, Attribute]] = MappingProxyType(
    {
        "toxicity": Attribute.TOXICITY,
        "insult": Attribute.INSULT,
        "profanity": Attribute.PROFANITY,
        "threat": Attribute.THREAT,
        "identity_hate": Attribute.IDENTITY_ATTACK,
        "sexual": Attribute.SEXUALLY_EXPLICIT,
        "spam": Attribute.SPAM,
    }
)
"""The attribute that a label scores. No data labels severe toxicity, so none scores it."""

CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "insult": "H2",
        "profanity": "L1",
        "threat": "H3",
        "identity_hate": "H1",
        "sexual": "A1",
        "self_harm": "D1",
        "violence": "V1",
        "spam": "S1",
        "illicit": "C4",
        "prompt_injection": "S4",
    }
)
"""The category that a label is a finding of. Toxicity is an attribute only."""

WORD_LEVEL: Final = frozenset({"profanity"})
"""Labels of single words. Where those stand is the lexicon's to say: findings have no span."""
