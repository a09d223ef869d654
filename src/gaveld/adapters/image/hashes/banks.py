"""Banks of known pictures as files: one binary file a bank, and text for taking in and giving out.

A bank holds hashes and its own ids of the pictures, never a picture. What a match means, the bank
says; what to do about it, the policy.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from gaveld.adapters.image.hashes.index import Hashes
from gaveld.adapters.image.hashes.pdq import HASH_BYTES
from gaveld.domain.image_signals import HashBank, HashBankKind

MAX_ENTRY_ID_BYTES: Final = 256

_SUFFIX: Final = ".npz"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HASH: Final = re.compile(rf"[0-9a-fA-F]{{{2 * HASH_BYTES}}}")
_ABOUT: Final = "# gavel bank "


class BankError(Exception):
    """A bank, or a file to take hashes from, can't be used; the message says why."""


class Entry(NamedTuple):
    """One known picture: its hash and the bank's own id of it, which may be empty."""

    value: bytes
    entry_id: str


@dataclass(frozen=True, slots=True, eq=False)
class StoredBank:
    """A bank with its hashes, ``[hashes, 32]``, and as many ids."""

    about: HashBank
    hashes: Hashes
    entry_ids: "EntryIds"

    @classmethod
    def of(cls, about: HashBank, entries: Iterable[Entry]) -> "StoredBank":
        """Return a bank of these; of equal hashes the first stays."""
        unique: dict[bytes, str] = {}
        for entry in entries:
            unique.setdefault(entry.value, entry.entry_id)
        hashes = np.frombuffer(b"".join(unique), np.uint8).reshape(-1, HASH_BYTES)
        return cls(about, hashes, EntryIds.of(unique.values()))

    def entries(self) -> Iterator[Entry]:
        """Yield what the bank holds, in the order in which it came in."""
        for number, value in enumerate(self.hashes):
            yield Entry(value.tobytes(), self.entry_ids[number])


@dataclass(frozen=True, slots=True, eq=False)
class EntryIds:
    """Many short texts in two arrays, since a million Python strings would take 60 MB.

    ``text`` is all of them in UTF-8, and ``ends`` where in it each ends.
    """

    ends: npt.NDArray[np.int64]
    text: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "EntryIds":
        """Return these texts."""
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(ends, np.frombuffer(b"".join(encoded), np.uint8))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        start = self.ends[number - 1] if number else 0
        return self.text[start : self.ends[number]].tobytes().decode()


class BankFolder:
    """The banks of one server, each a file in this folder. A folder that is not there is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Sequence[str]:
        """Return the names of the banks, in order."""
        return sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}"))

    def read(self, name: str) -> StoredBank:
        """Return one bank. Raises ``BankError`` if there is none or it is damaged."""
        path = self._path(name)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                bank = StoredBank(
                    HashBank(**{**about, "kind": HashBankKind(about["kind"])}),
                    arrays["hashes"],
                    EntryIds(arrays["id_ends"], arrays["id_text"]),
                )
        except FileNotFoundError as error:
            known = ", ".join(self.names()) or "none"
            raise BankError(f"there is no bank {name!r}; the banks are: {known}") from error
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise BankError(f"{path} is no bank, or is damaged: {error}") from error
        shape = (len(bank.entry_ids), HASH_BYTES)
        if bank.about.name != name or bank.hashes.shape != shape or bank.hashes.dtype != np.uint8:
            raise BankError(f"{path} is no bank, or is damaged")
        return bank

    def write(self, bank: StoredBank) -> None:
        """Put a bank in the place of the one with its name, whole or not at all."""
        path = self._path(bank.about.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        about = np.frombuffer(json.dumps(asdict(bank.about)).encode(), np.uint8)
        beside = path.with_suffix(".part")
        with beside.open("wb") as file:
            np.savez(
                file,
                about=about,
                hashes=bank.hashes,
                id_ends=bank.entry_ids.ends,
                id_text=bank.entry_ids.text,
            )
        beside.replace(path)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BankError(f"{name!r} is no name: letters, digits, dots, underscores and hyphens")
        return self._folder / f"{name}{_SUFFIX}"


def entries_in(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries of a text: on each line 64 hex digits and, after a comma, an id if any.

    Empty lines and those that begin with ``#`` count for nothing. Raises ``BankError`` that names
    the first line that is wrong.
    """
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        digits, _, entry_id = (part.strip() for part in text.partition(","))
        if not _HASH.fullmatch(digits):
            raise BankError(f"line {number}: no hash of {2 * HASH_BYTES} hex digits")
        if len(entry_id.encode()) > MAX_ENTRY_ID_BYTES:
            raise BankError(f"line {number}: the id has more than {MAX_ENTRY_ID_BYTES} bytes")
        yield Entry(bytes.fromhex(digits), entry_id)


def bank_in(first_line: str) -> HashBank | None:
    """Return what an exported text says of its bank in its first line; None if it says nothing."""
    if not first_line.startswith(_ABOUT):
        return None
    try:
        about = json.loads(first_line.removeprefix(_ABOUT))
        return HashBank(**{**about, "kind": HashBankKind(about["kind"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BankError(f"line 1: this says nothing of a bank: {error}") from error


def lines_of(bank: StoredBank) -> Iterator[str]:
    """Yield a bank as text, which ``bank_in`` and ``entries_in`` read again."""
    yield f"{_ABOUT}{json.dumps(asdict(bank.about))}\n"
    for entry in bank.entries():
        yield (
            f"{entry.value.hex()},{entry.entry_id}\n"
            if entry.entry_id
            else f"{entry.value.hex()}\n"
        )
