"""What an HTTP status other than 200 means: whether to ask again, and whose fault it is."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from gaveld.adapters.reviewers.chat_model.errors import EndpointError

_SERVER_FAULTS: Final = 500

_REASONS: Final = {
    401: "Its endpoint refused the API key",
    403: "Its endpoint refused the API key",
    404: "Its endpoint knows no such model or path",
    408: "Its endpoint was too slow",
    413: "The content is too large for its endpoint",
    429: "Its endpoint is busy",
}


def refusal(status: int, retry_after: str | None) -> EndpointError:
    """Return the failure that a status and the header ``Retry-After`` stand for.

    Being busy (429) is no outage; nor is what may be this request's own fault (400, 413, 422).
    """
    is_transient = status in {408, 429} or status >= _SERVER_FAULTS
    reason = _REASONS.get(status)
    if reason is None:
        reason = "Its endpoint failed" if is_transient else "Its endpoint refused the request"
    return EndpointError(
        f"{reason} (HTTP {status}).",
        is_transient=is_transient,
        is_outage=status >= _SERVER_FAULTS or status in {401, 403, 404, 408},
        retry_after_seconds=_seconds(retry_after) if is_transient else None,
    )


def _seconds(retry_after: str | None) -> float | None:
    """Return how long to wait: the header has seconds or a date; None if it has neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
