"""Files of keys: what is a key in them, and how one is made where none was."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gaveld.adapters.secrets import AesSecretBox, keys_in, made_key_file, new_key


def test_the_keys_of_a_file_are_its_lines_in_order(tmp_path: Path):
    """Law: one key a line; empty lines and comments are none."""
    lines = [new_key(), new_key()]
    file = tmp_path / "secrets.key"
    file.write_text(f"# the new one\n{lines[0]}\n\n  {lines[1]}  \n")
    assert keys_in(file) == tuple(base64.b64decode(line) for line in lines)


@pytest.mark.parametrize("line", ["c2hvcnQ=", "!" * 44, "a password", "\x00\xff"])
def test_a_bad_line_is_named_and_never_quoted(tmp_path: Path, line: str):
    """Law: what is wrong says which line it is, and shows nothing of a key."""
    file = tmp_path / "secrets.key"
    file.write_text(f"{new_key()}\n{line}\n")
    with pytest.raises(ValueError, match="line 2 is not 32 bytes in base64") as caught:
        keys_in(file)
    assert line not in str(caught.value)


def test_a_file_without_a_key_is_refused(tmp_path: Path):
    """Law: nothing is ever sealed with no key."""
    file = tmp_path / "secrets.key"
    file.write_text("# none yet\n")
    with pytest.raises(ValueError, match="no key"):
        keys_in(file)
    with pytest.raises(ValueError, match="no key"):
        AesSecretBox([])
    with pytest.raises(ValueError, match="32 bytes"):
        AesSecretBox([b"short"])


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path):
    """Law: of many that make the file at once one does, and all get its key."""
    file = tmp_path / "var" / "secrets.key"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(made_key_file, [file] * 8))
    assert set(made) == {keys_in(file)}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secrets.key"]
