"""Runs the network on OpenVINO, an extra that operators install; it is imported when asked for.

OpenVINO runs the int8 file as it is, and keeps what the network leaves open in float32.
"""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaveld.adapters.text.transformer_model.engine import (
    FURTHER_OUTPUTS,
    OUTPUTS,
    Ids,
    Logits,
    Numbers,
    check_names,
)
from gaveld.adapters.text.transformer_model.standing_back import stand_back

VECTOR_TOKENS: Final = 16
"""As many float32 numbers as the widest vector of any CPU that OpenVINO knows holds."""

LARGE_BATCH: Final = (64, 16)
"""As large as batches become by default, in rows and tokens."""


class OpenVinoEngine:
    """An ``Engine`` on OpenVINO, on the CPU.

    ``weights`` and ``threads`` are as ``OnnxRuntimeEngine`` takes them, and what is wrong with
    them raises the same. ``ImportError`` is raised where OpenVINO is not installed. The first
    batch of each shape takes some milliseconds more, and what was made for it stays in memory.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        import openvino

        # OpenVINO's own threads do the work. They stand back as far as the one that starts them.
        with ThreadPoolExecutor(1, initializer=stand_back) as starter:
            network, requests = starter.submit(_load, weights, threads).result()
        given = _names(network.outputs)
        self._outputs = {
            name: network.output(name) for name in (*OUTPUTS, *FURTHER_OUTPUTS) if name in given
        }
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for request in requests:
            self._free.put(request)
        self.lanes = threads
        self.name = f"openvino-{openvino.__version__.partition('-')[0]}-f32"

    def run(self, ids: Ids, mask: Ids) -> Logits:
        """Return the logits of a batch; see ``Engine.run``.

        Rows are padded to whole vectors. Of a vector that is not full, attention adds the numbers
        up in another order; the last digit may differ then, be rounded to another integer, and
        move a probability by up to 0.01, for no reason but the company that a text came in.
        """
        width = ids.shape[1]
        beyond = ((0, 0), (0, -width % VECTOR_TOKENS))
        request = self._free.get()  # one serves one thread at a time
        try:
            answer = request.infer({"ids": np.pad(ids, beyond), "mask": np.pad(mask, beyond)})
        finally:
            self._free.put(request)
        numbers: dict[str, Numbers] = {name: answer[port] for name, port in self._outputs.items()}
        numbers["tokens"] = numbers["tokens"][:, :width]
        return Logits(**numbers)


def _load(weights: Path, threads: int) -> tuple[Any, list[Any]]:
    """Return the network and a request for each of its lanes."""
    import openvino

    # A stream for each thread: one batch over two threads is hardly sooner done.
    options = {**_OPTIONS, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": str(threads)}
    try:
        network = openvino.Core().compile_model(weights, "CPU", options)
    except RuntimeError as error:
        raise ValueError(f"{weights.name} can't be loaded: {type(error).__name__}") from error
    check_names(weights, _names(network.inputs), _names(network.outputs))
    requests = [network.create_infer_request() for _lane in range(threads)]
    _grow(requests)
    return network, requests


def _grow(requests: Sequence[Any]) -> None:
    # Memory that grows with each larger batch leaves holes, which came to more than a gigabyte.
    # So every lane begins with a large one; they overlap, so that each is on a stream of its own.
    batch = np.ones(LARGE_BATCH, np.int64)
    for request in requests:
        request.start_async({"ids": batch, "mask": batch})
    for request in requests:
        request.wait()


def _names(ports: Any) -> set[str]:
    return {name for port in ports for name in port.get_names()}


_OPTIONS: Final = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
    # A thread that is bound to a core waits for whoever else runs there, such as the event loop.
    "ENABLE_CPU_PINNING": False,
    # Without it, the second thread of a core is never used, whatever number is asked for.
    "ENABLE_HYPER_THREADING": True,
}
