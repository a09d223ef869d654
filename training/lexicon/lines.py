"""Writes decisions and evidence as the lines of lexicon.tsv. It takes no decision of its own."""

from collections.abc import Iterable, Iterator
from typing import Final

from gaveld.adapters.text.lexicon.shipped import COLUMNS
from training.lexicon.curation import Curation, Decision
from training.lexicon.evidence import LABEL_OF, Evidence, LabelledText, count
from training.lexicon.scores import TIERS, score

CURATED: Final = "curated"


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
