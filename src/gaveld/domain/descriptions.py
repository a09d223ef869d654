"""Says in one plain sentence what is known of a picture. It tells evidence and imagines nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

from gaveld.domain.image_signals import ImageClass, ImageCode, ImageScores, ImageText
from gaveld.domain.media import MediaFacts, MediaKind

SURE_FROM: Final = 0.6
"""A class below this probability says too little of what is seen."""

QUOTED_CHARACTERS: Final = 80
"""So much of the text read is quoted."""

MORE: Final = "…"

_KINDS: Final[Mapping[ImageClass, tuple[str, str]]] = {
    ImageClass.PORN: ("A pornographic picture", "A pornographic animation"),
    ImageClass.HENTAI: ("A drawn pornographic picture", "A drawn pornographic animation"),
    ImageClass.SEXUAL: ("A suggestive picture", "A suggestive animation"),
    ImageClass.DRAWING: ("A drawing", "A drawn animation"),
    ImageClass.NEUTRAL: ("A picture without nudity", "An animation without nudity"),
}
_UNKNOWN: Final = ("A picture", "An animation")


def describe(
    facts: MediaFacts,
    scores: ImageScores | None,
    texts: Sequence[ImageText],
    codes: Sequence[ImageCode],
) -> str:
    """Return one sentence on a picture or an animation.

    ``scores`` are the classes of its worst frame, None if it was not scored; ``texts`` and
    ``codes`` what was read in it.
    """
    animated = facts.kind is MediaKind.ANIMATION
    parts = [_kind(scores)[animated]]
    if animated:
        parts.append(f"of {facts.frame_count:,} frames")
    said = _quoted(texts)
    held = [f"the text “{said}”"] if said else []
    held += [_codes(codes)] if codes else []
    if held:
        parts.append(f"with {' and '.join(held)}")
    return f"{' '.join(parts)}, {facts.width_pixels:,} × {facts.height_pixels:,} pixels."


def _kind(scores: ImageScores | None) -> tuple[str, str]:
    if not scores:
        return _UNKNOWN
    likeliest = max(scores, key=lambda name: scores[name])
    return _KINDS[likeliest] if scores[likeliest] >= SURE_FROM else _UNKNOWN


def _quoted(texts: Sequence[ImageText]) -> str:
    lines = dict.fromkeys(" ".join(entry.text.split()) for entry in texts)
    said = " ".join(line for line in lines if line)
    if len(said) <= QUOTED_CHARACTERS:
        return said
    return said[:QUOTED_CHARACTERS].rstrip() + MORE


def _codes(codes: Sequence[ImageCode]) -> str:
    different = len({entry.text for entry in codes})
    if different > 1:
        return f"{different} codes"
    return "a QR code" if "qr" in codes[0].format.lower() else "a bar code"
