"""Lists the catalogue, and which installed classifiers cover each category."""

from collections.abc import Sequence
from dataclasses import dataclass

from gaveld.domain.categories import CATALOGUE, Category
from gaveld.domain.signals import ClassifierCard


@dataclass(frozen=True, slots=True)
class CoveredCategory:
    """A category with the cards of the installed classifiers that look for it, maybe none."""

    category: Category
    classifiers: tuple[ClassifierCard, ...]


class ListCategories:
    """The use case behind ``ListCategories``."""

    def __init__(self, cards: Sequence[ClassifierCard]) -> None:
        self._entries = tuple(
            CoveredCategory(category, tuple(c for c in cards if category.id in c.categories))
            for category in CATALOGUE.values()
        )

    def __call__(self) -> tuple[CoveredCategory, ...]:
        """Return every category, in the order of their ids."""
        return self._entries
