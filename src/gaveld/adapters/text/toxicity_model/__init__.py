"""The shipped linear model of abusive text, its featuriser and the classifier that serves it.

``python -m training.linear`` makes ``linear.npz``, ``metrics.json`` and ``MODEL_CARD.md``.
"""

from gaveld.adapters.text.toxicity_model.classifier import LinearTextClassifier
from gaveld.adapters.text.toxicity_model.companion import LinearCompanion, blend

__all__ = ["LinearCompanion", "LinearTextClassifier", "blend"]
