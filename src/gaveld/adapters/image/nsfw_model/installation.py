"""Puts the network into the models folder, and says whether what is there is the right one.

The file that a right conversion gives is pinned by its hash, so nothing else is ever loaded.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gaveld.adapters.image.nsfw_model import package
from gaveld.adapters.image.nsfw_model.conversion import onnx_from, weights_from

NAME: Final = "nsfw"
CATEGORIES: Final = frozenset({"A1", "A2"})
"""What the network can tell of; known before it is installed."""

ONNX_SHA256: Final = "93ad0c0f3565551a8238cd34058b437f75c26f4536106c251b8cafe868b5eb8b"

_FILE: Final = "model.onnx"
_LICENSE: Final = "LICENSE"


class InstallationState(StrEnum):
    """Whether a model can be used."""

    INSTALLED = "installed"
    NOT_INSTALLED = "not installed"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class NsfwInstallation:
    """The place of the network in a models folder.

    A folder of its own, with the network as ONNX and the licence that it comes under.
    """

    models_folder: Path

    @property
    def file(self) -> Path:
        """Where the network is, once installed."""
        return self.models_folder / NAME / _FILE

    def state(self) -> InstallationState:
        """Hash what is there and return what it is."""
        try:
            found = hashlib.sha256(self.file.read_bytes()).hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return InstallationState.NOT_INSTALLED
        right = found == ONNX_SHA256
        return InstallationState.INSTALLED if right else InstallationState.DAMAGED

    def install(self, archive: bytes) -> None:
        """Convert the network of the pinned package and put it in place, whole or not at all.

        Raises ``PackageError`` if these are other bytes than the package's, ``OSError`` if the
        folder can't be written to.
        """
        package.prove(archive)
        source = package.read(archive)
        weights = weights_from(source.weights_manifest, source.weights)
        model = onnx_from(source.nodes, weights, f"{package.PACKAGE} {package.VERSION}")
        found = hashlib.sha256(model).hexdigest()
        if found != ONNX_SHA256:
            raise package.PackageError(
                f"the conversion went wrong: the file's SHA-256 is {found}, "
                f"and {ONNX_SHA256} was expected"
            )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        (self.file.parent / _LICENSE).write_text(source.license_text, "utf-8")
        beside = self.file.with_suffix(".part")
        beside.write_bytes(model)
        beside.replace(self.file)
