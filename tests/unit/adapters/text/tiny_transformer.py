"""A transformer's folder in miniature: the inputs and outputs of the real one, a score a word.

The network looks each word up in a table, and a text's label is its strongest word's. So a test
can say which words tell, and the numbers are known.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from gaveld.adapters.text.transformer_model.manifest import Manifest

LABELS = ("toxicity", "severe_toxicity", "insult", "identity_hate", "sexual", "self_harm")
TOKEN_KINDS = ("any", "insult", "profane/obscene", "threat", "identity based attack")
PANEL_HEADS = 10
WORDS = {
    "idiot": {"toxicity": 4.0, "insult": 4.0},
    "##oid": {"toxicity": 3.0, "insult": 3.0},
    "vermin": {"toxicity": 5.0, "severe_toxicity": 2.0, "identity_hate": 5.0},
    "porn": {"sexual": 3.0},
    "razor": {"self_harm": 3.0},
}
TOKENS = {
    "idiot": {"any": 3.0, "insult": 3.0},
    "##oid": {"any": 3.0, "insult": 3.0},
    "stupid": {"any": 3.0, "insult": 3.0},
    "vermin": {"any": 3.0},
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
HARMLESS = ("you", "are", "a", "human", "##s", "andr", "the", "old", ",", "!", "so", "é")
QUIET = -4.0


def write_transformer(folder: Path, **changes: Any) -> Path:
    """Write a folder that ``Manifest.read`` reads; ``changes`` go into its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    words = list(dict.fromkeys((*SPECIAL, *HARMLESS, *WORDS, *TOKENS)))
    vocabulary = {word: number for number, word in enumerate(words)}
    write_tokenizer(vocabulary, folder / "tokenizer.json")
    write_network(vocabulary, folder / "model.int8.onnx")
    manifest = {
        "labels": list(LABELS),
        "slopes": [1.0] * len(LABELS),
        "intercepts": [0.0] * len(LABELS),
        "token_kinds": list(TOKEN_KINDS),
        "token_threshold": 0.5,
        "max_tokens": 32,
    }
    (folder / "model.json").write_text(json.dumps(manifest | changes), "utf-8")
    return folder


def tiny_manifest(folder: Path, **changes: Any) -> Manifest:
    """Write a folder and return its manifest."""
    return Manifest.read(write_transformer(folder, **changes))


def write_tokenizer(vocabulary: Mapping[str, int], path: Path) -> None:
    """Write a tokenizer that works as BERT's does."""
    tokenizer = Tokenizer(WordPiece(dict(vocabulary), unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(path))


def write_network(vocabulary: Mapping[str, int], path: Path) -> None:
    """Write the ONNX file: ``ids``, ``mask`` to ``labels``, ``tokens``, ``panel``."""
    constants = {
        "label_table": table(vocabulary, WORDS, LABELS),
        "token_table": table(vocabulary, TOKENS, TOKEN_KINDS),
        "one": np.array(1.0, np.float32),
        "far_below": np.array(-1e4, np.float32),
        "last": np.array([2], np.int64),
        "second": np.array([1], np.int64),
        "heads": np.array([1, PANEL_HEADS, 1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["token_table", "ids"], ["tokens"]),
        helper.make_node("Gather", ["label_table", "ids"], ["by_token"]),
        helper.make_node("Cast", ["mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "there"], ["absent"]),
        helper.make_node("Mul", ["absent", "far_below"], ["penalty"]),
        helper.make_node("Unsqueeze", ["penalty", "last"], ["penalties"]),
        helper.make_node("Add", ["by_token", "penalties"], ["masked"]),
        helper.make_node("ReduceMax", ["masked", "second"], ["labels"], keepdims=0),
        helper.make_node("Unsqueeze", ["labels", "second"], ["one_head"]),
        helper.make_node("Expand", ["one_head", "heads"], ["panel"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [entry("ids", TensorProto.INT64, 2), entry("mask", TensorProto.INT64, 2)],
        [entry(name, TensorProto.FLOAT, rank) for name, rank in OUTPUT_RANKS.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="tests"
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)


def table(
    vocabulary: Mapping[str, int], scores: Mapping[str, Mapping[str, float]], columns: tuple
) -> np.ndarray:
    """One row a word, quiet but for what ``scores`` says."""
    rows = np.full((len(vocabulary), len(columns)), QUIET, np.float32)
    for word, by_column in scores.items():
        for column, score in by_column.items():
            rows[vocabulary[word], columns.index(column)] = score
    return rows


def entry(name: str, kind: int, rank: int) -> onnx.ValueInfoProto:
    """A tensor of any size."""
    return helper.make_tensor_value_info(name, kind, [None] * rank)


OUTPUT_RANKS = {"labels": 2, "tokens": 3, "panel": 3}
