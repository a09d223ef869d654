"""The review page: where people decide on what waits in the review queues."""

from typing import Final

from gaveld.transport.rest import playground
from gaveld.transport.rest.static_pages import StaticPage

_SHARED: Final = (
    "answer.css",
    "api.js",
    "catalogue.js",
    "colours.css",
    "dom.js",
    "icon.svg",
    "marking.js",
    "page.css",
    "words.js",
)
"""What it has in common with the playground."""


class ReviewPage(StaticPage):
    """The page at ``/review``."""

    def __init__(self) -> None:
        super().__init__("/review", __name__, shared=_SHARED, owner=playground.__name__)
