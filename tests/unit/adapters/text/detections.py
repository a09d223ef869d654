"""Runs one detector over a text whose expected hits are marked in it."""

from gaveld.adapters.text.scanning import Find


def unmark(marked: str) -> tuple[str, list[str]]:
    """Return a text without its ⟦marks⟧, and what stood between them."""
    expected = [piece.partition("⟧")[0] for piece in marked.split("⟦")[1:]]
    return marked.replace("⟦", "").replace("⟧", ""), expected


def found(find: Find, text: str) -> list[str]:
    """Return the places that a detector finds, in order."""
    return [text[hit.start : hit.end] for hit in find(text)]
