"""Malware in files, as a clamd of the operator's finds it. It holds no signatures of its own."""

from gaveld.adapters.antivirus.clamd import ClamdAddress, ClamdClient, ClamdError
from gaveld.adapters.antivirus.classifier import ABSENT_ANTIVIRUS, ClamdClassifier

__all__ = ["ABSENT_ANTIVIRUS", "ClamdAddress", "ClamdClassifier", "ClamdClient", "ClamdError"]
