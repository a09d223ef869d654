"""What classifiers are given of a picture and what they report of it, frame by frame.

Decoding is over by then, and thresholds are the policy's; here is only what was seen, and where.
``PictureSignals`` is all of it together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from gaveld.domain.categories import CATALOGUE
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.media import MediaFacts, Picture
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding, Signals

HASH_BITS: Final = 256
"""The length of a picture's hash."""

MOST_DISTANCE: Final = 128
"""No bank may ask for looser matches: unrelated pictures are about so many bits apart."""

USUAL_DISTANCE: Final = 31
"""What a bank that says nothing takes for the same picture."""

MIN_QUALITY: Final = 50
"""A hash of a lower quality (0–100) is of a picture with too little detail to be told apart."""


class ImageClass(StrEnum):
    """What a picture is taken for; the probabilities of the five add up to 1."""

    PORN = "porn"
    SEXUAL = "sexual"
    HENTAI = "hentai"
    DRAWING = "drawing"
    NEUTRAL = "neutral"


ImageScores = Mapping[ImageClass, float]
"""The probability, 0–1, of each class."""

SHOWN: Final = frozenset(
    {"A1", "A2", "A3", "C1", "C2", "C4", "D1", "D2", "H1", "H2", "H3", "V1", "V2", "V3"}
)
"""Categories that a picture can show without a word. The others are matters of words and files."""

PIXELS: Final = "pixels"
"""Stands for a look at a picture's pixels, where no classifier takes it."""


def blind_spot(seen: Iterable[str]) -> ClassifierCard:
    """Return the card of what pictures show and nobody looks for, beside what is seen.

    Words in a picture are read, so much of it is looked for there; a picture without words can
    still show it.
    """
    limits = "Nothing here looks for these in the pixels of a picture; only its words are read."
    return ClassifierCard(PIXELS, "", SHOWN - frozenset(seen), limits=limits, is_blind_spot=True)


def worst_frame(frame_scores: Mapping[int, ImageScores]) -> int | None:
    """Return the index of the frame that is likeliest to be pornography, or else suggestive.

    The first of several alike; None if none was scored.
    """
    return max(
        sorted(frame_scores), key=lambda index: explicitness(frame_scores[index]), default=None
    )


def explicit(scores: ImageScores) -> float:
    """Return the probability of pornography, photographed or drawn."""
    return min(1.0, scores.get(ImageClass.PORN, 0.0) + scores.get(ImageClass.HENTAI, 0.0))


def explicitness(scores: ImageScores) -> tuple[float, float]:
    """Return what pictures are sorted by: how likely pornography, then how likely suggestive."""
    return explicit(scores), scores.get(ImageClass.SEXUAL, 0.0)


class HashBankKind(StrEnum):
    """What a match in a bank of known pictures means: known bad ones, or known good ones."""

    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class HashBank:
    """A bank of known pictures: what a match in it means, and how near one must come.

    ``max_distance`` is the most bits, 0 to ``MOST_DISTANCE``, in which a match may differ.
    ``category_id`` is the category of a match; a bank that allows has none.
    """

    name: str
    kind: HashBankKind
    max_distance: int = USUAL_DISTANCE
    category_id: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.max_distance <= MOST_DISTANCE:
            raise ValueError(f"distance {self.max_distance} is outside 0–{MOST_DISTANCE}")
        if self.kind is HashBankKind.ALLOW:
            if self.category_id:
                raise ValueError("a bank that allows has no category")
        elif self.category_id not in CATALOGUE:
            raise ValueError(f"unknown category {self.category_id!r}")


@dataclass(frozen=True, slots=True)
class HashMatch:
    """A known picture that a frame resembles.

    ``entry_id`` is the bank's own id of it, empty if it gives none. ``distance`` is the number of
    bits, 0–256, in which the hashes differ. ``quality`` is the hash's, 0–100, of the frame.
    """

    bank: str
    kind: HashBankKind
    entry_id: str
    distance: int
    quality: int
    frame_index: int


class BoundingBox(NamedTuple):
    """An upright rectangle, in fractions (0–1) of the upright picture's width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ImageText:
    """A line of text read in a frame. ``confidence`` is 0–1; ``box`` is None if unknown."""

    text: str = field(repr=False)
    confidence: float
    box: BoundingBox | None = None
    frame_index: int = 0


@dataclass(frozen=True, slots=True)
class ImageCode:
    """A QR code or bar code read in a frame: its kind, such as ``QRCode``, and what it says."""

    format: str
    text: str = field(repr=False)
    box: BoundingBox | None = None
    frame_index: int = 0


@dataclass(frozen=True, slots=True)
class ImageFinding(Finding):
    """A finding in a picture: the index of the frame, and where in it.

    ``hash_match`` is the known picture, if it was found so. ``span`` is always None: what is found
    in text that was read has the box of that text.
    """

    frame_index: int = 0
    hash_match: HashMatch | None = None
    box: BoundingBox | None = None


@dataclass(frozen=True, slots=True)
class ImageReport(ClassifierReport):
    """What one classifier says of one picture.

    ``frame_scores`` are the classes of every frame that was scored, by its index.
    ``hash_matches`` are the nearest of the known pictures that it resembles, the nearest first.
    ``texts`` and ``codes`` are what was read, in the order of frames and then of reading.
    ``description`` is a sentence on what the picture shows; empty from all but who can tell.
    """

    frame_scores: Mapping[int, ImageScores] = field(default_factory=dict)
    hash_matches: tuple[HashMatch, ...] = ()
    texts: tuple[ImageText, ...] = ()
    codes: tuple[ImageCode, ...] = ()
    description: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ImageSample:
    """What a picture's classifier is given: its decoded frames and the policy in force."""

    picture: Picture
    policy: Policy


@dataclass(frozen=True, slots=True)
class PictureSignals:
    """Everything that was learnt about a picture, an animation or a few frames of a video.

    ``signals`` holds the findings of all that looked at pixels, as ``ImageFinding``s, and of all
    that read the text and the links in them, with every outcome; its topics and attributes are
    those of the text read. ``language`` is that text's, None if there was none. ``description`` is
    one plain sentence made from evidence, empty where there was none. ``is_cut_short``: the verdict
    was settled before everything was asked, and what was not is listed as skipped.
    ``is_described``: the description is by somebody who looked, and not made from the rest.
    """

    signals: Signals
    frame_scores: Mapping[int, ImageScores] = field(default_factory=dict)
    hash_matches: tuple[HashMatch, ...] = ()
    texts: tuple[ImageText, ...] = ()
    codes: tuple[ImageCode, ...] = ()
    language: DetectedLanguage | None = None
    description: str = field(default="", repr=False)
    is_cut_short: bool = False
    is_described: bool = False


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """What was learnt about a file that was decoded and looked at, without the file.

    ``frame_seconds`` are when the frames that were looked at are shown, by their index.
    """

    signals: PictureSignals
    facts: MediaFacts
    frame_seconds: Mapping[int, float]

    @property
    def quotes(self) -> bool:
        """Whether it holds something of the content: words that were read or that describe it."""
        signals = self.signals
        return bool(signals.texts or signals.codes or signals.is_described)
