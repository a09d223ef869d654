"""Builds the shipped lexicon from the decisions in this folder and the labelled data.

python -m training.lexicon --data DIR               writes lexicon.tsv
python -m training.lexicon --data DIR --candidates  lists words that nobody has decided on
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from gaveld.adapters.text.lexicon.shipped import (
    ALLOWED_FILE,
    COLUMNS,
    LEXICON_FILE,
    read_phrases,
)
from training.lexicon.candidates import candidates
from training.lexicon.curation import Curation, Decision, declined, load
from training.lexicon.evidence import LABEL_OF, Evidence, LabelledText, count, labelled_texts
from training.lexicon.scores import TIERS, score

CURATED = "curated"


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


def lexicon_lines(
    curation: Curation, texts: Iterable[LabelledText], allowed: Iterable[str]
) -> Iterator[str]:
    """Yield the lines of lexicon.tsv, ordered by category and term."""
    evidence = count(texts, {decision.term for decision in curation.decisions}, allowed)
    yield f"# version: {curation.version}"
    yield "# Made by `make train-lexicon` from training/lexicon; see PROVENANCE.md. Do not edit."
    yield "\t".join(COLUMNS)
    for decision in sorted(curation.decisions, key=lambda d: (d.category_id, d.term)):
        yield "\t".join(_fields(decision, evidence.get(decision.term, Evidence())))


def _fields(decision: Decision, evidence: Evidence) -> tuple[str, ...]:
    label = LABEL_OF[decision.category_id]
    seen, true = evidence.seen[label], evidence.true[label]
    return (
        decision.term,
        decision.category_id,
        decision.severity,
        f"{score(TIERS[decision.tier], seen, true):.2f}",
        decision.tier,
        str(seen),
        str(true),
        ",".join(sorted(decision.flags)),
        ",".join(sorted(evidence.sources)) or CURATED,
    )


if __name__ == "__main__":
    main()
