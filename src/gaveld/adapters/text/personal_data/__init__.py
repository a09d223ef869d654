"""Finds personal data and secrets by the formats they are written in, one detector a file."""

from gaveld.adapters.text.personal_data.classifier import PersonalDataClassifier

__all__ = ["PersonalDataClassifier"]
