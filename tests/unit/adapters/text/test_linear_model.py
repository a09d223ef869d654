"""The laws of the linear model's weights and of the arithmetic over them."""

from pathlib import Path

import numpy as np
import pytest

from gaveld.adapters.text.toxicity_model.features import BUCKETS, featurise
from gaveld.adapters.text.toxicity_model.linear_model import SILENT, LinearModel
from gaveld.adapters.text.toxicity_model.scan import locate, scan
from gaveld.adapters.text.toxicity_model.windows import windows

LABELS = ("angry", "hungry")


class StoppedError(Exception):
    """Stands for a caller who has gone."""


@pytest.fixture
def model() -> LinearModel:
    """A model that knows one angry word and one hungry one."""
    weights = np.zeros((BUCKETS, 2), np.int8)
    weights[featurise("grr").words, 0] = 100
    weights[featurise("toast").words, 1] = 50
    ones = np.ones(2)
    return LinearModel(LABELS, weights, np.array([0.1, 0.2]), -ones, 2 * ones, 0.5 * ones)


def test_a_margin_is_the_weighted_mean_of_what_a_text_holds(model: LinearModel) -> None:
    """Each array of buckets is a unit vector: the sum of its rows over the root of its length."""
    assert model.margins("grr").tolist() == pytest.approx([100 * 0.1 - 1, -1])
    both = featurise("grr toast").words
    assert model.margins("grr toast").tolist() == pytest.approx(
        [100 * 0.1 / len(both) ** 0.5 - 1, 50 * 0.2 / len(both) ** 0.5 - 1]
    )


def test_a_text_without_tokens_is_silent(model: LinearModel) -> None:
    """Nothing to read is no reason to fail."""
    assert model.margins(" \n").tolist() == [SILENT, SILENT]


def test_texts_read_together_have_the_margins_of_each_alone(model: LinearModel) -> None:
    """Company at one go changes no number, also that of a text without tokens."""
    texts = ["grr toast", "", "toast", "1 2 3", "grr grr, a toast to the bear"]
    together = model.margins_of(texts)
    assert together.tolist() == [model.margins(text).tolist() for text in texts]


def test_a_scan_finds_the_same_however_much_it_reads_at_one_go(
    model: LinearModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stretches are grouped for speed alone: margins and places are those of one by one."""
    text = "All is well. The bear said grr, grr to us. We all ate toast. " * 40
    found = scan(model, text, lambda: None)
    monkeypatch.setattr("gaveld.adapters.text.toxicity_model.scan.GROUP_CHARACTERS", 1)
    alone = scan(model, text, lambda: None)
    assert found.margins.tolist() == alone.margins.tolist()
    assert found.loudest.tolist() == alone.loudest.tolist()


def test_probabilities_keep_the_order_of_margins(model: LinearModel) -> None:
    """A higher margin is never less probable, and every margin gives a probability."""
    ladder = np.repeat(np.linspace(-1e6, 1e6, 2001)[:, None], 2, axis=1)
    scores = model.probabilities(ladder)
    assert (np.diff(scores, axis=0) >= 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_saved_model_comes_back_the_same_and_always_as_the_same_bytes(
    model: LinearModel, tmp_path: Path
) -> None:
    """Training twice on the same data gives the same file."""
    model.save(tmp_path / "a.npz")
    model.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = LinearModel.load(tmp_path / "a.npz", LABELS)
    assert loaded.digest == model.digest
    assert loaded.margins("grr toast").tolist() == model.margins("grr toast").tolist()


def test_a_model_of_other_labels_is_refused(model: LinearModel, tmp_path: Path) -> None:
    """Columns are never read as labels that they were not trained for."""
    model.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="train again"):
        LinearModel.load(tmp_path / "a.npz", ("hungry", "angry"))


def test_the_digest_tells_models_apart(model: LinearModel) -> None:
    """A version names its weights: one changed weight is another version."""
    weights = model.weights.copy()
    weights[7, 1] += 1
    other = LinearModel(
        LABELS, weights, model.scales, model.offsets, model.slopes, model.intercepts
    )
    assert other.digest != model.digest


def test_a_scan_takes_each_labels_loudest_window(model: LinearModel) -> None:
    """What stands once in a long text counts as much as in the window that holds it."""
    text = "calm words " * 200 + "grr " + "more calm words " * 200
    scanned = scan(model, text, lambda: None)
    start, end = scanned.loudest[0]
    assert "grr" in text[start:end]
    assert scanned.margins[0] == max(model.margins(text[a:b])[0] for a, b in windows(text))


def test_a_finding_is_placed_in_its_sentence(model: LinearModel) -> None:
    """Each label points to the sentence that speaks loudest for it."""
    text = "All is well today. The bear said grr to us. We all ate toast."
    places = locate(model, scan(model, text, lambda: None), [0, 1], lambda: None)
    found = [places[label] or (0, 0) for label in (0, 1)]
    assert [text[start:end] for start, end in found] == [
        "The bear said grr to us.",
        "We all ate toast.",
    ]


def test_company_hides_nothing(model: LinearModel) -> None:
    """A sentence counts as much among others as it does alone."""
    alone = model.margins("The bear said grr to us.")
    text = "All is well here today. The bear said grr to us. The lake is calm and blue."
    assert (scan(model, text, lambda: None).margins >= alone).all()


@pytest.mark.parametrize(
    "text", ["", " \n", "98765", "+1 202 555 0147", "4111 1111 1111 1111", "a.b.c", "10.0.0.1:80"]
)
def test_a_text_without_words_says_nothing(model: LinearModel, text: str) -> None:
    """Numbers, codes and marks get no score that anything could act on."""
    assert model.probabilities(scan(model, text, lambda: None).margins).max() < 1e-9


def test_one_sentence_alone_is_the_whole_text(model: LinearModel) -> None:
    """A place is only told where there is more than one."""
    assert locate(model, scan(model, "grr!", lambda: None), [0], lambda: None) == {0: None}


@pytest.mark.parametrize("allowed", [0, 1, 5])
def test_work_stops_at_the_next_window_once_nobody_waits(model: LinearModel, allowed: int) -> None:
    """Every window passes the checkpoint, and what the checkpoint raises ends the scan."""
    passed = 0

    def checkpoint() -> None:
        nonlocal passed
        if passed == allowed:
            raise StoppedError
        passed += 1

    with pytest.raises(StoppedError):
        scan(model, "word " * 2_000, checkpoint)
    assert passed == allowed
