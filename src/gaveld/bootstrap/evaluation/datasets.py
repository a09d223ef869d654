"""Reads tables of texts from CSV, TSV, JSONL and Parquet, and says where a fault stands.

Every fault names file, line and column. A text is never quoted in a message.
"""

import csv
import gzip
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_LONGEST_CELL: Final = 16 << 20


class DatasetError(Exception):
    """A table can't be used; the message names the file, and the line and column at fault."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``line`` is where it starts in the file, from 1; in Parquet it is its number."""

    line: int
    cells: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's records in their order. ``columns`` are all that any record has."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def require(self, columns: Sequence[str]) -> None:
        """Raise ``DatasetError`` naming the first of these columns that the table lacks."""
        for column in columns:
            if column not in self.columns:
                known = ", ".join(name for name in self.columns if name)
                raise DatasetError(f"{self.path}: no column {column!r}; there are {known}")

    def text(self, row: Row, column: str) -> str:
        """Return a text; raise ``DatasetError`` if the cell holds none. It may be empty."""
        value = row.cells.get(column)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.fault(row, column, "not a text")
        return value

    def fault(self, row: Row, column: str, message: str) -> DatasetError:
        """Return the error to raise about one cell."""
        return DatasetError(f"{self.path}:{row.line}: column {column!r}: {message}")


def read_table(path: Path) -> Table:
    """Read a whole file, by its suffix; ``.gz`` after it is unpacked. Raises ``DatasetError``."""
    kind = Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    if kind not in SUFFIXES:
        raise DatasetError(f"{path}: not one of {', '.join(SUFFIXES)}")
    if kind == ".parquet":
        rows = list(_parquet_rows(path))
    elif kind in (".csv", ".tsv"):
        rows = list(_separated_rows(path, "," if kind == ".csv" else "\t"))
    else:
        rows = list(_json_rows(path))
    if not rows:
        raise DatasetError(f"{path}: no rows")
    columns = dict.fromkeys(name for row in rows for name in row.cells)
    return Table(path, tuple(columns), tuple(rows))


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError) as error:
        raise DatasetError(f"{path}: can't be read: {error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}:{line}: not UTF-8") from error
    # Not splitlines(): U+2028 and the like belong to the text.
    return text.replace("\r\n", "\n").split("\n")


def _separated_rows(path: Path, separator: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    lines = _lines(path)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            if not cells:
                start = reader.line_num + 1
                continue
            if header is None:
                header = _header(path, cells)
            elif len(cells) != len(header):
                raise DatasetError(
                    f"{path}:{start}: {len(cells)} columns where the header has {len(header)}"
                )
            else:
                yield Row(start, dict(zip(header, cells, strict=True)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"{path}:{start}: {error}") from error


def _header(path: Path, names: list[str]) -> list[str]:
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise DatasetError(f"{path}:1: column {twice[0]!r} stands there twice")
    return names


def _json_rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{path}:{number}: not JSON") from error
        if not isinstance(record, dict):
            raise DatasetError(f"{path}:{number}: not an object")
        yield Row(number, record)


def _parquet_rows(path: Path) -> Iterator[Row]:
    if importlib.util.find_spec("pyarrow") is None:
        raise DatasetError(f"{path}: Parquet needs the package pyarrow; or save it as JSONL")
    from pyarrow import ArrowException, parquet

    try:
        records = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        raise DatasetError(f"{path}: can't be read as Parquet") from error
    for number, record in enumerate(records, 1):
        yield Row(number, record)
