"""Reviews a conversation while it happens: turn by turn, and turns that are still being written."""

from dataclasses import dataclass, field

from gaveld.application.conversation import Conversation, StreamKind
from gaveld.application.panels import ReviewWishes
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.sitting import Place, Sitting
from gaveld.domain.policies import PolicyOverrides
from gaveld.domain.reviews import Turn


@dataclass(frozen=True, slots=True)
class Opening:
    """What a stream wants. ``hold_back_units`` None takes what the policy says.

    ``earlier_turns`` were said before; they are remembered and not judged by themselves.
    """

    kind: StreamKind = StreamKind.CONVERSATION
    wishes: ReviewWishes = field(default_factory=ReviewWishes)
    overrides: PolicyOverrides = field(default_factory=PolicyOverrides)
    hold_back_units: int | None = None
    earlier_turns: tuple[Turn, ...] = ()


class ModerateConversation:
    """The use case behind ``StreamConversation``.

    A turn, or a piece of one, is given up after ``max_turn_seconds``. A turn costs its project two
    reviews, and the first of a conversation one; a turn that comes in parts costs one review for
    each of its pieces, and one more.
    """

    def __init__(self, review_compliance: ReviewCompliance, *, max_turn_seconds: float) -> None:
        self._review_compliance = review_compliance
        self._max_turn_seconds = max_turn_seconds

    async def open(self, opening: Opening, *, project: str, place: Place) -> Conversation:
        """Begin a conversation, for whose reviews ``place`` grants room.

        Raises what ``ReviewCompliance.convene`` does, and ``InvalidRequest`` where the overrides
        leave no category to judge.
        """
        panel = await self._review_compliance.convene(
            opening.wishes, project=project, overrides=opening.overrides
        )
        hold_back_units = opening.hold_back_units
        if hold_back_units is None:
            hold_back_units = panel.policy.panel.hold_back_utf16_units
        conversation = Conversation(
            Sitting(self._review_compliance, panel, place, self._max_turn_seconds),
            opening.kind,
            hold_back_units,
        )
        for turn in opening.earlier_turns:
            conversation.remember(turn)
        return conversation
