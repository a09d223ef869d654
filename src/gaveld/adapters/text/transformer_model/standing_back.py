"""Has the engine's threads stand back behind the event loop's, where there is a core too few."""

import os
import sys
import threading
from typing import Final

NICENESS: Final = 5
"""How far the engine's threads stand back.

They would otherwise keep the loop waiting, and with it every call that needs no engine: those that
are turned away and those that are cached. What the loop leaves, the engine gets.
"""


def stand_back() -> None:
    """Have the calling thread stand back, and those that it starts from now on.

    There is no way back: the system lets nobody have more of the processor who gave it up.
    """
    if sys.platform == "linux":  # elsewhere niceness is the whole process's
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + NICENESS)
