"""What of a task's content a model is shown: words as a document or a text, and pictures.

It shows everything, or says what the model will not see; it never shortens words.
"""

from dataclasses import dataclass, field
from typing import Final

from gaveld.adapters.reviewers.chat_model.chat import Picture
from gaveld.adapters.reviewers.chat_model.errors import UnreviewableError
from gaveld.adapters.reviewers.chat_model.framing import Json
from gaveld.domain.reviews import (
    ConversationContent,
    ImageEvidence,
    ReviewTask,
    TextContent,
    Turn,
    VideoEvidence,
)
from gaveld.domain.signals import ClassifierOutcome

MOST_PICTURES: Final = 16
"""A video's other frames are judged by what was learnt of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Content as a model is given it.

    ``document`` is for models that read instructions and JSON, ``text`` for those that are given
    the bare content. ``sees_all`` is false when pictures are judged by words about them;
    ``outcomes`` are then the classifiers that those words rest on.
    """

    document: Json = field(repr=False)
    text: str = field(repr=False)
    pictures: tuple[Picture, ...] = ()
    sees_all: bool = True
    outcomes: tuple[ClassifierOutcome, ...] = ()


def show(task: ReviewTask, *, reads_images: bool) -> Shown:
    """Return what a model is shown of the task's content.

    Raises ``UnreviewableError`` for pictures that it can't see and that no words tell of.
    """
    match task.content:
        case TextContent(text):
            return Shown({"text": text}, text)
        case ConversationContent(turns):
            return _conversation(turns)
        case ImageEvidence() as image:
            return _image(image, reads_images=reads_images)
        case VideoEvidence() as video:
            return _video(video, reads_images=reads_images)


def _conversation(turns: tuple[Turn, ...]) -> Shown:
    # Authors are told apart and not named: their ids are nobody else's business.
    numbers: dict[tuple[str, str], int] = {}
    entries: list[Json] = []
    lines: list[str] = []
    for turn in turns:
        number = numbers.setdefault((turn.role, turn.author_id), len(numbers) + 1)
        entries.append({"role": turn.role, "author": number, "text": turn.text})
        # Later lines are set in, so that no turn can look like two.
        body = "\n    ".join(turn.text.splitlines())
        lines.append(f"{' '.join(turn.role.split())} {number}: {body}")
    return Shown({"turns": entries}, "\n".join(lines))


def _image(image: ImageEvidence, *, reads_images: bool) -> Shown:
    if not reads_images and not image.text and not image.description:
        raise UnreviewableError("It does not see pictures, and nothing is known of this one.")
    return Shown(
        {"picture": "attached" if reads_images else "not shown", **_words(image)},
        "\n".join(filter(None, (image.description, image.text))),
        pictures=(Picture(image.data, image.media_type),) if reads_images else (),
        sees_all=reads_images,
        outcomes=() if reads_images else image.outcomes,
    )


def _video(video: VideoEvidence, *, reads_images: bool) -> Shown:
    frames = video.frames
    shown = _spread(len(frames), MOST_PICTURES) if reads_images else ()
    told = [frame for frame in frames if frame.image.text or frame.image.description]
    if not shown and not told and not video.transcript:
        raise UnreviewableError("Nothing of this video can be shown to it.")
    numbers = {place: number for number, place in enumerate(shown, 1)}
    entries: list[Json] = [
        {"seconds": frame.seconds, "picture": numbers.get(place), **_words(frame.image)}
        for place, frame in enumerate(frames)
    ]
    words = [part for frame in told for part in (frame.image.description, frame.image.text) if part]
    sees_all = video.has_all_frames and len(shown) == len(frames)
    return Shown(
        {"seconds": video.seconds, "transcript": video.transcript, "frames": entries},
        "\n".join((video.transcript, *dict.fromkeys(words))),
        pictures=tuple(
            Picture(frames[place].image.data, frames[place].image.media_type) for place in shown
        ),
        sees_all=sees_all,
        outcomes=() if sees_all else video.outcomes,
    )


def _words(image: ImageEvidence) -> dict[str, Json]:
    return {"description": image.description, "words_in_picture": image.text}


def _spread(count: int, most: int) -> tuple[int, ...]:
    """Return up to ``most`` places out of ``count``, evenly, with the first and the last."""
    if count <= most:
        return tuple(range(count))
    return tuple(round(step * (count - 1) / (most - 1)) for step in range(most))
