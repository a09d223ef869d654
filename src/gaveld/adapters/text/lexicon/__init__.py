"""Finds listed terms: the shipped lexicon's, the operator's and the caller's.

It reads words, never meaning, and does not undo disguises itself: it is given the readings.
"""

from gaveld.adapters.text.lexicon.classifier import LexiconClassifier
from gaveld.adapters.text.lexicon.term_list_classifier import TermListClassifier
from gaveld.adapters.text.lexicon.term_lists import validate_term_lists

__all__ = ["LexiconClassifier", "TermListClassifier", "validate_term_lists"]
