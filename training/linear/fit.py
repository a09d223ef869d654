"""Fits one logistic regression a label."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

Numbers = npt.NDArray[np.float64]

REGULARISATION: Final = 2.0
"""Inverse strength of the L2 penalty."""
RARE_CEILING: Final = 10.0
"""Most that the positives of a rare label are weighted up by."""
SEED: Final = 20261122


def fit_label(
    rows: sparse.csr_matrix, answers: Numbers, weights: Numbers
) -> tuple[npt.NDArray[np.float32], float]:
    """Return one label's weight a bucket and its intercept.

    Rows of weight 0 are left out. Positives of a label are weighted up by the root of how much
    rarer than the negatives they are.
    """
    known = weights > 0
    answer, weight = answers[known], weights[known].copy()
    positive = answer > 0.5
    rarity = weight[~positive].sum() / weight[positive].sum()
    weight[positive] *= np.clip(np.sqrt(rarity), 1.0, RARE_CEILING)
    regression = LogisticRegression(
        solver="liblinear", dual=True, C=REGULARISATION, max_iter=200, random_state=SEED
    )
    regression.fit(rows[known], positive, sample_weight=weight)
    return regression.coef_[0].astype(np.float32), float(regression.intercept_[0])
