"""The same network for every peer: texts in, one dictionary of label scores each.

It needs ONNX Runtime, tokenizers and numpy only, because each peer runs it in an environment of its
own. The folder, the threads and the size of a batch come in the environment.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

FOLDER: Final = Path(os.environ.get("BENCH_MODEL", "."))
THREADS: Final = int(os.environ.get("BENCH_THREADS", "1"))
BATCH: Final = int(os.environ.get("BENCH_BATCH", "1"))
WAIT_SECONDS: Final = float(os.environ.get("BENCH_WAIT_SECONDS", "0"))
WORKERS: Final = int(os.environ.get("BENCH_WORKERS", "1"))


class Network:
    """Reads texts with the session options that Gavel's own engine has."""

    def __init__(self) -> None:
        document = json.loads((FOLDER / "model.json").read_text("utf-8"))
        self.labels: list[str] = document["labels"]
        self._slopes = np.array(document["slopes"], np.float32)
        self._intercepts = np.array(document["intercepts"], np.float32)
        self._tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(document["max_tokens"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            FOLDER / "model.int8.onnx", options, providers=["CPUExecutionProvider"]
        )

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities, ``[texts, labels]``."""
        read = self._tokenizer.encode_batch(list(texts))
        ids = np.array([entry.ids for entry in read], np.int64)
        mask = np.array([entry.attention_mask for entry in read], np.int64)
        labels, _ = self._session.run(["labels", "tokens"], {"ids": ids, "mask": mask})
        scores: npt.NDArray[np.float32] = 1 / (
            1 + np.exp(-(labels * self._slopes + self._intercepts))
        )
        return scores

    def named(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return the same as a dictionary for each text."""
        return [dict(zip(self.labels, row, strict=True)) for row in self.scores(texts).tolist()]
