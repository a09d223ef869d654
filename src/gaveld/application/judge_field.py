"""Judges one field of typed content: a text or a link, a picture, a video, a sound.

A field that can't be judged costs coverage and never the others.
"""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gaveld.application.judge_video import JudgeVideo
from gaveld.application.moderate import ModerateText, TextJudgement
from gaveld.application.moderate_image import ImageJudgement, ImageSubmission, ModerateImage
from gaveld.application.pieces import Piece, Unjudged, piece
from gaveld.application.ports import TextReader
from gaveld.application.sitting import Place
from gaveld.application.video_in_progress import VideoJudgement
from gaveld.domain.content import TextSubmission
from gaveld.domain.errors import ErrorReason, FailedPrecondition
from gaveld.domain.policies import Policy, PolicyOverrides
from gaveld.domain.rule_facts import FactsOfPart
from gaveld.domain.signals import Signals
from gaveld.domain.typed_content import FieldType, Leaf, MediaValue, Url
from gaveld.domain.verdicts import judge

UNREAD: Final = "The text could not be judged."
UNSEEN: Final = "The file could not be judged."
UNREAD_SOUND: Final = "The sound could not be judged."
UNHEARD: Final = "Nothing on this server writes down what is said."
EMPTY: Final = "There was nothing to judge."

FieldJudgement = TextJudgement | ImageJudgement | VideoJudgement


@dataclass(frozen=True, slots=True)
class Terms:
    """What goes for every field of one piece of content.

    ``own`` is the project's policy, the same for all, and ``policy`` that with the ``overrides`` in
    it. ``due`` is a time of the monotonic clock.
    """

    project: str
    own: Policy
    policy: Policy
    due: float
    overrides: PolicyOverrides = field(default_factory=PolicyOverrides)
    blocked_terms: tuple[str, ...] = field(default=(), repr=False)

    @property
    def seconds_left(self) -> float:
        """How long judging may still take, maybe negative."""
        return self.due - time.monotonic()


@dataclass(frozen=True, slots=True)
class JudgedField:
    """One field and what judging it came to."""

    leaf: Leaf
    piece: Piece[FieldJudgement]

    @property
    def is_link(self) -> bool:
        """Whether it was judged as a link."""
        return isinstance(self.leaf.value, Url)

    @property
    def facts(self) -> FactsOfPart:
        """What rules may ask of it. The words of an address are nobody's language."""
        if self.is_link or not self.leaf.value:
            return FactsOfPart()
        match self.piece.judgement:
            case TextJudgement() as text:
                return text.rule_facts
            case ImageJudgement() as image:
                return image.rule_facts
            case VideoJudgement() as video:
                return FactsOfPart(image_scores=video.image_scores, read_text=video.words)
        if isinstance(self.leaf.value, MediaValue):
            return FactsOfPart(read_text=None)
        return FactsOfPart(is_language_unknown=True)


class JudgeField:
    """Has each field judged by whoever judges what it holds.

    ``place`` grants room for long texts, and ``reader`` says who would have read what was not.
    """

    def __init__(
        self,
        *,
        moderate_text: ModerateText,
        moderate_image: ModerateImage,
        judge_video: JudgeVideo,
        reader: TextReader,
        place: Place,
    ) -> None:
        self._moderate_text = moderate_text
        self._moderate_image = moderate_image
        self._judge_video = judge_video
        self._reader = reader
        self._place = place

    async def __call__(self, leaf: Leaf, terms: Terms) -> JudgedField:
        """Judge one field by the time that is due.

        Raises ``ResourceExhausted`` where there is no place for it, and ``Unavailable`` where
        something that every field needs can't be reached: the whole is to be sent again.
        """
        match leaf.value:
            case str() as text:
                judged = await self._text(leaf.path, text, terms)
            case Url(address):
                judged = await self._text(leaf.path, address, terms)
            case media:
                judged = await self._file(leaf.path, media, terms)
        return JudgedField(leaf, judged)

    def nothing(self, policy: Policy) -> Unjudged:
        """Return the verdict on content in which there is nothing to judge: all was looked at."""
        outcomes = self._reader.unread(EMPTY, is_needless=True)
        return judge(Signals((), outcomes), policy), outcomes

    async def _text(self, path: str, text: str, terms: Terms) -> Piece[FieldJudgement]:
        if not text:
            return Piece(path, *self.nothing(terms.policy))
        return await piece(
            path, self._moderated(text, terms), partial(self._unread, terms.policy, UNREAD)
        )

    async def _moderated(self, text: str, terms: Terms) -> FieldJudgement:
        async with self._place(len(text)):
            return await self._moderate_text(
                TextSubmission(text, blocked_terms=terms.blocked_terms),
                project=terms.project,
                overrides=terms.overrides,
                deadline_seconds=terms.seconds_left,
                own=terms.own,
            )

    async def _file(self, path: str, media: MediaValue, terms: Terms) -> Piece[FieldJudgement]:
        policy, named = terms.policy, f"fields.{path}"
        if media.type is FieldType.IMAGE:
            seen = self._moderate_image(
                ImageSubmission(media.reference, terms.blocked_terms, named),
                project=terms.project,
                overrides=terms.overrides,
                deadline_seconds=terms.seconds_left,
                # Rules ask for what a settled verdict needs no more, and so does who judges again.
                explain=True,
                own=terms.own,
            )
            return await piece(path, seen, partial(self._moderate_image.unjudged, policy))
        if media.type is FieldType.AUDIO and not self._judge_video.hears:
            return await piece(path, _unheard(), partial(self._unread, policy, UNHEARD))
        watched = self._judge_video(
            media.reference,
            policy,
            project=terms.project,
            deadline_seconds=terms.seconds_left,
            field=named,
            needs_pictures=media.type is FieldType.VIDEO,
        )
        if media.type is FieldType.VIDEO:
            return await piece(path, watched, partial(self._judge_video.unjudged, policy, UNSEEN))
        return await piece(path, watched, partial(self._unread, policy, UNREAD_SOUND))

    def _unread(self, policy: Policy, reason: str) -> Unjudged:
        outcomes = self._reader.unread(reason)
        return judge(Signals((), outcomes), policy), outcomes


async def _unheard() -> FieldJudgement:
    raise FailedPrecondition(ErrorReason.FEATURE_DISABLED, UNHEARD)
