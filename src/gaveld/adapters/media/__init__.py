"""Gets files, inline or by address, without ever reaching a host that is not public."""

from gaveld.adapters.media.fetcher import FetchLimits, GuardedMediaFetcher
from gaveld.adapters.media.resolver import Resolver, SystemResolver
from gaveld.adapters.media.transport import GuardedTransport

__all__ = ["FetchLimits", "GuardedMediaFetcher", "GuardedTransport", "Resolver", "SystemResolver"]
