"""What the whole application is put together from."""

from contextlib import AsyncExitStack

import pytest

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.bootstrap.container import LOOKS_FOR, absent_cards, build_text_path
from gaveld.bootstrap.settings import TextSettings


async def test_what_classifiers_look_for_is_told_truly():
    """Law: a classifier that is left out is listed with the very categories it would cover."""
    async with AsyncExitStack() as stack:
        path = build_text_path(TextSettings(), stack, PrometheusTelemetry())
        told = {name: frozenset(categories.split()) for name, categories in LOOKS_FOR.items()}
        assert {entry.card.name: entry.card.categories for entry in path.classifiers} == told


@pytest.mark.parametrize(
    ("installed", "absent"),
    [
        (("lexicon", "terms", "links", "personal_data", "linear"), set()),
        (("lexicon", "terms"), {"links", "personal_data", "linear"}),
        ((), set(LOOKS_FOR)),
    ],
)
def test_what_is_not_installed_is_absent(installed, absent):
    """Law: every known classifier is either installed or named as absent."""
    cards = absent_cards(TextSettings(classifiers=installed))
    assert {card.name for card in cards} == absent
