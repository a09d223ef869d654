"""Runs the network on a batch of token ids. It knows neither texts nor what the numbers mean.

Every engine computes the same function; they differ in speed and, by rounding, in a last digit.
"""

from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

Ids = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float32]

INPUTS: Final = ("ids", "mask")
OUTPUTS: Final = ("labels", "tokens")
FURTHER_OUTPUTS: Final = ("topics", "sentiment", "panel")
"""What a network may give or not."""


class Logits(NamedTuple):
    """What the network says of a batch before calibration.

    ``labels`` is ``[rows, labels]`` and ``tokens`` is ``[rows, tokens, token kinds]``. ``topics``
    is ``[rows, topics]``, ``sentiment`` is ``[rows, moods]`` and ``panel`` is ``[rows, heads,
    labels]``; None where the network gives none.
    """

    labels: Numbers
    tokens: Numbers
    topics: Numbers | None = None
    sentiment: Numbers | None = None
    panel: Numbers | None = None


class Engine(Protocol):
    """A loaded network. It is never called from the event loop."""

    @property
    def name(self) -> str:
        """Library, version and precision in letters, digits and hyphens; constant."""
        ...

    @property
    def lanes(self) -> int:
        """How many batches it computes side by side, at least one; constant."""
        ...

    def run(self, ids: Ids, mask: Ids) -> Logits:
        """Return the logits for token ids and a mask of 1 and 0, both ``[rows, tokens]``.

        It may be called from as many threads at once as there are lanes.

        A row's logits do not depend on the other rows, nor on how far it is padded, beyond the
        precision that the network was quantised to: int8 with scales that are found at run time
        finds them for the whole batch. Blocks until they are computed.
        """
        ...


class OnnxRuntimeEngine:
    """An ``Engine`` on ONNX Runtime, on the CPU.

    ``weights`` is a file with the inputs ``ids`` and ``mask`` and at least the outputs ``labels``
    and ``tokens``; ``ValueError`` is raised for any other. ``threads`` is how many batches it
    computes side by side, each on the thread that asks: one batch over two threads is hardly
    sooner done, for most of its time the one waits for the other.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                weights, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ValueError(f"{weights.name} can't be loaded: {type(error).__name__}") from error
        given = {entry.name for entry in self._session.get_outputs()}
        check_names(weights, {entry.name for entry in self._session.get_inputs()}, given)
        self._outputs = [*OUTPUTS, *(name for name in FURTHER_OUTPUTS if name in given)]
        self.lanes = threads
        self.name = f"onnxruntime-{onnxruntime.__version__}"

    def run(self, ids: Ids, mask: Ids) -> Logits:
        """Return the logits of a batch; see ``Engine.run``."""
        answer = self._session.run(self._outputs, {"ids": ids, "mask": mask})
        return Logits(**dict(zip(self._outputs, answer, strict=True)))


def check_names(weights: Path, taken: set[str], given: set[str]) -> None:
    """Raise ``ValueError`` unless a network takes and gives what an ``Engine`` needs.

    It may give more, which is left alone.
    """
    if taken != set(INPUTS) or not given >= set(OUTPUTS):
        raise ValueError(
            f"{weights.name} takes {sorted(taken)} and gives {sorted(given)}; "
            f"expected {sorted(INPUTS)} and {sorted(OUTPUTS)}"
        )


_ERRORS_ONLY: Final = 3
