"""Finds links however they are spelt, and the signs that one was made to deceive."""

from gaveld.adapters.text.links.classifier import LinkClassifier

__all__ = ["LinkClassifier"]
