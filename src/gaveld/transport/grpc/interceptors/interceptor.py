"""What an interceptor of our own row is: a step on the way in, a step on the way out."""

from gaveld.transport.grpc.call import Call


class Interceptor:
    """One concern of every call, of any kind. Subclasses override one step or both."""

    async def before(self, call: Call) -> None:
        """Do the step on the way in. Raising ends the call here."""

    def after(self, call: Call) -> None:
        """Do the step on the way out: after ``before`` returned, however the call went on.

        It neither waits nor raises. ``call.failure`` is what ended the call, None if it was
        answered.
        """
