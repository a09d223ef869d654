"""Reads and makes files of keys: one key a line, the first to seal with, all to open with."""

import base64
import binascii
import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

from gaveld.adapters.secrets.box import KEY_BYTES

COMMENT: Final = "#"


def new_key() -> str:
    """Return a fresh key as a line for a file of keys."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def keys_in(file: Path) -> tuple[bytes, ...]:
    """Return the keys of a file. Empty lines and those that begin with "#" are none.

    Raises ``OSError``, and ``ValueError`` that names the line and quotes nothing of it.
    """
    keys = []
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith(COMMENT):
            continue
        try:
            key = base64.b64decode(entry, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError(f"line {number} is not {KEY_BYTES} bytes in base64")
        keys.append(key)
    if not keys:
        raise ValueError("there is no key in it")
    return tuple(keys)


def made_key_file(file: Path) -> tuple[bytes, ...]:
    """Return the keys of a file, which is made with one, for its owner alone, if it is not there.

    Of several processes that make it at once, one does and all get the same key. Raises as
    ``keys_in`` does.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 0600
        made = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as lines:
                lines.write(f"{new_key()}\n")
                lines.flush()
                os.fsync(lines.fileno())
            with contextlib.suppress(FileExistsError):  # somebody else was faster
                os.link(made, file)
        finally:
            made.unlink()
    return keys_in(file)
