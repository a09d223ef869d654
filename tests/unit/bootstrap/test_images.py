"""What is loaded to look at pictures, and what is said of what is not."""

import sys
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from gaveld.adapters.image.hashes import BankFolder, StoredBank
from gaveld.adapters.image.hashes.banks import Entry
from gaveld.adapters.image.nsfw_model import installation
from gaveld.adapters.image.nsfw_model.conversion import onnx_from, weights_from
from gaveld.adapters.image.nsfw_model.installation import NsfwInstallation
from gaveld.adapters.image.nsfw_model.network import SIDE
from gaveld.bootstrap.images import ImageClassifiers, build_image_classifiers
from gaveld.bootstrap.settings import ImagesSettings, ModelsSettings, SettingsError
from gaveld.domain.image_signals import HashBank, HashBankKind
from tests.frames import sample_of, waves
from tests.unit.adapters.image.tiny_graph import tiny_nodes, tiny_weights


@pytest.fixture
async def build(tmp_path):
    """Load from a folder of the test's own, and let go after it."""
    async with AsyncExitStack() as stack:

        def make(*classifiers: str) -> ImageClassifiers:
            images = ImagesSettings(classifiers=classifiers, hashes_folder=tmp_path / "hashes")
            return build_image_classifiers(images, ModelsSettings(folder=tmp_path), stack)

        yield make


def names(cards) -> list[str]:
    return [card.name for card in cards]


def test_a_model_that_is_missing_is_named_and_not_checked(build):
    """Law: a server starts without it, its log says how to get it, and it counts as absent."""
    with capture_logs() as logs:
        found = build("nsfw", "hashes")
    assert found.loaded == ()
    card, *_ = found.absent
    assert (card.name, card.categories) == ("nsfw", {"A1", "A2"})
    (line,) = logs
    assert (line["event"], line["model"], line["state"]) == (
        "model_missing",
        "nsfw",
        "not installed",
    )
    assert "gavel models install" in line["install_with"]


def test_a_model_that_is_damaged_is_not_loaded(build, tmp_path):
    """Law: only the right file is ever run."""
    file = NsfwInstallation(tmp_path).file
    file.parent.mkdir()
    file.write_bytes(b"something")
    with capture_logs() as logs:
        assert names(build("nsfw").absent)[0] == "nsfw"
    assert logs[0]["state"] == "damaged"


def test_a_detector_that_is_left_out_is_missed_in_silence(build):
    """Law: what the operator chose needs no warning, and is no check."""
    with capture_logs() as logs:
        assert names(build().absent) == ["nsfw", "codes", "ocr"]
    assert logs == []


async def test_what_is_there_is_loaded_the_cheapest_first(build, tmp_path, monkeypatch):
    """Law: banks and the network are loaded, warmed up, and find what they are for."""
    content = onnx_from(tiny_nodes(SIDE), weights_from(*tiny_weights(SIDE)), "tiny")
    installed = NsfwInstallation(tmp_path)
    installed.file.parent.mkdir()
    installed.file.write_bytes(content)
    monkeypatch.setattr(
        installation, "ONNX_SHA256", installation.hashlib.sha256(content).hexdigest()
    )
    about = HashBank("bank", HashBankKind.BLOCK, category_id="V3")
    BankFolder(tmp_path / "hashes").write(StoredBank.of(about, [Entry(bytes(32), "")]))
    found = build("nsfw", "ocr", "codes", "hashes")
    assert names(entry.card for entry in found.loaded) == ["hashes", "codes", "nsfw", "ocr"]
    assert found.absent == ()
    await found.warm_up()
    for classifier in found.loaded:
        await classifier.classify(sample_of(waves(1)))


@pytest.mark.parametrize(("name", "library"), [("codes", "zxingcpp"), ("ocr", "rapidocr")])
def test_a_library_that_is_missing_is_named(build, monkeypatch, name, library):
    """Law: a server starts without it, its log says how to get it, and it counts as absent."""
    for module in list(sys.modules):
        if module.startswith(f"gaveld.adapters.image.{name}"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with capture_logs() as logs:
        found = build(name)
    assert found.loaded == ()
    assert name in names(found.absent)
    (line,) = logs
    assert (line["event"], line["model"], line["state"]) == ("model_missing", name, "not installed")
    assert "pip install" in line["install_with"]


def test_a_model_of_text_that_is_damaged_is_not_loaded(build, monkeypatch):
    """Law: what can't be loaded counts as absent, and the log says so."""
    from gaveld.adapters.image.ocr import engine

    monkeypatch.setitem(engine.FILES, "Rec", "no such file")
    with capture_logs() as logs:
        found = build("ocr")
    assert found.loaded == ()
    assert [(line["model"], line["state"]) for line in logs] == [("ocr", "damaged")]


def test_a_damaged_bank_keeps_the_server_from_starting(build, tmp_path):
    """Law: known pictures are never let through because a file can't be read."""
    folder = tmp_path / "hashes"
    folder.mkdir()
    (folder / "bank.npz").write_bytes(b"nothing")
    with pytest.raises(SettingsError, match=r"images\.hashes_folder"):
        build("hashes")
