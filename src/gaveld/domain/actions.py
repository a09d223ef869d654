"""What may be done with content, the one scale that every verdict is on."""

from enum import IntEnum


class Action(IntEnum):
    """What to do with content, from mildest to strictest; the strictest wins."""

    ALLOW = 1
    REVIEW = 2
    BLOCK = 3
