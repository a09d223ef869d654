"""The catalogue, with who covers what."""

from gaveld.application.list_categories import ListCategories
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.signals import ClassifierCard


def test_each_category_names_the_classifiers_that_cover_it():
    """Law: every category is listed, and one that nothing covers has no classifier."""
    card = ClassifierCard("one", "1", frozenset({"H1", "H2"}))
    absent = ClassifierCard("two", "", frozenset({"H2"}))
    entries = {entry.category.id: entry for entry in ListCategories([card], [absent])()}
    assert list(entries) == list(CATALOGUE)
    assert (entries["H1"].classifiers, entries["H1"].absent) == ((card,), ())
    assert (entries["H2"].classifiers, entries["H2"].absent) == ((card,), (absent,))
    assert (entries["S3"].classifiers, entries["S3"].absent) == ((), ())
