"""Sends callbacks, signed as Standard Webhooks says, without reaching a host that is not public."""

from gaveld.adapters.web.callbacks.sender import HttpCallbackSender
from gaveld.adapters.web.callbacks.signing import key_of, signature

__all__ = ["HttpCallbackSender", "key_of", "signature"]
