"""Gets files, inline or by address, without ever reaching a host that is not public."""

from gaveld.adapters.web.media.fetcher import FetchLimits, GuardedMediaFetcher

__all__ = ["FetchLimits", "GuardedMediaFetcher"]
