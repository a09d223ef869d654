"""What the whole application is put together from."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.bootstrap.settings import SettingsError, TextSettings
from gaveld.bootstrap.texts import LOOKS_FOR, absent_cards, build_text_path
from tests.unit.adapters.text.tiny_transformer import write_transformer


async def test_what_classifiers_look_for_is_told_truly():
    """Law: a classifier that is left out is listed with the very categories it would cover."""
    async with AsyncExitStack() as stack:
        path = build_text_path(TextSettings(), stack, PrometheusTelemetry())
        told = {name: frozenset(categories.split()) for name, categories in LOOKS_FOR.items()}
        assert {entry.card.name: entry.card.categories for entry in path.classifiers} == told


@pytest.mark.parametrize(
    ("installed", "absent"),
    [
        (("lexicon", "terms", "links", "personal_data", "transformer"), set()),
        (("lexicon", "terms"), {"links", "personal_data", "transformer"}),
        ((), set(LOOKS_FOR)),
    ],
)
def test_what_is_not_installed_is_absent(installed, absent):
    """Law: every known classifier is either installed or named as absent."""
    cards = absent_cards(TextSettings(classifiers=installed))
    assert {card.name for card in cards} == absent


def test_a_lighter_model_is_missed_only_for_what_it_does_not_cover():
    """Law: with the linear model alone, the transformer is named for the rest of its categories."""
    chosen = ("lexicon", "terms", "links", "personal_data", "linear")
    (absent,) = absent_cards(TextSettings(classifiers=chosen))
    assert (absent.name, absent.categories) == ("transformer", frozenset({"A3"}))


async def test_an_engine_that_is_not_installed_stops_the_start(tmp_path: Path, monkeypatch):
    """Law: what the settings ask for by name is never silently replaced by something else."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    settings = TextSettings(
        classifiers=("transformer",),
        transformer_folder=write_transformer(tmp_path),
        engine="openvino",
    )
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"^text\.engine: openvino is not installed"):
            build_text_path(settings, stack, PrometheusTelemetry())
