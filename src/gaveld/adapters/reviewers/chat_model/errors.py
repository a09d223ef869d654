"""Why a chat model gave no ballot, in sentences for the caller.

Their reasons are fixed words and numbers: never content, a key, or anything that a model said.
"""


class ChatModelError(Exception):
    """There is no vote; ``reason`` is the sentence that the failed ballot says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreviewableError(ChatModelError):
    """The model is not asked, because it could not judge what the task holds."""


class UnreadableAnswerError(ChatModelError):
    """The model answered, and not in the form that it was asked for."""


class EndpointError(ChatModelError):
    """The endpoint gave no answer.

    ``is_transient``: asking again soon may help, after ``retry_after_seconds`` if it said so.
    ``is_outage``: the endpoint itself is at fault, which counts towards leaving it alone.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_transient: bool = False,
        is_outage: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.is_transient = is_transient
        self.is_outage = is_outage
        self.retry_after_seconds = retry_after_seconds


class CircuitOpenError(EndpointError):
    """The endpoint failed again and again, and is left alone for a while."""
