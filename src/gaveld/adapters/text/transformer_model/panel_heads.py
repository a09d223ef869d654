"""From the logits of a text's passages to what each head of the panel says of every category.

What becomes of the heads' opinions is the panel's business.
"""

from collections.abc import Sequence

import numpy as np

from gaveld.adapters.text.labels import CATEGORIES
from gaveld.adapters.text.transformer_model.batcher import PassageLogits
from gaveld.adapters.text.transformer_model.manifest import Manifest
from gaveld.application.ports import HeadScores


class PanelHeads:
    """Tells the probabilities of a panel's heads as a manifest calibrates them.

    ``count`` is 0 for a manifest that speaks of no panel.
    """

    def __init__(self, manifest: Manifest) -> None:
        names = [label.name for label in manifest.labels]
        self.count = len(manifest.panel)
        self._columns = [column for column, name in enumerate(names) if name in CATEGORIES]
        self._categories = [CATEGORIES[names[column]] for column in self._columns]
        self._slopes = np.array([head.slopes for head in manifest.panel])
        self._intercepts = np.array([head.intercepts for head in manifest.panel])
        self._shape = (self.count, len(names))

    def scores(self, passages: Sequence[PassageLogits]) -> HeadScores:
        """Return the highest probabilities over a text's passages, of which there is at least one.

        Empty where there is no panel.
        """
        found = [passage.panel for passage in passages if passage.panel is not None]
        if not self.count or not found:
            return ()
        margins = np.stack(found).max(axis=0) * self._slopes + self._intercepts
        chances = 1 / (1 + np.exp(-np.clip(margins[:, self._columns], -_STEEPEST, _STEEPEST)))
        return tuple(dict(zip(self._categories, head, strict=True)) for head in chances.tolist())

    def check(self, passage: PassageLogits) -> None:
        """Raise ``ValueError`` unless a passage's logits are what the manifest speaks of."""
        if not self.count:
            return
        if passage.panel is None or passage.panel.shape != self._shape:
            raise ValueError("the network's outputs are not what its manifest says")
        if not np.isfinite(passage.panel).all():
            raise ValueError("the network gives no finite scores: train or export it again")


_STEEPEST = 50.0
"""Beyond this margin a probability is 0 or 1 to the last digit; it keeps exp() from overflowing."""
