"""NudeNet is loaded where it is named, says its licence, and is asked for if it is not there."""

from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from gaveld.adapters.image.nudenet import network
from gaveld.bootstrap.images import build_image_classifiers
from gaveld.bootstrap.settings import ImagesSettings, ModelsSettings, SettingsError
from tests.frames import noise, sample_of


@pytest.fixture
async def build(tmp_path):
    """Load from a folder without models, and let go after the test."""
    async with AsyncExitStack() as stack:

        def make(*classifiers: str):
            images = ImagesSettings(classifiers=classifiers, hashes_folder=tmp_path / "hashes")
            return build_image_classifiers(images, ModelsSettings(folder=tmp_path), stack)

        yield make


async def test_it_is_loaded_where_it_is_named(build):
    """Law: it works, is nobody's absence if it is not named, and the log says its licence."""
    with capture_logs() as logs:
        found = build("nudenet")
    assert [entry.card.name for entry in found.loaded] == ["nudenet"]
    (line,) = (line for line in logs if line["event"] == "nudenet_in_use")
    assert line["licence"] == "AGPL-3.0"
    assert found.loaded[0].card.version.startswith(f"{line['version']}+")
    await found.warm_up()
    await found.loaded[0].classify(sample_of(noise(1)))


def test_it_is_not_loaded_unasked(build):
    """Law: installed or not, it is used only if the operator names it, and is missed by nobody."""
    with capture_logs() as logs:
        found = build()
    assert "nudenet" not in {entry.card.name for entry in found.loaded}
    assert "nudenet" not in {card.name for card in found.absent}
    assert logs == []


def test_a_server_that_names_it_and_lacks_it_says_how_to_get_it(build, monkeypatch):
    """Law: what was asked for is there, or the server does not start."""
    monkeypatch.setattr(network, "PACKAGE", "nudenet_that_nobody_has")
    with pytest.raises(SettingsError) as failure:
        build("nudenet")
    assert str(failure.value) == (
        "images.classifiers: nudenet is not installed; it is under the AGPL-3.0: "
        "pip install 'gaveld[nudenet]'"
    )


def test_a_network_that_can_t_be_loaded_keeps_the_server_from_starting(
    build, monkeypatch, tmp_path
):
    """Law: likewise if what is installed is damaged."""
    file = tmp_path / "320n.onnx"
    file.write_bytes(b"something")
    monkeypatch.setattr(network, "installed_network", lambda: file)
    with pytest.raises(SettingsError, match=r"images\.classifiers: nudenet: 320n\.onnx"):
        build("nudenet")
