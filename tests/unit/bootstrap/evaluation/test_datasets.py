"""Reading tables: what comes out, and what a fault says."""

import gzip
import importlib.util
from pathlib import Path

import pytest

from gaveld.bootstrap.evaluation.datasets import DatasetError, read_table
from gaveld.bootstrap.evaluation.examples import MOST_SLICES, read_examples
from gaveld.bootstrap.evaluation.labels import parse_label


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv(tmp_path: Path):
    """Quotes, line ends and commas inside a cell belong to it, and each row knows its line."""
    content = 'text,hate\r\n"one, ""two""\r\nthree",1\r\n\r\nfour,0\r\n'
    table = read_table(written(tmp_path, "a.csv", content))
    assert table.columns == ("text", "hate")
    assert [(row.line, row.cells["text"]) for row in table.rows] == [
        (2, 'one, "two"\nthree'),
        (5, "four"),
    ]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path):
    """Spreadsheets write one; the first column keeps its name all the same."""
    assert read_table(written(tmp_path, "a.csv", "\ufefftext,hate\na,1\n")).columns[0] == "text"


def test_tsv(tmp_path: Path):
    """Tabs part the cells, and commas do not."""
    table = read_table(written(tmp_path, "a.tsv", "text\thate\none, two\t1\n"))
    assert table.rows[0].cells == {"text": "one, two", "hate": "1"}


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_json_lines(tmp_path: Path, name: str):
    """One object a line; a key that a line lacks is a column all the same."""
    content = '{"text": "one\u2028two"}\n\n{"text": "three", "hate": true}\n'.encode()
    data = gzip.compress(content) if name.endswith("gz") else content
    table = read_table(written(tmp_path, name, data))
    assert table.columns == ("text", "hate")
    assert [row.line for row in table.rows] == [1, 3]
    examples = read_examples(table, "text", [parse_label("hate")], [])
    assert [(entry.text, entry.truth) for entry in examples] == [
        ("one\u2028two", (None,)),
        ("three", (True,)),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,hate\nfine,0\nwords,maybe\n", "a.csv:3: column 'hate': not a label"),
        ("a.csv", "text,hate\nfine,2\n", "a.csv:2: column 'hate': not a label"),
        ("a.csv", 'text,hate\n"two\nlines",0\nfine,x\n', "a.csv:4: column 'hate'"),
        ("a.csv", "text,hate\nfine,0,1\n", "a.csv:2: 3 columns where the header has 2"),
        ("a.csv", 'text,hate\n"fine"x,0\n', "a.csv:2: "),
        ("a.csv", 'text,hate\nfine,0\n"open,1\n', "a.csv:3: "),
        ("a.csv", "text,hate,hate\nfine,0,0\n", "a.csv:1: column 'hate' stands there twice"),
        ("a.csv", "text,hat\nfine,0\n", "a.csv: no column 'hate'; there are text, hat"),
        ("a.csv", "text,hate\n", "a.csv: no rows"),
        ("a.csv", b"text,hate\nfine,0\ncaf\xe9,0\n", "a.csv:3: not UTF-8"),
        ("a.tsv", "text\thate\nfine\tperhaps\n", "a.tsv:2: column 'hate': not a label"),
        ("a.jsonl", '{"text": "a", "hate": 0}\n{"text"\n', "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"text": "a", "hate": 0}\n[1]\n', "a.jsonl:2: not an object"),
        ("a.jsonl", '{"text": 3, "hate": 0}\n', "a.jsonl:1: column 'text': not a text"),
        ("a.jsonl", '{"text": "a", "hate": [1]}\n', "a.jsonl:1: column 'hate': not a label"),
        ("a.jsonl", '{"text": "\\ud800", "hate": 0}\n', "a.jsonl:1: column 'text': a lone surr"),
        ("a.txt", "text\n", "a.txt: not one of .csv"),
        ("a.jsonl.gz", "no archive", "a.jsonl.gz: can't be read"),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, name: str, content: str | bytes, said: str):
    """Law: file, line and column of what is wrong, and never the text itself."""
    path = written(tmp_path, name, content)
    with pytest.raises(DatasetError) as caught:
        read_examples(read_table(path), "text", [parse_label("hate")], [])
    assert str(caught.value).startswith(f"{tmp_path}/{said}")
    assert "fine" not in str(caught.value)


def test_parquet_says_what_it_needs(tmp_path: Path, monkeypatch):
    """Without pyarrow, which the server does not bring, the message says what to do."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="needs the package pyarrow; or save it as JSONL"):
        read_table(written(tmp_path, "a.parquet", b"PAR1"))


def test_slices_are_named_by_column_and_value(tmp_path: Path):
    """Each text belongs to one slice a column."""
    path = written(tmp_path, "a.csv", "text,hate,place,year\na,0,forum,1\nb,1,chat,2\n")
    examples = read_examples(read_table(path), "text", [parse_label("hate")], ["place", "year"])
    assert [entry.slices for entry in examples] == [
        ("place=forum", "year=1"),
        ("place=chat", "year=2"),
    ]


def test_a_column_of_ids_is_no_slice(tmp_path: Path):
    """Slicing by a column that is different in each row is a mistake, and said to be one."""
    rows = "".join(f"a,0,{number}\n" for number in range(MOST_SLICES + 1))
    table = read_table(written(tmp_path, "a.csv", f"text,hate,id\n{rows}"))
    with pytest.raises(DatasetError, match="column 'id' has 101 values"):
        read_examples(table, "text", [parse_label("hate")], ["id"])
