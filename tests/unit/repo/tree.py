"""The tracked files of this checkout, as the laws about them read them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def tracked() -> list[Path]:
    """Every file that git knows or would add, without those that are deleted."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = sorted(set(listing.stdout.decode().split("\0")) - {""})
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    """The file's text; None where it holds none, such as a model's weights."""
    data = path.read_bytes()
    return None if b"\0" in data else data.decode("utf-8")


def read(name: str) -> str:
    """The text of one file, by its path from the root."""
    return (ROOT / name).read_text("utf-8")


def python_files(*folders: str) -> list[Path]:
    """The tracked Python files under some folders."""
    roots = [ROOT / folder for folder in folders]
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots)
    ]
