"""Finds links however they are spelt, and the signs that one was made to deceive."""

from gaveld.adapters.text.links.classifier import LinkClassifier
from gaveld.adapters.text.links.hosts import listed_domain

__all__ = ["LinkClassifier", "listed_domain"]
