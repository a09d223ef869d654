"""What a transformer's folder must hold, and how it is refused."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from gaveld.adapters.text.labels import ATTRIBUTES, CATEGORIES, REASONS
from gaveld.adapters.text.transformer_model import Manifest, OnnxRuntimeEngine
from gaveld.adapters.text.transformer_model.manifest import LABEL_NAMES
from gaveld.domain.categories import CATALOGUE
from tests.unit.adapters.text.tiny_transformer import (
    LABELS,
    TOKEN_KINDS,
    entry,
    tiny_manifest,
    write_transformer,
)


def test_a_folder_is_read(tmp_path: Path):
    """Law: the manifest says everything that serving needs, in the order of the outputs."""
    manifest = tiny_manifest(tmp_path)
    assert tuple(entry.name for entry in manifest.labels) == LABELS
    assert manifest.labels[2].span_kinds == (1, 0)
    assert manifest.token_kinds == len(TOKEN_KINDS)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"labels": [], "slopes": [], "intercepts": []}, "labels"),
        ({"labels": ["rudeness"], "slopes": [1], "intercepts": [0]}, "rudeness"),
        ({"labels": ["insult"] * 2, "slopes": [1] * 2, "intercepts": [0] * 2}, "insult"),
        ({"slopes": [-1.0] * len(LABELS)}, "slopes"),
        ({"slopes": [1.0]}, "zip"),
        ({"max_tokens": 4096}, "max_tokens"),
        ({"token_threshold": 0}, "token_threshold"),
        ({"token_kinds": None}, "NoneType"),
        ({"topics": ["Politics", "sports", "pets"]}, "Politics"),
        ({"topics": ["pets", "sports", "pets"]}, "repeated"),
        ({"topics": ["pets"]}, "zip"),
        ({"topic_slopes": [1.0, 0.0, 1.0]}, "topic_slopes"),
        ({"topic_thresholds": [0.5, 1.0, 0.5]}, "topic_thresholds"),
        ({"sentiments": ["positive", "neutral", "negative"]}, "sentiments"),
        ({"sentiment_intercepts": [0.0]}, "sentiments"),
        ({"sentiment_slope": -1.0}, "sentiment_slope"),
    ],
)
def test_a_manifest_that_cannot_be_served_is_refused(tmp_path: Path, changes: dict, named: str):
    """Law: the error names the file and what is wrong in it."""
    with pytest.raises(ValueError, match=named) as refused:
        tiny_manifest(tmp_path, **changes)
    assert "model.json" in str(refused.value)


def test_a_folder_without_topics_or_moods_is_read(tmp_path: Path):
    """Law: a network that tells neither is served as it is."""
    manifest = tiny_manifest(tmp_path, tells_subject=False)
    assert manifest.topics == ()
    assert manifest.sentiment is None


def test_topics_without_their_calibration_are_refused(tmp_path: Path):
    """Law: nothing is made up for what training did not write."""
    folder = write_transformer(tmp_path)
    document = json.loads((folder / "model.json").read_text("utf-8"))
    del document["topic_thresholds"]
    (folder / "model.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(ValueError, match="topic_thresholds is missing"):
        Manifest.read(folder)


@pytest.mark.parametrize("name", ["model.json", "model.int8.onnx", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, name: str):
    """Law: what is missing is named."""
    folder = write_transformer(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ValueError, match=name):
        Manifest.read(folder)


def test_a_manifest_that_lacks_a_key_is_refused(tmp_path: Path):
    """Law: nothing is made up for what training did not write."""
    (write_transformer(tmp_path) / "model.json").write_text('{"token_kinds": []}', "utf-8")
    with pytest.raises(ValueError, match="labels is missing"):
        Manifest.read(tmp_path)


def test_the_digest_changes_with_whatever_changes_scores(tmp_path: Path):
    """Law: other weights, tokenizer or calibration are another version."""
    folder = write_transformer(tmp_path)
    digests = {Manifest.read(folder).digest}
    document = json.loads((folder / "model.json").read_text("utf-8"))
    for name, value in (("slopes", 1.5), ("topic_thresholds", 0.25), ("sentiment_intercepts", 0.5)):
        document[name][0] = value
        (folder / "model.json").write_text(json.dumps(document), "utf-8")
        digests.add(Manifest.read(folder).digest)
    for name in ("model.int8.onnx", "tokenizer.json"):
        path = folder / name
        path.write_bytes(path.read_bytes() + b" ")
        digests.add(Manifest.read(folder).digest)
    assert len(digests) == 6


def test_every_label_means_something():
    """Law: each label is an attribute or a category of the catalogue, with a reason."""
    assert set(ATTRIBUTES) | set(CATEGORIES) == LABEL_NAMES
    assert set(REASONS) == set(CATEGORIES)
    assert set(CATEGORIES.values()) <= set(CATALOGUE)


def test_an_engine_reads_rows_independently(tmp_path: Path):
    """Law: a row's logits are the same alone, in company and padded."""
    engine = OnnxRuntimeEngine(tiny_manifest(tmp_path).weights, threads=1)
    alone = engine.run(np.array([[2, 5, 3]]), np.ones((1, 3), np.int64))
    ids = np.array([[2, 5, 3, 0, 0], [2, 16, 17, 18, 3]])
    together = engine.run(ids, (ids > 0).astype(np.int64))
    assert alone.labels.shape == (1, len(LABELS))
    assert alone.tokens.shape == (1, 3, len(TOKEN_KINDS))
    np.testing.assert_array_equal(together.labels[0], alone.labels[0])
    np.testing.assert_array_equal(together.tokens[0, :3], alone.tokens[0])


def test_what_is_no_network_is_refused(tmp_path: Path):
    """Law: a file that ONNX Runtime can't load is an error that names it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ValueError, match=r"model\.onnx"):
        OnnxRuntimeEngine(path, threads=1)


def test_a_network_with_other_outputs_is_refused(tmp_path: Path):
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
        OnnxRuntimeEngine(path, threads=1)
