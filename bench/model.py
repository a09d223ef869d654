"""Which transformer the benchmarks run: the shipped one, or a folder that is named."""

import os
from pathlib import Path
from typing import Final

from gaveld.adapters.text.transformer_model import SHIPPED_FOLDER

FOLDER_VARIABLE: Final = "GAVEL_TEXT__TRANSFORMER_FOLDER"
NO_MODEL: Final = f"No transformer to measure: none is shipped, and {FOLDER_VARIABLE} names none."


def model_folder() -> Path | None:
    """Return the folder of the transformer to measure, None where there is none."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).absolute()
    return SHIPPED_FOLDER if SHIPPED_FOLDER.is_dir() else None
