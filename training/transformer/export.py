"""Writes a trained network as ONNX, in float32 and int8, and measures what int8 costs and saves."""

import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn

from training.transformer.encoding import text_batches
from training.transformer.model import TextModel
from training.transformer.per_token import scale_each_token
from training.transformer.topics.head import SubjectHead, pooled

OUTPUTS: Final = ("labels", "tokens", "panel")
SUBJECT_OUTPUTS: Final = ("topics", "sentiment")
_THREADS: Final = 2
_REPEATS: Final = 30


class _Served(nn.Module):
    """The network as a function of tensors to a tuple of tensors, which is what ONNX knows."""

    def __init__(self, model: TextModel, head: SubjectHead | None) -> None:
        super().__init__()
        self.model = model
        self.head = head

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        states = self.model.encoder.states(ids, mask)
        logits = self.model.judge(states[-1], mask)
        found = (logits.labels, logits.tokens, logits.panel)
        return found if self.head is None else (*found, *self.head(pooled(states, mask)))


def export(model: TextModel, out: Path, head: SubjectHead | None = None) -> tuple[Path, Path]:
    """Write ``model.fp32.onnx`` and ``model.int8.onnx``; return their paths.

    With a ``head`` they tell topics and mood, too. The latter file has a scale for each channel of
    weights and for each token, so that what shares a batch with a text has no part in its scores.
    """
    full, small = out / "model.fp32.onnx", out / "model.int8.onnx"
    example = (torch.randint(1000, 2000, (2, 16)), torch.ones(2, 16, dtype=torch.long))
    rows, tokens = torch.export.Dim("rows", min=1), torch.export.Dim("tokens", min=2, max=512)
    torch.onnx.export(
        _Served(model.eval(), head),
        example,
        full,
        input_names=["ids", "mask"],
        output_names=[*OUTPUTS, *(SUBJECT_OUTPUTS if head is not None else ())],
        dynamic_shapes=({0: rows, 1: tokens}, {0: rows, 1: tokens}),
        opset_version=18,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    network = onnx.load(full)
    del network.graph.value_info[:]  # the exporter's notes on shapes contradict its own folding
    onnx.save(network, full)
    quantise(full, small)
    return full, small


def quantise(full: Path, small: Path) -> None:
    """Write the int8 network of a float32 one."""
    quantize_dynamic(full, small, per_channel=True, weight_type=QuantType.QInt8)
    network = onnx.load(small)
    scale_each_token(network)
    onnx.save(network, small)


def session(path: Path) -> onnxruntime.InferenceSession:
    """Return a session on two threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def onnx_logits(
    path: Path, texts: list[str], tokenizer: Tokenizer, output: str = "labels"
) -> npt.NDArray[np.float64]:
    """Return one output of an ONNX file, that has a row a text, for every text."""
    engine = session(path)
    result: list[npt.NDArray[np.float64]] = [np.empty(0)] * len(texts)
    for places, ids, mask in text_batches(texts, tokenizer, 32):
        (logits,) = engine.run([output], {"ids": ids.numpy(), "mask": mask.numpy()})
        for row, place in enumerate(places):
            result[place] = logits[row].astype(np.float64)
    return np.stack(result)


def latency(path: Path, rows: int, tokens: int) -> dict[str, Any]:
    """Return the median and best milliseconds of one batch of random tokens."""
    engine = session(path)
    chooser = np.random.default_rng(0)
    ids = chooser.integers(1000, 20000, (rows, tokens))
    feed = {"ids": ids, "mask": np.ones_like(ids)}
    seconds = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        engine.run(None, feed)
        seconds.append(time.perf_counter() - begun)
    return {
        "rows": rows,
        "tokens": tokens,
        "median_ms": round(1e3 * float(np.median(seconds)), 2),
        "best_ms": round(1e3 * min(seconds), 2),
    }
