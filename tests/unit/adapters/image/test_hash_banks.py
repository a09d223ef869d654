"""Banks of known pictures: as files, as text, and together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.image.hashes import BankError, BankFolder, KnownPictures, StoredBank
from gaveld.adapters.image.hashes.banks import Entry, bank_in, entries_in, lines_of
from gaveld.adapters.image.hashes.classifier import MAX_MATCHES
from gaveld.domain.image_signals import HashBank, HashBankKind

BLOCK = HashBank("bad", HashBankKind.BLOCK, 31, "A3")
ALLOW = HashBank("good", HashBankKind.ALLOW, 10)
VALUE = bytes(range(32))

entry_ids = st.text(st.characters(exclude_categories=("C", "Z")), max_size=60)
entries = st.lists(st.builds(Entry, st.binary(min_size=32, max_size=32), entry_ids), max_size=20)


def turned(value: bytes, bits: int) -> bytes:
    """The hash with so many of its bits turned."""
    return (int.from_bytes(value) ^ ((1 << bits) - 1)).to_bytes(32)


def bank(about: HashBank, *given: Entry | tuple[bytes, str]) -> StoredBank:
    return StoredBank.of(about, (Entry(*entry) for entry in given))


@settings(deadline=None)
@given(entries)
def test_a_bank_comes_back_from_text_as_it_was(some):
    """Law: what was exported is imported again, and so is what is said of the bank."""
    made = StoredBank.of(BLOCK, some)
    first, *lines = lines_of(made)
    assert bank_in(first) == BLOCK
    again = StoredBank.of(BLOCK, entries_in([first, *lines]))
    assert list(again.entries()) == list(made.entries())


@settings(deadline=None)
@given(entries)
def test_of_equal_hashes_the_first_stays(some):
    """Law: importing a file twice changes nothing."""
    made = StoredBank.of(
        BLOCK, [*some, *some, *(entry._replace(entry_id="late") for entry in some)]
    )
    assert list(made.entries()) == list(StoredBank.of(BLOCK, some).entries())


def test_a_bank_comes_back_from_its_file_as_it_was(tmp_path):
    """Law: hashes, ids in any script and what the bank is are kept."""
    folder = BankFolder(tmp_path / "not" / "there")
    assert folder.names() == []
    for about in (BLOCK, ALLOW):
        folder.write(bank(about, (VALUE, "näch, 写真"), (turned(VALUE, 9), "")))
    assert folder.names() == ["bad", "good"]
    read = folder.read("good")
    assert read.about == ALLOW
    assert list(read.entries()) == [(VALUE, "näch, 写真"), (turned(VALUE, 9), "")]
    assert [path.suffix for path in (tmp_path / "not" / "there").iterdir()] == [".npz"] * 2


@pytest.mark.parametrize("name", ["", ".", "../up", "a/b", "-x", "x" * 129, "a b", "é"])
def test_a_name_is_never_a_path(tmp_path, name):
    """Law: no bank leads out of the folder."""
    folder = BankFolder(tmp_path)
    with pytest.raises(BankError, match="is no name"):
        folder.read(name)
    with pytest.raises(BankError, match="is no name"):
        folder.write(bank(replace(BLOCK, name=name)))


@pytest.mark.parametrize("damage", ["cut", "other", "nothing", "pickle", "renamed", "short"])
def test_a_damaged_bank_is_refused(tmp_path, damage):
    """Law: nothing but a whole bank is read, and nothing in a file is run."""
    folder, path = BankFolder(tmp_path), tmp_path / "bad.npz"
    folder.write(bank(BLOCK, (VALUE, "one"), (turned(VALUE, 3), "two")))
    whole = path.read_bytes()
    with np.load(path) as arrays:
        parts = dict(arrays)
    match damage:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "other":
            path.write_text("hash")
        case "nothing":
            path.write_bytes(b"")
        case "pickle":
            np.savez(path, **{**parts, "hashes": np.array([{"any": "object"}])})
        case "renamed":
            path.rename(tmp_path / "worse.npz")
        case "short":
            np.savez(path, **{**parts, "hashes": parts["hashes"][:1]})
    with pytest.raises(BankError, match="is no bank, or is damaged"):
        folder.read("worse" if damage == "renamed" else "bad")


def test_a_bank_that_is_not_there_is_named(tmp_path):
    """Law: the message says which banks there are."""
    folder = BankFolder(tmp_path)
    folder.write(bank(BLOCK))
    with pytest.raises(BankError, match=r"no bank 'other'; the banks are: bad"):
        folder.read("other")


def test_text_is_read_generously():
    """Law: letter case, blanks, empty lines and remarks are nobody's mistake."""
    text = f"# remark\n\n  {VALUE.hex().upper()} , an id, with comma \r\n{turned(VALUE, 1).hex()}\n"
    assert list(entries_in(text.splitlines())) == [
        (VALUE, "an id, with comma"),
        (turned(VALUE, 1), ""),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("xyz", "line 2: no hash"),
        (VALUE.hex()[:-1], "line 2: no hash"),
        (VALUE.hex() + "0", "line 2: no hash"),
        (f"{VALUE.hex()},{'é' * 200}", "line 2: the id"),
    ],
)
def test_text_that_is_wrong_names_its_line(line, message):
    """Law: whoever keeps the file finds the fault."""
    with pytest.raises(BankError, match=message):
        list(entries_in([VALUE.hex(), line]))


