"""The catalogue, with who covers what."""

from gaveld.application.list_categories import ListCategories
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.signals import ClassifierCard


def test_each_category_names_the_classifiers_that_cover_it():
    """Law: every category is listed, and one that nothing covers has no classifier."""
    card = ClassifierCard("one", "1", frozenset({"H1", "H2"}))
    entries = {entry.category.id: entry.classifiers for entry in ListCategories([card])()}
    assert list(entries) == list(CATALOGUE)
    assert entries["H1"] == (card,)
    assert entries["S3"] == ()
