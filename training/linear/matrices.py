"""Makes sparse matrices out of texts with the server's own featuriser, and groups near neighbours.

Nothing is learnt here.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gaveld.adapters.text.toxicity_model.features import BUCKETS, featurise

NEIGHBOUR_COSINE: Final = 0.45
"""Two own lines this alike stay on one side of a split. Halfway cut from reading pairs."""


def matrix(texts: Sequence[str], advance: Callable[[], object] = lambda: None) -> sparse.csr_array:
    """Return one row a text: two unit vectors, of word and of character n-grams, added up.

    A margin is then ``matrix @ weights``, as the server computes it. ``advance`` is called once
    a text.
    """
    indices: list[npt.NDArray[np.int32]] = []
    values: list[npt.NDArray[np.float32]] = []
    ends = [0]
    for text in texts:
        size = 0
        for buckets in featurise(text):
            if len(buckets):
                indices.append(buckets.astype(np.int32))
                values.append(np.full(len(buckets), len(buckets) ** -0.5, np.float32))
                size += len(buckets)
        ends.append(ends[-1] + size)
        advance()
    rows = sparse.csr_array(
        (np.concatenate(values), np.concatenate(indices), np.array(ends)),
        shape=(len(texts), BUCKETS),
    )
    rows.sum_duplicates()
    return rows


def neighbourhoods(rows: sparse.csr_array) -> npt.NDArray[np.int32]:
    """Return a group number for each row; rows that are near neighbours share theirs."""
    likeness = (rows @ rows.T).tocsr()
    # Each row is the sum of two unit vectors, so its length is at most about the root of two.
    likeness.data = (likeness.data > 2 * NEIGHBOUR_COSINE).astype(np.int8)
    likeness.eliminate_zeros()
    groups: npt.NDArray[np.int32] = connected_components(likeness, directed=False)[1]
    return groups
