"""Judgements and reports made by hand, for the tests of what is measured of them."""

from gaveld.bootstrap.evaluation.assessment import assess
from gaveld.bootstrap.evaluation.examples import Example
from gaveld.bootstrap.evaluation.judging import Cause, Judgement, Refusal
from gaveld.bootstrap.evaluation.labels import parse_label
from gaveld.bootstrap.evaluation.report import Report


def judgement(
    scores: dict[str, float] | None = None,
    attributes: dict[str, float] | None = None,
    *,
    review: dict[str, float] | None = None,
    block: dict[str, float] | None = None,
    incomplete: bool = False,
) -> Judgement:
    """A judgement; ``review`` and ``block`` are the thresholds that categories reached."""
    causes = {name: Cause(blocks=False, threshold=value) for name, value in (review or {}).items()}
    causes |= {name: Cause(blocks=True, threshold=value) for name, value in (block or {}).items()}
    return Judgement(
        flagged=bool(causes) or incomplete,
        blocked=bool(block),
        by_incompleteness=incomplete,
        category_scores=scores or {},
        attributes=attributes or {},
        causes=causes,
    )


def report(column: str = "hate", *, resamples: int = 50) -> Report:
    """A report on 31 texts, two slices and two labels, one of which has nothing to rank."""
    labels = [parse_label(f"{column}=H1"), parse_label("spam")]
    rows = (
        ("forum", True, 0.9, {"H1": 0.7}),
        ("forum", False, 0.8, {"H1": 0.7}),
        ("forum", True, 0.6, {}),
        ("forum", False, 0.1, {}),
        ("chat", False, 0.0, {}),
        ("chat", False, 0.2, {}),
    ) * 5
    examples = [
        Example(number, "words", (truth, False), (f"place={place}",))
        for number, (place, truth, _, _) in enumerate(rows, 2)
    ]
    results: list[Judgement | Refusal] = [
        judgement({"H1": score, "S1": 0.0}, review=review) for _, _, score, review in rows
    ]
    examples.append(Example(40, "", (True, None), ("place=chat",)))
    results.append(Refusal("text: must be at least 1 bytes"))
    figures = assess(examples, results, labels, resamples=resamples, seed=0, advance=lambda: None)
    return Report("posts.csv", ("default@1",), ("linear 1",), resamples, 0, figures)
