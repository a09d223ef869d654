"""Keeps connections to hosts that callers name away from every host that is not public."""

from gaveld.adapters.web.guard.resolver import Resolver, SystemResolver
from gaveld.adapters.web.guard.transport import GuardedTransport

__all__ = ["GuardedTransport", "Resolver", "SystemResolver"]
