"""What a worker may do to the job that it holds: one statement for each, and none if it lost it."""

from typing import Final

from sqlalchemy import bindparam, null, update

from gaveld.adapters.storage.job_rows import JOBS
from gaveld.domain.jobs import JobState

_HELD: Final = (
    update(JOBS)
    .where(JOBS.c.id == bindparam("of_id"), JOBS.c.lease_token == bindparam("token"))
    .returning(JOBS.c.id)
)
_FREED: Final = _HELD.values(lease_token="", worker="", updated_at=bindparam("now"))

EXTEND: Final = _HELD.values(due_at=bindparam("until"))
FINISH: Final = _FREED.values(
    state=JobState.DONE.value,
    due_at=null(),
    payload=b"",
    sealed_callback_url=null(),
    answer=bindparam("of_answer"),
    words_until=bindparam("until"),
    error_reason="",
    error_message="",
)
TRY_AGAIN: Final = _FREED.values(
    state=JobState.WAITING.value,
    due_at=bindparam("until"),
    error_reason=bindparam("reason"),
    error_message=bindparam("message"),
)
GIVE_UP: Final = _FREED.values(
    state=JobState.DEAD.value,
    due_at=null(),
    content_key=null(),
    error_reason=bindparam("reason"),
    error_message=bindparam("message"),
)
RELEASE: Final = _FREED.values(
    state=JobState.WAITING.value,
    due_at=JOBS.c.created_at,
    attempt_count=JOBS.c.attempt_count - 1,
)
