"""`gavel models` and `gavel hashes`, as a person types them, run in this process."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from gaveld.bootstrap.cli import app
from tests.frames import noise, plain, waves

ZERO = "0" * 64


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder that commands run in, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gavel(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(app, arguments, input=stdin, env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def told(*arguments: str) -> list[dict]:
    """What a command prints with --json."""
    return json.loads(gavel(*arguments, "--json").stdout)


def save(name: str, pixels) -> str:
    Image.fromarray(pixels).save(name)
    return name


def test_without_a_network_the_message_says_what_was_not_had(folder, monkeypatch):
    """Law: a registry that can't be reached is one clear line, and nothing is left behind."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    install = gavel("models", "install")
    assert install.exit_code == 2
    assert "npm did not get nsfwjs@" in install.stderr
    assert list(folder.iterdir()) == []


def test_what_is_not_installed_is_told():
    """Law: list says so, and verify fails."""
    assert [(model["model"], model["state"]) for model in told("models", "list")] == [
        ("nsfw", "not installed")
    ]
    verify = gavel("models", "verify")
    assert (verify.exit_code, "nsfw is not installed" in verify.stderr) == (2, True)


def test_a_package_of_another_kind_is_refused(folder):
    """Law: nothing is installed but the pinned package."""
    (folder / "other.tgz").write_bytes(b"other")
    result = gavel("models", "install", "--package", "other.tgz")
    assert (result.exit_code, "SHA-256" in result.stderr) == (2, True)


def test_a_known_picture_is_found_at_another_size():
    """Law: match prints a hash, import takes it, and match finds the picture and no other."""
    pictures = [
        save("known.png", waves(1)),
        save("smaller.jpg", waves(1, 120, 160)),
        save("other.png", noise(1)),
        save("blank.png", plain(9, 9, 9)),
    ]
    (unknown,) = told("hashes", "match", pictures[0])
    assert unknown["matches"] == []
    lines = f"# ours\n{unknown['hash']},the first\n{ZERO}\n"
    made = gavel("hashes", "import", "-", "--bank", "ours", "--category", "A3", stdin=lines)
    assert (made.exit_code, made.stderr) == (0, "Bank ours has 2 hashes.\n")
    known, smaller, other, blank = told("hashes", "match", *pictures)
    assert [(entry["entry_id"], entry["distance"]) for entry in known["matches"]] == [
        ("the first", 0)
    ]
    assert [entry["entry_id"] for entry in smaller["matches"]] == ["the first"]
    assert 0 < smaller["matches"][0]["distance"] <= 31
    assert other["matches"] == []
    assert (known["quality"], blank["quality"]) == (100, 0)
    table = gavel("hashes", "match", unknown["hash"], pictures[3]).stdout
    assert "the first" in table
    assert "0 (too low)" in table


def test_a_bank_travels_as_text(folder, monkeypatch):
    """Law: what is exported here is the same bank there, without a word from the operator."""
    options = ("--bank", "logos", "--kind", "allow", "--max-distance", "12")
    gavel("hashes", "import", "-", *options, stdin=f"{ZERO}, our logo\n")
    gavel("hashes", "export", "logos", "--output", "logos.txt")
    here = told("hashes", "list")
    monkeypatch.setenv("GAVEL_IMAGES__HASHES_FOLDER", str(folder / "elsewhere"))
    assert told("hashes", "list") == []
    gavel("hashes", "import", "logos.txt")
    assert told("hashes", "list") == here
    assert here == [
        {"name": "logos", "kind": "allow", "max_distance": 12, "category_id": "", "hashes": 1}
    ]
    assert gavel("hashes", "export", "logos").stdout == (folder / "logos.txt").read_text()


def test_importing_again_adds_unless_it_is_told_to_replace():
    """Law: a bank grows, keeps what it is unless told otherwise, and starts anew when asked to."""
    lines = [f"{number:064x}\n" for number in range(5)]
    gavel("hashes", "import", "-", "--bank", "b", "--category", "V3", stdin="".join(lines[:3]))
    gavel("hashes", "import", "-", "--bank", "b", stdin="".join(lines[1:]))
    (bank,) = told("hashes", "list")
    assert (bank["hashes"], bank["category_id"]) == (5, "V3")
    options = ("--bank", "b", "--replace", "--category", "A3", "--max-distance", "20")
    gavel("hashes", "import", "-", *options, stdin=lines[0])
    (bank,) = told("hashes", "list")
    assert (bank["hashes"], bank["category_id"], bank["max_distance"]) == (1, "A3", 20)


@pytest.mark.parametrize(
    ("arguments", "lines", "message"),
    [
        (("import", "-"), "", "--bank"),
        (("import", "-", "--bank", "b"), "", "--category"),
        (("import", "-", "--bank", "b", "--category", "Z9"), "", "unknown category"),
        (("import", "-", "--bank", "../b", "--kind", "allow"), "", "is no name"),
        (("import", "-", "--bank", "b", "--kind", "allow"), "\nxyz\n", "line 2"),
        (("import", "nowhere.txt", "--bank", "b"), "", "nowhere.txt"),
        (("export", "b"), "", "no bank 'b'"),
        (("match", "nowhere.png"), "", "nowhere.png"),
    ],
)
def test_a_fault_is_named_and_changes_nothing(folder, arguments, lines, message):
    """Law: one line says what to mend, and no bank is made or changed."""
    result = gavel("hashes", *arguments, stdin=lines)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(folder.iterdir()) == []


def test_what_is_no_picture_is_named(folder):
    """Law: bytes decide what a file is, and one that can't be decoded says so."""
    (folder / "page.png").write_text("<html></html>")
    assert "page.png is no picture" in gavel("hashes", "match", "page.png").stderr
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert gavel("hashes", "match", "cut.png").exit_code == 2
