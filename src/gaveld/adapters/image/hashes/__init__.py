"""Known pictures: the PDQ hash, banks of hashes as files, and the classifier that compares."""

from gaveld.adapters.image.hashes.banks import BankError, BankFolder, StoredBank
from gaveld.adapters.image.hashes.classifier import KnownPictures, PdqClassifier

__all__ = ["BankError", "BankFolder", "KnownPictures", "PdqClassifier", "StoredBank"]
