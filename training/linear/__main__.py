"""Trains, calibrates, measures and writes the linear text model. Minutes on two cores."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from scipy import sparse

from gaveld.adapters.text.toxicity_model.labels import LABELS
from gaveld.adapters.text.toxicity_model.linear_model import SHIPPED_WEIGHTS, SILENT, LinearModel
from gaveld.adapters.text.toxicity_model.scan import scan
from training.linear import corpus, report
from training.linear.calibration import platt
from training.linear.fit import fit_label
from training.linear.matrices import matrix
from training.linear.quantise import quantise
from training.linear.wording import tenth, wording
from training.parts import CALIBRATED_TENTH, HELD_OUT_TENTH, neighbourhoods

GRAMMAR_SEED = 20261122

Step = Callable[[str, int], Callable[[], object]]


@dataclass(frozen=True)
class Split:
    """Rows to fit on, with their features; rows to calibrate on; rows only to report on."""

    fitted: pd.DataFrame
    features: sparse.csr_matrix
    calibrated: pd.DataFrame
    reported: pd.DataFrame


def main() -> None:
    """Read the arguments, train, and write weights, metrics and model card."""
    parser = argparse.ArgumentParser(prog="training.linear", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet tables")
    parser.add_argument("--out", type=Path, default=SHIPPED_WEIGHTS.parent)
    parser.add_argument("--jobs", type=int, default=2, help="labels fitted at once")
    parser.add_argument(
        "--measure", action="store_true", help="fit nothing: measure the weights that --out holds"
    )
    arguments = parser.parse_args()
    weights = arguments.out / SHIPPED_WEIGHTS.name
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:

        def step(name: str, total: int) -> Callable[[], object]:
            task = progress.add_task(name, total=total)
            return lambda: progress.advance(task)

        parts = split(arguments.data, step)
        if arguments.measure:
            model = LinearModel.load(weights, LABELS)
        else:
            model = calibrate(fit(parts, arguments.jobs, step), parts.calibrated, step)
            model.save(weights)
        calibrated = served_scores(
            model, parts.calibrated.text, step("score calibration", len(parts.calibrated))
        )
        reported = served_scores(
            model, parts.reported.text, step("score report", len(parts.reported))
        )
    result = report.measure(
        model.digest, (parts.calibrated, calibrated), (parts.reported, reported)
    )
    report.write(result, arguments.out)


def split(data: Path, step: Step) -> Split:
    """Read the tables and part them: near neighbours and equal wordings stay on one side.

    Of the grammars' texts those of other templates are fitted on, and none is judged by: they
    resemble each other too much.
    """
    own, train = corpus.read(data / "own.parquet"), corpus.read(data / "train.parquet")
    written, valid = corpus.written(GRAMMAR_SEED), corpus.read(data / "valid.parquet")
    own_tenths = np.array([tenth(f"own {group}") for group in neighbourhoods(list(own.text))])
    train_tenths = np.array([tenth(wording(text)) for text in train.text])
    own_fitted = own[~np.isin(own_tenths, (CALIBRATED_TENTH, HELD_OUT_TENTH))]
    train_fitted = train[train_tenths != CALIBRATED_TENTH]
    fitted = pd.concat([own_fitted, written, train_fitted], ignore_index=True)
    features = matrix(fitted.text, step("featurise", len(fitted)))
    return Split(
        fitted=fitted,
        features=sparse.csr_matrix(features, dtype=np.float64),
        calibrated=pd.concat(
            [own[own_tenths == CALIBRATED_TENTH], train[train_tenths == CALIBRATED_TENTH]],
            ignore_index=True,
        ),
        reported=pd.concat([own[own_tenths == HELD_OUT_TENTH], valid], ignore_index=True),
    )


def fit(parts: Split, jobs: int, step: Step) -> LinearModel:
    """Fit every label and quantise; the margins are not probabilities yet."""
    advance = step("fit labels", len(LABELS))
    fitted = []
    for result in Parallel(jobs, prefer="threads", return_as="generator")(
        delayed(fit_label)(
            parts.features,
            parts.fitted[f"y_{label}"].to_numpy(),
            parts.fitted[f"w_{label}"].to_numpy(),
        )
        for label in LABELS
    ):
        fitted.append(result)
        advance()
    return quantise(LABELS, fitted)


def calibrate(model: LinearModel, rows: pd.DataFrame, step: Step) -> LinearModel:
    """Return the model with Platt's numbers, fitted on answers that the sources gave."""
    margins = served_margins(model, rows.text, step("calibrate", len(rows)))
    numbers = []
    for column, label in enumerate(LABELS):
        known = (rows[f"w_{label}"] > 0).to_numpy() & ~rows[f"d_{label}"].to_numpy()
        known &= margins[:, column] > SILENT
        positive = rows[f"y_{label}"].to_numpy()[known] > 0.5
        weights = rows[f"w_{label}"].to_numpy()[known]
        numbers.append(platt(margins[known, column], positive, weights))
    slopes, intercepts = np.array(numbers).T
    return replace(model, slopes=slopes, intercepts=intercepts)


def served_margins(
    model: LinearModel, texts: pd.Series, advance: Callable[[], object]
) -> npt.NDArray[np.float64]:
    """Return the margins as the server has them: the highest of each text's stretches."""
    rows = []
    for text in texts:
        rows.append(scan(model, text, lambda: None).margins)
        advance()
    return np.stack(rows)


def served_scores(
    model: LinearModel, texts: pd.Series, advance: Callable[[], object]
) -> npt.NDArray[np.float64]:
    """Return the probabilities as the server has them."""
    return model.probabilities(served_margins(model, texts, advance))


if __name__ == "__main__":
    main()
