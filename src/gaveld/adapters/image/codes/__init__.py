"""QR codes and bar codes in pictures, read with zxing-cpp."""

from gaveld.adapters.image.codes.classifier import ZxingClassifier

__all__ = ["ZxingClassifier"]
