"""What projects used of the server, as a statistic. What they pay is the credits' business."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Usage:
    """What one project used of one RPC method on one day, which is a day in UTC.

    ``method`` is the RPC's path, ``/package.Service/Method``. ``calls`` were answered, and
    ``refused`` were not, whatever ended them. ``items`` are the texts of the calls that were
    answered where they carry several, and else one a call.
    """

    day: date
    project: str
    method: str
    calls: int = 0
    refused: int = 0
    items: int = 0
