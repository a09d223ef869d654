"""The checker of histories catches each way in which work can be lost, doubled or mistold."""

import pytest

from tests.kill.history import Answered, Decided, History, Received, violations


def good() -> History:
    """Requests that were answered once, twice and never though accepted; and one that was lost."""
    return History(
        sent={"a", "b", "c", "unheard"},
        answered=[Answered("a", "op-a"), Answered("b", "op-b"), Answered("b", "op-b")],
        decided=[Decided("a", "op-a", "1"), Decided("b", "op-b", "2"), Decided("c", "op-c", "3")],
        received=[
            Received("a", "msg-a", "1"),
            Received("a", "msg-a", "1"),
            Received("b", "msg-b", "2"),
            Received("c", "msg-c", "3"),
        ],
    )


def test_a_good_history_has_no_violation():
    """Law: repeats, redeliveries and unanswered submissions are as they should be."""
    assert violations(good()) == []
    assert good().unsettled() == set()


def without_decision(history: History) -> None:
    history.decided.pop(0)


def without_callback(history: History) -> None:
    history.received.pop()


def decided_twice(history: History) -> None:
    history.decided.append(Decided("a", "op-a", "4"))


def decided_under_two_operations(history: History) -> None:
    history.decided.append(Decided("a", "op-a2", "1"))


def accepted_as_two(history: History) -> None:
    history.answered.append(Answered("b", "op-b2"))


def one_operation_for_two(history: History) -> None:
    history.answered.append(Answered("unheard", "op-a"))


def decided_as_another(history: History) -> None:
    history.decided[0] = Decided("a", "op-other", "1")


def two_ids(history: History) -> None:
    history.received.append(Received("a", "msg-a2", "1"))


def one_id_for_two(history: History) -> None:
    history.received.append(Received("b", "msg-a", "2"))


def called_back_for_nothing(history: History) -> None:
    history.received.append(Received("unheard", "msg-u", "5"))


def decided_and_never_sent(history: History) -> None:
    history.decided.append(Decided("ghost", "op-g", "6"))
    history.received.append(Received("ghost", "msg-g", "6"))


def answered_and_never_sent(history: History) -> None:
    history.sent.remove("a")


def mistold(history: History) -> None:
    history.received.append(Received("a", "msg-a", "an earlier one"))


def forged(history: History) -> None:
    history.received.append(Received("a", "msg-a", "1", is_signed=False))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (without_decision, "a: accepted and never decided"),
        (without_callback, "c: decided and no callback came"),
        (decided_twice, "a: decided 2 times"),
        (decided_under_two_operations, "a: decided 2 times"),
        (accepted_as_two, "b: accepted as 2 operations, op-b, op-b2"),
        (one_operation_for_two, "op-a: one operation for a, unheard"),
        (decided_as_another, "a: decided as another operation than was answered"),
        (two_ids, "a: called back under 2 ids, msg-a, msg-a2"),
        (one_id_for_two, "msg-a: one id for callbacks of a, b"),
        (called_back_for_nothing, "unheard: called back and never decided"),
        (decided_and_never_sent, "ghost: decided and never sent"),
        (answered_and_never_sent, "a: answered and never sent"),
        (mistold, "a: a callback told of a decision that was not kept"),
        (forged, "a: a callback was not signed by us"),
    ],
)
def test_each_harm_is_seen(harm, said):
    """Law: whatever is lost, doubled, mixed up or forged is said, by its name."""
    history = good()
    harm(history)
    assert said in violations(history)


def test_the_end_can_be_waited_for():
    """Law: what is accepted is unsettled until it is decided and called back."""
    history = good()
    without_decision(history)
    without_callback(history)
    assert history.unsettled() == {"a", "c"}
