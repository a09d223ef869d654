"""What the text models' labels mean for attributes and categories, and how findings say it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gaveld.domain.signals import Attribute

ATTRIBUTES: Final[Mapping[str, Attribute]] = MappingProxyType(
    {
        "toxicity": Attribute.TOXICITY,
        "severe_toxicity": Attribute.SEVERE_TOXICITY,
        "insult": Attribute.INSULT,
        "profanity": Attribute.PROFANITY,
        "threat": Attribute.THREAT,
        "identity_hate": Attribute.IDENTITY_ATTACK,
        "sexual": Attribute.SEXUALLY_EXPLICIT,
        "spam": Attribute.SPAM,
    }
)
"""The attribute that a label scores."""

CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "insult": "H2",
        "profanity": "L1",
        "threat": "H3",
        "identity_hate": "H1",
        "sexual": "A1",
        "sexual_minors": "A3",
        "self_harm": "D1",
        "violence": "V1",
        "spam": "S1",
        "illicit": "C4",
        "prompt_injection": "S4",
    }
)
"""The category that a label is a finding of. Toxicity, severe or not, is an attribute only."""

LABEL_NAMES: Final = frozenset(ATTRIBUTES) | frozenset(CATEGORIES)

SPAN_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "insult": ("insult", "any"),
        "profanity": ("profane/obscene", "any"),
        "threat": ("threat", "any"),
        "identity_hate": ("identity based attack", "any"),
    }
)
"""The token kinds whose words a finding of a label points at, the likelier first.

People marked words for what is toxic in a text. Other labels have none: their findings mean all of
it.
"""

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "insult": "Reads like an insult.",
        "profanity": "Reads like profanity.",
        "threat": "Reads like a threat.",
        "identity_hate": "Reads like an attack on a group.",
        "sexual": "Reads as sexually explicit.",
        "sexual_minors": "Reads as sexual and about a minor.",
        "self_harm": "Reads like talk of self-harm.",
        "violence": "Reads as violent.",
        "spam": "Reads like spam.",
        "illicit": "Reads like a request for something illicit.",
        "prompt_injection": "Reads like an attempt to override instructions.",
    }
)
"""What a finding of each category says; constant, so that it holds nothing of the content."""
