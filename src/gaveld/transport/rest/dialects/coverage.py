"""Says in a header how much was checked, where a vendor's JSON has no place for that.

Clean is not the same as not checked, and a client that cares can tell the one from the other.
"""

from typing import Final

from gavel.v1.verdict_pb2 import Coverage, CoverageStatus

from gaveld.transport.rest.answers import Headers

COVERAGE_HEADER: Final = "x-gavel-coverage"


def coverage_headers(coverage: Coverage) -> Headers:
    """Return the header: ``complete``, ``partial`` or ``none`` of what the policy requires."""
    name = CoverageStatus.Name(coverage.status).removeprefix("COVERAGE_STATUS_")
    return ((COVERAGE_HEADER, name.lower()),)
