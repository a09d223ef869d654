"""``gavel hashes``: keeps banks of known pictures, and says which of them a picture resembles."""

import asyncio
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.table import Column, Table

from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.adapters.image.hashes import BankError, BankFolder, KnownPictures, StoredBank
from gaveld.adapters.image.hashes.banks import bank_in, entries_in, lines_of
from gaveld.adapters.image.hashes.pdq import MAX_QUALITY, PictureHash, picture_hash
from gaveld.bootstrap.cli.options import AsJson, Config, err, fail, out, settings_from
from gaveld.domain.image_signals import (
    MIN_QUALITY,
    MOST_DISTANCE,
    USUAL_DISTANCE,
    HashBank,
    HashBankKind,
    HashMatch,
)
from gaveld.domain.media import MediaFile, MediaRefused
from gaveld.domain.media_formats import SIGNATURE_BYTES, MediaFamily, format_of

app = typer.Typer(no_args_is_help=True, help="Keep banks of known pictures, as PDQ hashes.")

_HASH = re.compile(r"[0-9a-fA-F]{64}")

Kind = Annotated[HashBankKind | None, typer.Option(help="What a match means. Default: block.")]
Category = Annotated[
    str | None, typer.Option(help="The category of a match, such as A1; for a bank that blocks.")
]
MaxDistance = Annotated[
    int | None,
    typer.Option(min=0, max=MOST_DISTANCE, help=f"In bits. Default: {USUAL_DISTANCE}."),
]


@app.command("list")
def list_banks(as_json: AsJson = False, config: Config = None) -> None:
    """List the banks."""
    with _explained():
        folder = _folder(config)
        banks = [folder.read(name) for name in folder.names()]
    if as_json:
        facts = [{**asdict(bank.about), "hashes": len(bank.hashes)} for bank in banks]
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return
    table = Table("bank", "kind", "category", Column("distance", justify="right"), "hashes")
    for bank in banks:
        about = bank.about
        row = (about.name, about.kind.value, about.category_id, str(about.max_distance))
        table.add_row(*row, f"{len(bank.hashes):,}")
    out.print(table)


@app.command("import")
def import_hashes(
    file: Annotated[
        Path, typer.Argument(help="Text: HASH or HASH,ID a line. - is standard input.")
    ],
    bank: Annotated[str | None, typer.Option(help="Its name. Default: what the file says.")] = None,
    kind: Kind = None,
    category: Category = None,
    max_distance: MaxDistance = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget what was in it.")] = False,
    config: Config = None,
) -> None:
    """Add a file's hashes to a bank, making it if need be; servers read banks as they start."""
    with _explained(), _opened(file) as lines:
        folder = _folder(config)
        first = next(lines, "")
        said = bank_in(first)
        name = bank or (said.name if said else None)
        if name is None:
            raise BankError("name the bank: --bank NAME")
        old = folder.read(name) if name in folder.names() else None
        about = _about(name, old.about if old else said, kind, category, max_distance)
        kept = old.entries() if old and not replace else ()
        entries = chain(kept, entries_in(chain([first], lines)))
        made = StoredBank.of(about, entries)
        folder.write(made)
    err.print(f"Bank {name} has {len(made.hashes):,} hashes.")


@app.command("export")
def export_hashes(
    bank: str,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Instead of stdout.")
    ] = None,
    config: Config = None,
) -> None:
    """Write a bank as text, which `gavel hashes import` reads again."""
    with _explained():
        lines = lines_of(_folder(config).read(bank))
        if output is None:
            sys.stdout.writelines(lines)
        else:
            with output.open("w", encoding="utf-8") as file:
                file.writelines(lines)


@app.command()
def match(
    pictures: Annotated[list[str], typer.Argument(help="Picture files, or hashes in hex.")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say which known pictures these resemble; of an animation, its first frame counts."""
    with _explained():
        folder = _folder(config)
        known = KnownPictures([folder.read(name) for name in folder.names()])
        hashes = asyncio.run(_hashes([_given(picture) for picture in pictures]))
        found = [sorted(known.matches(*value).values(), key=_distance) for value in hashes]
    if as_json:
        answers = [
            {"picture": picture, "hash": value.value.hex(), "quality": value.quality}
            | {"matches": [asdict(entry) for entry in matches]}
            for picture, value, matches in zip(pictures, hashes, found, strict=True)
        ]
        sys.stdout.write(json.dumps(answers, indent=2) + "\n")
        return
    table = Table("picture", "quality", "bank", "kind", "id", Column("distance", justify="right"))
    for picture, value, matches in zip(pictures, hashes, found, strict=True):
        quality = f"{value.quality}{' (too low)' if value.quality < MIN_QUALITY else ''}"
        if not matches:
            table.add_row(picture, quality, "no match")
        for entry in matches:
            cells = (entry.bank, entry.kind.value, entry.entry_id, str(entry.distance))
            table.add_row(picture, quality, *cells)
    out.print(table)


def _about(
    name: str,
    known: HashBank | None,
    kind: HashBankKind | None,
    category: str | None,
    max_distance: int | None,
) -> HashBank:
    kind = kind or (known.kind if known else HashBankKind.BLOCK)
    if category is None:
        category = known.category_id if known and known.kind is kind else ""
    if max_distance is None:
        max_distance = known.max_distance if known else USUAL_DISTANCE
    if kind is HashBankKind.BLOCK and not category:
        raise BankError("say what a match is: --category A3, or --kind allow")
    return HashBank(name, kind, max_distance, category)


async def _hashes(given: Iterable[PictureHash | MediaFile]) -> list[PictureHash]:
    decoder = ProcessImageDecoder(workers=1)
    try:
        return [
            entry
            if isinstance(entry, PictureHash)
            else picture_hash((await decoder.decode(entry)).frames[0])
            for entry in given
        ]
    except MediaRefused as refused:
        raise BankError(refused.message) from refused
    finally:
        decoder.close()


def _given(picture: str) -> PictureHash | MediaFile:
    if _HASH.fullmatch(picture):
        return PictureHash(bytes.fromhex(picture), MAX_QUALITY)
    content = Path(picture).read_bytes()
    found = format_of(content[:SIGNATURE_BYTES])
    if found is None or found.family is not MediaFamily.PICTURE:
        raise BankError(f"{picture} is no picture")
    return MediaFile(content, found, hashlib.sha256(content).hexdigest())


def _folder(config: Path | None) -> BankFolder:
    return BankFolder(settings_from(config).images.hashes_folder)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdin
        return
    with file.open(encoding="utf-8") as lines:
        yield lines


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BankError, OSError, ValueError) as error:
        raise fail(str(error)) from error


def _distance(entry: HashMatch) -> int:
    return entry.distance
