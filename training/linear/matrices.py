"""Makes sparse matrices out of texts with the server's own featuriser. Nothing is learnt here."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gaveld.adapters.text.toxicity_model.features import BUCKETS, featurise


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
