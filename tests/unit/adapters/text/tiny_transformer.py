"""A transformer's folder in miniature: the inputs and outputs of the real one, a score a word.

The network looks each word up in a table, and a text's label, topic or mood is its strongest
word's. So a test can say which words tell, and the numbers are known.
"""

import json
from collections.abc import Iterator, Mapping
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
TOPICS = ("politics", "sports", "pets")
TOPIC_WORDS = {
    "parliament": {"politics": 4.0},
    "match": {"sports": 3.0},
    "vermin": {"pets": 1.0},
}
MOODS = ("negative", "neutral", "positive")
MOOD_WORDS = {
    "[CLS]": {"neutral": 0.0},
    "lovely": {"positive": 2.0},
    "awful": {"negative": 3.0},
}
SUBJECT = {
    "topics": list(TOPICS),
    "topic_slopes": [1.0] * len(TOPICS),
    "topic_intercepts": [0.0] * len(TOPICS),
    "topic_thresholds": [0.5] * len(TOPICS),
    "sentiments": list(MOODS),
    "sentiment_slope": 1.0,
    "sentiment_intercepts": [0.0] * len(MOODS),
}
"""What a manifest says of topics and moods."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
HARMLESS = ("you", "are", "a", "human", "##s", "andr", "the", "old", ",", "!", "so", "é")
QUIET = -6.0


def write_transformer(folder: Path, *, tells_subject: bool = True, **changes: Any) -> Path:
    """Write a folder that ``Manifest.read`` reads; ``changes`` go into its manifest.

    With ``tells_subject`` the network and its manifest know topics and moods.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = list(dict.fromkeys((*SPECIAL, *HARMLESS, *WORDS, *TOKENS, *TOPIC_WORDS, *MOOD_WORDS)))
    vocabulary = {word: number for number, word in enumerate(words)}
    write_tokenizer(vocabulary, folder / "tokenizer.json")
    write_network(vocabulary, folder / "model.int8.onnx", tells_subject=tells_subject)
    manifest = {
        "labels": list(LABELS),
        "slopes": [1.0] * len(LABELS),
        "intercepts": [0.0] * len(LABELS),
        "token_kinds": list(TOKEN_KINDS),
        "token_threshold": 0.5,
        "max_tokens": 32,
    }
    subject = SUBJECT if tells_subject else {}
    (folder / "model.json").write_text(json.dumps(manifest | subject | changes), "utf-8")
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


def write_network(vocabulary: Mapping[str, int], path: Path, *, tells_subject: bool = True) -> None:
    """Write the ONNX file: ``ids``, ``mask`` to ``labels``, ``tokens``, ``panel`` and the rest."""
    tables = {"labels": table(vocabulary, WORDS, LABELS)}
    if tells_subject:
        tables["topics"] = table(vocabulary, TOPIC_WORDS, TOPICS)
        tables["sentiment"] = table(vocabulary, MOOD_WORDS, MOODS)
    constants = {
        **{f"{name}_table": rows for name, rows in tables.items()},
        "token_table": table(vocabulary, TOKENS, TOKEN_KINDS),
        "one": np.array(1.0, np.float32),
        "far_below": np.array(-1e4, np.float32),
        "last": np.array([2], np.int64),
        "second": np.array([1], np.int64),
        "heads": np.array([1, PANEL_HEADS, 1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["token_table", "ids"], ["tokens"]),
        helper.make_node("Cast", ["mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "there"], ["absent"]),
        helper.make_node("Mul", ["absent", "far_below"], ["penalty"]),
        helper.make_node("Unsqueeze", ["penalty", "last"], ["penalties"]),
        *(node for name in tables for node in strongest(name)),
        helper.make_node("Unsqueeze", ["labels", "second"], ["one_head"]),
        helper.make_node("Expand", ["one_head", "heads"], ["panel"]),
    ]
    ranks = {**OUTPUT_RANKS, **dict.fromkeys(tables, 2)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [entry("ids", TensorProto.INT64, 2), entry("mask", TensorProto.INT64, 2)],
        [entry(name, TensorProto.FLOAT, rank) for name, rank in ranks.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="tests"
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)


def strongest(name: str) -> Iterator[onnx.NodeProto]:
    """Yield what looks each token up in the output's table and keeps the highest of each column."""
    yield helper.make_node("Gather", [f"{name}_table", "ids"], [f"{name}_by_token"])
    yield helper.make_node("Add", [f"{name}_by_token", "penalties"], [f"{name}_masked"])
    yield helper.make_node("ReduceMax", [f"{name}_masked", "second"], [name], keepdims=0)


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


OUTPUT_RANKS = {"tokens": 3, "panel": 3}
