"""What the linear model's labels are; ``adapters.text.labels`` says what each means.

The order of ``LABELS`` is the order of the weights' columns. Training reads the same names as
columns of its tables.
"""

from typing import Final

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

WORD_LEVEL: Final = frozenset({"profanity"})
"""Labels of single words. Where those stand is the lexicon's to say: findings have no span."""
