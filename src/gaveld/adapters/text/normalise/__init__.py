"""Reads through disguises: what characters stand for, then what words were hidden in them.

It answers for readings and their way back to the text as sent. Whether a reading is offensive is
for the classifiers to say.
"""

from gaveld.adapters.text.normalise.normaliser import DisguiseNormaliser

__all__ = ["DisguiseNormaliser"]
