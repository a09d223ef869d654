"""Builds the shipped lexicon from the decisions in this folder and the labelled data.

python -m training.lexicon --data DIR               writes lexicon.tsv
python -m training.lexicon --data DIR --candidates  lists words that nobody has decided on
"""

import argparse
from pathlib import Path

from gaveld.adapters.text.lexicon.shipped import ALLOWED_FILE, LEXICON_FILE, read_phrases
from training.lexicon.candidates import candidates
from training.lexicon.corpus import labelled_texts
from training.lexicon.curation import declined, load
from training.lexicon.lines import lexicon_lines


def main() -> None:
    """Write the lexicon, or list what is still undecided."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m training.lexicon")
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled data")
    parser.add_argument("--candidates", action="store_true", help="list undecided words instead")
    parser.add_argument("--out", type=Path, default=LEXICON_FILE, help="the file to write")
    arguments = parser.parse_args()
    curation = load()
    texts = list(labelled_texts(arguments.data))
    if arguments.candidates:
        decided = declined() | {decision.term for decision in curation.decisions}
        for candidate in candidates(texts, decided):
            print(candidate)
        return
    lines = list(lexicon_lines(curation, texts, read_phrases(ALLOWED_FILE)))
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines) - 3} lines in {arguments.out.name}, from {len(texts)} texts")


if __name__ == "__main__":
    main()