@pytest.mark.parametrize("said", ["{}", "[]", "no", '{"name": "x", "kind": "odd"}'])
def test_a_first_line_that_says_nonsense_is_refused(said):
    """Law: what a bank is, is never guessed."""
    with pytest.raises(BankError, match="line 1"):
        bank_in(f"# gavel bank {said}")


def test_each_bank_has_its_own_distance():
    """Law: a match is near enough for its own bank; the nearest come first."""
    known = KnownPictures(
        [
            bank(ALLOW, (turned(VALUE, 10), "near"), (turned(VALUE, 11), "far")),
            bank(BLOCK, (turned(VALUE, 40), "far"), (turned(VALUE, 31), "near"), (VALUE, "same")),
        ]
    )
    found = known.matches(VALUE, quality=77, frame_index=4)
    told = [(match.bank, match.entry_id, match.distance) for match in found.values()]
    assert told == [("bad", "same", 0), ("good", "near", 10), ("bad", "near", 31)]
    assert {(match.quality, match.frame_index) for match in found.values()} == {(77, 4)}


def test_the_nearest_are_kept_when_there_are_many():
    """Law: a crowded bank hides no nearer picture."""
    crowd = [(turned(VALUE, bits), str(bits)) for bits in range(31, 0, -1)]
    found = KnownPictures([bank(BLOCK, *crowd)]).matches(VALUE)
    assert [match.distance for match in found.values()] == list(range(1, MAX_MATCHES + 1))


def test_no_banks_match_nothing():
    """Law: having nothing to compare with is no error."""
    assert KnownPictures([]).matches(VALUE) == {}
    assert KnownPictures([bank(BLOCK)]).matches(VALUE) == {}


def test_the_digest_follows_every_bank():
    """Law: any change of what is known, or of what it means, is another version."""
    banks = [
        [],
        [bank(BLOCK)],
        [bank(BLOCK, (VALUE, ""))],
        [bank(replace(BLOCK, max_distance=30), (VALUE, ""))],
        [bank(replace(BLOCK, category_id="A1"), (VALUE, ""))],
        [bank(BLOCK, (turned(VALUE, 1), ""))],
        [bank(BLOCK, (VALUE, "another id"))],
    ]
    assert len({KnownPictures(some).digest for some in banks}) == len(banks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_distance": 129},
        {"max_distance": -1},
        {"category_id": ""},
        {"category_id": "Z9"},
        {"kind": HashBankKind.ALLOW},
    ],
)
def test_a_bank_that_makes_no_sense_is_refused(wrong):
    """Law: a bank that blocks has a category, one that allows has none; distances are sane."""
    with pytest.raises(ValueError):
        replace(BLOCK, **wrong)
