"""One suite for every engine, on a network of known numbers and on one in int8."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from gaveld.adapters.text.transformer_model.batcher import pad
from gaveld.adapters.text.transformer_model.engine import Engine, Ids, OnnxRuntimeEngine
from gaveld.adapters.text.transformer_model.openvino_engine import OpenVinoEngine
from tests.unit.adapters.text.small_attention import VOCABULARY, write_small_attention
from tests.unit.adapters.text.tiny_transformer import (
    LABELS,
    TOKEN_KINDS,
    entry,
    tiny_manifest,
)

Make = Callable[[Path, int], Engine]

MAKERS = {"onnxruntime": OnnxRuntimeEngine, "openvino": OpenVinoEngine}
LENGTH = st.integers(1, 72)
SEED = st.integers(0, 1 << 30)


@pytest.fixture(scope="module", params=MAKERS)
def make(request) -> Make:
    return MAKERS[request.param]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return tiny_manifest(tmp_path_factory.mktemp("tiny")).weights


@pytest.fixture(scope="module")
def attentive(tmp_path_factory) -> Path:
    return write_small_attention(tmp_path_factory.mktemp("attention"))


@pytest.fixture(scope="module")
def engine(make: Make, attentive: Path) -> Engine:
    return make(attentive, 1)


def passage(length: int, seed: int) -> Ids:
    """So many random words."""
    return np.random.default_rng(seed).integers(1, VOCABULARY, length)


def alone(engine: Engine, words: Ids, width: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A passage's labels and tokens, padded as it would be, or to a width."""
    ids, mask = pad([words])
    if width is not None:
        beyond = ((0, 0), (0, width - ids.shape[1]))
        ids, mask = np.pad(ids, beyond), np.pad(mask, beyond)
    logits = engine.run(ids, mask)
    assert logits.tokens.shape[:2] == ids.shape
    return logits.labels[0], logits.tokens[0, : len(words)]


@pytest.mark.parametrize("lanes", [1, 3])
def test_it_may_be_asked_from_as_many_threads_as_it_has_lanes(
    make: Make, attentive: Path, lanes: int
):
    """Law: what threads ask at once is answered to each as if it had asked alone."""
    engine = make(attentive, lanes)
    assert engine.lanes == lanes
    batches = [pad([passage(1 + seed % 40, seed)] * (1 + seed % 5)) for seed in range(60)]
    expected = [engine.run(*batch) for batch in batches]
    with ThreadPoolExecutor(lanes) as threads:
        found = list(threads.map(lambda batch: engine.run(*batch), batches))
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(one.tokens, other.tokens)


def test_it_says_what_the_network_says(make: Make, tiny: Path):
    """Law: every output is the network's own, under its name; None is what it does not give."""
    ids = np.array([[2, 5, 16, 3, 0, 0, 0, 0], [2, 17, 18, 19, 4, 5, 6, 3]])
    logits = make(tiny, 1).run(ids, (ids > 0).astype(np.int64))
    expected = OnnxRuntimeEngine(tiny, 1).run(ids, (ids > 0).astype(np.int64))
    assert logits.labels.shape == (2, len(LABELS))
    assert logits.tokens.shape == (2, 8, len(TOKEN_KINDS))
    for name, numbers in logits._asdict().items():
        np.testing.assert_array_equal(numbers, getattr(expected, name), err_msg=name, strict=True)


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(LENGTH, min_size=1, max_size=5), seed=SEED)
def test_company_changes_no_number(engine: Engine, lengths: list[int], seed: int):
    """Law: to the last bit, a row's logits are the same alone and among longer and shorter ones."""
    passages = [passage(length, seed + row) for row, length in enumerate(lengths)]
    together = engine.run(*pad(passages))
    for row, words in enumerate(passages):
        labels, tokens = alone(engine, words)
        np.testing.assert_array_equal(together.labels[row], labels)
        np.testing.assert_array_equal(together.tokens[row, : len(words)], tokens)


@settings(max_examples=40, deadline=None)
@given(length=LENGTH, seed=SEED, more=st.integers(0, 8))
def test_padding_changes_no_number(engine: Engine, length: int, seed: int, more: int):
    """Law: to the last bit, a row's logits are the same however far it is padded."""
    words = passage(length, seed)
    width = pad([words])[0].shape[1] + 8 * more
    for one, other in zip(alone(engine, words), alone(engine, words, width), strict=True):
        np.testing.assert_array_equal(one, other)


