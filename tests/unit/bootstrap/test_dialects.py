"""Which dialects there are, and what chooses among them."""

import re

import pytest
from pydantic import ValidationError

from gaveld.bootstrap.dialects import DIALECTS
from gaveld.bootstrap.settings.rest import RestSettings
from tests.unit.repo.tree import ROOT


def test_all_are_on_unless_some_are_named():
    """Law: a team that moves has to set nothing, and an operator can turn each off."""
    assert set(RestSettings().dialects) == set(DIALECTS)
    assert RestSettings(dialects=()).dialects == ()
    assert RestSettings(dialects=("openai",)).dialects == ("openai",)


@pytest.mark.parametrize("names", [("perspektive",), ("openai", "openai")])
def test_a_name_that_is_none_is_refused(names):
    """Law: a misspelt or repeated dialect stops the start."""
    with pytest.raises(ValidationError, match=names[0]):
        RestSettings(dialects=names)


def test_each_has_its_name_its_paths_and_its_page():
    """Law: settings, metrics and the guide call a dialect the same, and no two share a path."""
    guide = (ROOT / "docs/dialects.md").read_text("utf-8")
    surfaces = {name: make() for name, make in DIALECTS.items()}
    assert {name: surface.name for name, surface in surfaces.items()} == {
        name: name for name in DIALECTS
    }
    prefixes = [prefix for surface in surfaces.values() for prefix in surface.prefixes]
    assert len(set(prefixes)) == len(prefixes)
    for name in DIALECTS:
        assert re.search(rf"^\| \[`{name}`\]\(#\w+\) \| .* \|$", guide, re.MULTILINE), name
