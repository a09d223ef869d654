"""Does the work that waits: takes jobs, has each done by its kind's handler, and keeps what came.

What a handler does is not its business, nor where jobs are kept or who tells of them.
"""

from collections.abc import Awaitable, Callable

from gaveld.domain.decision_records import Records
from gaveld.domain.jobs import Job

JobHandler = Callable[[Job], Awaitable[tuple[bytes, Records]]]
"""Does one kind of work and returns its answer and what is to be written with it.

It writes nothing itself, for it may be done more than once until one attempt is kept. A
``GavelError`` that a repeat can't mend ends the job at once, any other is tried again. It is
cancelled when its job is.
"""
