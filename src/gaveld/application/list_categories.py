"""Lists the catalogue, and which installed classifiers cover each category."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gaveld.domain.categories import CATALOGUE, Category
from gaveld.domain.signals import ClassifierCard


@dataclass(frozen=True, slots=True)
class CoveredCategory:
    """A category with the cards of the classifiers that look for it: installed here, and not.

    ``of_pictures`` are the names of those that look at pictures and videos; the others read text.
    """

    category: Category
    classifiers: tuple[ClassifierCard, ...]
    absent: tuple[ClassifierCard, ...]
    of_pictures: frozenset[str] = frozenset()


class ListCategories:
    """The use case behind ``ListCategories``.

    ``absent`` are the cards of classifiers that this server knows of and does not have;
    ``of_pictures`` are the names of those, there or not, that look at pictures.
    """

    def __init__(
        self,
        installed: Sequence[ClassifierCard],
        absent: Sequence[ClassifierCard] = (),
        of_pictures: Iterable[str] = (),
    ) -> None:
        names = frozenset(of_pictures)
        self._entries = tuple(
            CoveredCategory(category, _of(category, installed), _of(category, absent), names)
            for category in CATALOGUE.values()
        )

    def __call__(self) -> tuple[CoveredCategory, ...]:
        """Return every category, in the order of their ids."""
        return self._entries


def _of(category: Category, cards: Sequence[ClassifierCard]) -> tuple[ClassifierCard, ...]:
    found = (card for card in cards if category.id in card.categories)
    return tuple(sorted(found, key=lambda card: card.name))
