"""Figures that others published on the public sets, each with where it was published."""

from dataclasses import dataclass
from typing import Final

_LLAMA_GUARD: Final = "Llama Guard paper (Inan et al., 2023)"
_SHIELDGEMMA: Final = "ShieldGemma paper (Zeng et al., 2024)"
_HATECHECK: Final = "HateCheck paper (Röttger et al., 2021)"


@dataclass(frozen=True, slots=True)
class Published:
    """One figure, 0–1, of one system on one set, named by its folder."""

    folder: str
    measure: str
    system: str
    value: float
    source: str


PUBLISHED: Final = (
    Published("openai_moderation", "AUPRC", "Perspective API", 0.787, _LLAMA_GUARD),
    Published("openai_moderation", "AUPRC", "Llama Guard 1", 0.847, _LLAMA_GUARD),
    Published("openai_moderation", "AUPRC", "OpenAI moderation API", 0.856, _LLAMA_GUARD),
    Published("openai_moderation", "AUPRC", "ShieldGemma 9B", 0.907, _SHIELDGEMMA),
    Published("hatecheck", "accuracy", "Perspective API", 0.766, _HATECHECK),
    Published("hatecheck", "accuracy, harmless", "Perspective API", 0.482, _HATECHECK),
    Published("hatecheck", "accuracy", "always hateful", 0.687, _HATECHECK),
)
"""In the order of printing."""
