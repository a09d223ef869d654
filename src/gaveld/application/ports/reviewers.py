"""The port of a panel's members."""

from typing import Protocol

from gaveld.domain.reviews import Ballot, ReviewerCard, ReviewTask


class Reviewer(Protocol):
    """One member of a panel: reads content under the rules in force, and votes.

    Reviewers of one panel are asked at once, each with the same task object, and may share work on
    it. Every flagged rule is in force in the task. What the content says can't change the rules,
    nor can the context. A reviewer that can't judge the content answers with a ``failed`` ballot
    that says why, or raises, which counts as the same; it never votes safe on what it could not
    read. A cancelled call stops its work within 100 ms, wherever it runs, and harms no other
    reviewer that shares it; the caller keeps the time. Content, context, prompt and the model's own
    words never go into a log; a failed ballot's reason holds nothing of them.
    """

    @property
    def card(self) -> ReviewerCard:
        """What the reviewer is; constant over its life."""
        ...

    async def review(self, task: ReviewTask) -> Ballot:
        """Return its ballot, under its card's name, model and weight.

        Asked for a custom prompt only if its card says that it reads them. The ballot's ``seconds``
        are the caller's to measure.
        """
        ...
