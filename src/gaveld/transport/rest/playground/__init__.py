"""The playground: a page to try Gavel on."""

from gaveld.transport.rest.static_pages import StaticPage


class Playground(StaticPage):
    """The page at ``/playground``."""

    def __init__(self) -> None:
        super().__init__("/playground", __name__)
