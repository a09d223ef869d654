"""Copies a finished run into the server: what it serves, its card, measures and learning curves.

``python -m training.transformer.ship --run DIR``. The float32 network stays behind.
"""

import argparse
import shutil
from pathlib import Path
from typing import Final

from gaveld.adapters.text.transformer_model import SHIPPED_FOLDER
from training.transformer.learn import CURVE

FILES: Final = (
    "model.int8.onnx",
    "model.json",
    "tokenizer.json",
    "MODEL_CARD.md",
    "metrics.json",
    "metrics.csv",
    "leave_out.json",
    "leave_out.csv",
)
"""What goes along where it is there."""


def main() -> None:
    """Read the arguments and copy."""
    parser = argparse.ArgumentParser(prog="training.transformer.ship", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the rounds and of final")
    parser.add_argument("--out", type=Path, default=SHIPPED_FOLDER)
    arguments = parser.parse_args()
    ship(arguments.run, arguments.out)


def ship(run: Path, out: Path) -> None:
    """Copy what is shipped of a run."""
    curves = out / "curves"
    curves.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if (run / "final" / name).exists():
            shutil.copyfile(run / "final" / name, out / name)
    for folder in sorted(run.glob("round-*")):
        text = (folder / CURVE).read_text(encoding="utf-8")
        (curves / f"{folder.name}.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
