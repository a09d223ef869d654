"""What people say that the server should have said of a text. It changes no verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.reviews import Turn
from gaveld.domain.signals import Attribute


@dataclass(frozen=True, slots=True)
class Feedback:
    """One opinion of one text, as a row to learn from.

    ``id`` is the caller's id of the call, and with the project names the opinion. ``attributes``
    are the scores, 0–1, that the text should have had; ``category_ids`` what it belongs to;
    ``action`` what should have been done, None for no opinion. ``languages`` are BCP 47 codes.
    ``description``, ``parent_text`` and ``turns`` are what surrounded it. ``given_at`` is UTC.
    """

    id: str
    project: str
    text: str = field(repr=False)
    given_at: datetime
    attributes: Mapping[Attribute, float] = field(default_factory=dict)
    category_ids: tuple[str, ...] = ()
    action: Action | None = None
    languages: tuple[str, ...] = ()
    community_id: str = ""
    description: str = field(default="", repr=False)
    parent_text: str = field(default="", repr=False)
    turns: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        for category_id in self.category_ids:
            if category_id not in CATALOGUE:
                raise ValueError(f"unknown category {category_id!r}")
        for name, score in self.attributes.items():
            if not 0.0 <= score <= 1.0:
                raise ValueError(f"score {score} of {name} is outside 0–1")