def test_engines_agree(attentive: Path):
    """Law: engines differ by less than the rounding to int8 does."""
    batch = pad([passage(length, length) for length in (3, 9, 17, 30, 64)])
    answers = [maker(attentive, 1).run(*batch) for maker in MAKERS.values()]
    spread = answers[0].labels.std()
    assert spread > 0.1
    assert np.abs(answers[0].labels - answers[1].labels).max() < 0.05 * spread


def test_its_name_can_stand_in_a_version(engine: Engine):
    """Law: a name tells the library and its version, in characters that need no quoting."""
    assert re.fullmatch(r"[a-z]+-\d+(\.\d+)+(-[a-z0-9]+)?", engine.name)


def test_it_uses_as_many_cores_as_it_is_told(tiny: Path):
    """Law: OpenVINO, which would take the whole machine, takes what the settings give it."""
    network = OpenVinoEngine(tiny, 2)._free.get().get_compiled_model()
    assert network.get_property("INFERENCE_NUM_THREADS") == 2
    assert network.get_property("NUM_STREAMS") == 2
    assert network.get_property("ENABLE_CPU_PINNING") is False


STANDING_BACK = """
import os, pathlib, sys
import numpy as np
from gaveld.adapters.text.transformer_model import choose_engine
from gaveld.adapters.text.transformer_model.standing_back import NICENESS
def niceness():
    tasks = [int(task) for task in os.listdir("/proc/self/task")]
    return {task: os.getpriority(os.PRIO_PROCESS, task) for task in tasks}
before = niceness()
engine = choose_engine("openvino", pathlib.Path(sys.argv[1]), 2).engine
batch = np.ones((4, 16), np.int64)
engine.run(batch, batch)
after = niceness()
new = {after[task] for task in after.keys() - before.keys()}
assert new == {min(before[os.getpid()] + NICENESS, 19)}, (before, after)
assert after[os.getpid()] == before[os.getpid()], "the process itself does not"
"""


def test_threads_of_the_engines_own_stand_back_too(tiny: Path):
    """Law: where cores are too few the loop goes first, whoever's threads do the work."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-c", STANDING_BACK, tiny]
    subprocess.run(command, env=environment, check=True)


def test_what_is_no_network_is_refused(make: Make, tmp_path: Path):
    """Law: a file that can't be loaded is an error that names it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ValueError, match=r"model\.onnx"):
        make(path, 1)


def test_a_network_with_other_outputs_is_refused(make: Make, tmp_path: Path):
    """Law: the names of inputs and outputs are checked when the file is opened."""
    path = tmp_path / "model.onnx"
    graph = helper.make_graph(
        [helper.make_node("Identity", ["ids"], ["same"])],
        "other",
        [entry("ids", TensorProto.INT64, 2)],
        [entry("same", TensorProto.INT64, 2)],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    with pytest.raises(ValueError, match="same"):
        make(path, 1)


WATCHED = """
import os, pathlib, sys
seen = []
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess", "os.fork")):
        seen.append(event)
sys.addaudithook(watch)
from gaveld.adapters.text.transformer_model import choose_engine
engine, times = choose_engine(sys.argv[2], pathlib.Path(sys.argv[1]), 1)
assert engine.name.startswith(sys.argv[2]), engine.name
theirs = [module for module in sys.modules if not module.startswith("gaveld.")]
assert not any("telemetry" in module for module in theirs), sorted(theirs)
assert not seen, seen
assert not os.listdir(os.environ["HOME"]), os.listdir(os.environ["HOME"])
"""


@pytest.mark.parametrize("name", MAKERS)
def test_no_engine_reports_home(tiny: Path, tmp_path: Path, name: str):
    """Law: an engine opens no connection and leaves no identity in the home folder.

    As they come, both libraries tell their makers that they are used. ONNX Runtime does so in
    native code, which no hook of Python's sees; what it writes first is its identity.
    """
    environment = {"HOME": str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-W", "error", "-c", WATCHED, tiny, name]
    subprocess.run(command, env=environment, check=True)
