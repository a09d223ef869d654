"""The guide to pictures says what the code does."""

import re
from pathlib import Path

from gaveld.domain.image_signals import SHOWN
from gaveld.domain.media import MediaRefusal, MediaRefused

GUIDE = (Path(__file__).parents[3] / "docs" / "images.md").read_text("utf-8")


def test_every_refusal_is_in_the_table_beside_its_reason():
    """Law: a caller finds each cause under the reason that the error has."""
    rows = {
        row[1]: set(re.findall(r"`([A-Z_]+)`", row[2]))
        for row in re.finditer(r"^\| `(MEDIA_[A-Z_]+)` \| (.+) \|$", GUIDE, re.MULTILINE)
    }
    expected: dict[str, set[str]] = {}
    for refusal in MediaRefusal:
        expected.setdefault(MediaRefused(refusal).reason.value, set()).add(refusal.value)
    assert rows == expected


def test_the_blind_spot_is_named_category_by_category():
    """Law: what nobody looks for in pixels is listed, and nothing else is said to be unseen."""
    listed = re.search(r"categories\s+\(([A-Z0-9, ]+)\) are\s+never", GUIDE)
    assert listed is not None
    assert set(listed[1].split(", ")) == SHOWN - {"A1", "A2"}
