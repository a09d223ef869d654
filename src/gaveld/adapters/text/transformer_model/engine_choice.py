"""Chooses the engine: the one that is named, or of those installed the fastest on this machine.

Engines compute the same function, so speed alone decides. What was measured goes back to the
caller, who may tell of it.
"""

import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean
from typing import Final, NamedTuple

import numpy as np

from gaveld.adapters.text.transformer_model.engine import Engine, OnnxRuntimeEngine
from gaveld.adapters.text.transformer_model.openvino_engine import OpenVinoEngine

AUTO: Final = "auto"

BATCHES: Final = ((1, 32), (16, 32))
"""Rows and tokens of what is timed: one short text, and a full batch of them."""

ROUNDS: Final = 6
"""So often is each batch timed; the best counts."""

ADVANTAGE: Final = 1.1
"""So many times faster than the first must another engine be, so that no noise chooses it."""

Times = Mapping[str, Mapping[str, float]]
"""Each engine's best for each batch, in seconds of CPU, such as ``{"1x32": 0.0034}``."""


class EngineNotInstalled(Exception):  # noqa: N818 - the state, as the domain's own errors are named
    """The library of the engine that was asked for is not there."""


class Choice(NamedTuple):
    """The engine to use, and what was measured; nothing if there was no choice."""

    engine: Engine
    times: Times


_ENGINES: Final[Mapping[str, Callable[[Path, int], Engine]]] = {
    "onnxruntime": OnnxRuntimeEngine,
    "openvino": OpenVinoEngine,
}
"""By the name of the package that each needs."""


def choose_engine(wanted: str, weights: Path, threads: int) -> Choice:
    """Load ``wanted``, one of the engines' names or ``AUTO``.

    ``weights`` and ``threads`` are as engines take them. Raises ``EngineNotInstalled``, and
    ``ValueError`` for weights that an engine can't run. With ``AUTO`` and several engines
    installed this takes about a second; their libraries stay in memory, the losers do not.
    """
    if wanted != AUTO:
        if not _is_installed(wanted):
            raise EngineNotInstalled(f"{wanted} is not installed; it comes with gaveld[{wanted}]")
        return Choice(_ENGINES[wanted](weights, threads), {})
    engines = [make(weights, threads) for name, make in _ENGINES.items() if _is_installed(name)]
    return fastest(engines) if len(engines) > 1 else Choice(engines[0], {})


def fastest(engines: Sequence[Engine], clock: Callable[[], float] = time.process_time) -> Choice:
    """Time some engines and return the first, unless another has the ``ADVANTAGE`` over it.

    They take turns, and each batch counts as much as any other. ``clock`` gives seconds: those
    that this process has the CPU, for on a busy machine the others tell of its neighbours.
    """
    times: dict[str, dict[str, float]] = {engine.name: {} for engine in engines}
    for rows, tokens in BATCHES:
        batch, size = np.ones((rows, tokens), np.int64), f"{rows}x{tokens}"
        for engine, best in [(engine, times[engine.name]) for engine in engines] * ROUNDS:
            engine.run(batch, batch)  # not timed: the caches still hold another engine's numbers
            begun = clock()
            engine.run(batch, batch)
            seconds = clock() - begun
            best[size] = min(seconds, best.get(size, seconds))
    pace = {name: geometric_mean(best.values()) for name, best in times.items()}
    first, quickest = engines[0], min(engines, key=lambda engine: pace[engine.name])
    is_worth_it = pace[first.name] >= ADVANTAGE * pace[quickest.name]
    return Choice(quickest if is_worth_it else first, times)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
