"""Says which part of the training an own-written line belongs to, the same for every model.

Models are blended, so that what one has learnt from must not calibrate or judge the other.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

HELD_OUT_TENTH: Final = 9
"""Of own lines' neighbourhoods and of grammar templates: reported on, and nothing else."""
CALIBRATED_TENTH: Final = 8
"""Likewise, and of the wordings of ``train.parquet``: calibrated on, never fitted."""

NEIGHBOUR_COSINE: Final = 0.5
"""Two own lines this alike stay in one part."""


def neighbourhoods(texts: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return a group number for each text; texts alike in their letters share one.

    It features texts by itself: a split must not move when the server's featuriser does.
    """
    features = HashingVectorizer(analyzer="char_wb", ngram_range=(4, 5), alternate_sign=False)
    rows = features.transform(texts)
    alike = (rows @ rows.T).tocsr()
    alike.data = (alike.data > NEIGHBOUR_COSINE).astype(np.int8)
    alike.eliminate_zeros()
    groups: npt.NDArray[np.int32] = connected_components(alike, directed=False)[1]
    return groups
