"""ContentMod's queues: which ids name one."""

import pytest

from gaveld.transport.rest.dialects.contentmod_queue import queue_name
from gaveld.transport.rest.failures import RpcFailure


@pytest.mark.parametrize("queue_id", ["team-a", "Team-A", "TEAM-A"])
def test_a_queue_is_known_by_an_id_of_any_case(queue_id: str):
    """Law: ids that another service made up, and clients hold, need not be lower case."""
    assert queue_name(queue_id) == "projects/-/queues/team-a"


@pytest.mark.parametrize(
    "queue_id", ["", "-", "_a", "a.b", "a b", "a/b", "\u00e4", "\u212a", "a" * 65]
)
def test_what_names_no_queue_is_refused(queue_id: str):
    """Law: it is told what an id may look like, and that the address is at fault."""
    with pytest.raises(RpcFailure) as refused:
        queue_name(queue_id)
    assert refused.value.http_status == 400
    assert refused.value.status.message.startswith("queueId must be 1 to 64 letters")
