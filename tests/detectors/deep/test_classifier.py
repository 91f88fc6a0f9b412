"""Any sequence classifier is a detector: its label found by name, its logits those of plain transformers."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.deep import classifier
from auditor.detectors.deep.classifier import machine_label
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from tests.detectors.deep import tiny_models


def batch(texts):
    return TextBatch.of(pl.Series(texts, dtype=pl.String))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("human", "AI"), 1),
        (("Fake", "Real"), 0),
        (("Human-written", "Machine-generated"), 1),
        (("LABEL_0", "LABEL_1"), 1),
        (("human", "other"), 1),
        (("Human", "ChatGPT"), 1),
        (("a", "ai_text", "b"), 1),
    ],
)
def test_the_machine_label_is_found_by_name(labels, expected):
    assert machine_label(dict(enumerate(labels)), "", "x") == expected


@pytest.mark.parametrize("labels", [("LABEL_0",), ("positive", "negative"), ("gpt", "llm", "human"), ("air", "main")])
def test_labels_that_say_nothing_are_asked_for(labels):
    with pytest.raises(DetectorError, match=f"which label means machine-written.*{labels[0]}.*hf:x#LABEL"):
        machine_label(dict(enumerate(labels)), "", "x")


def test_the_label_asked_for_wins_and_a_wrong_one_lists_those_there_are():
    labels = {0: "human", 1: "ai"}
    assert machine_label(labels, "human", "x") == 0 and machine_label(labels, "1", "x") == 1
    with pytest.raises(DetectorError, match=r"no label 'bot'; it has human, ai"):
        machine_label(labels, "bot", "x")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("torch", reason="the extra [encoder] is not installed")
    return tiny_models.classifier(tmp_path_factory.mktemp("models") / "judge", ("human", "machine", "mixed"))


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(tiny_models.WORDS, n)) for n in (60, 64, 90, 127, 130, 200, 299, 500)]


def test_scores_equal_plain_transformers(model, texts):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokeniser = AutoTokenizer.from_pretrained(model)
    plain = AutoModelForSequenceClassification.from_pretrained(model).eval()
    found = classifier.load(str(model)).score(batch(texts))
    for score, text in zip(found, texts, strict=True):
        with torch.inference_mode():
            p = torch.softmax(plain(**tokeniser(text, truncation=True, max_length=300, return_tensors="pt")).logits, -1)
        assert score == pytest.approx(float(torch.log(p[0, 1] / (1 - p[0, 1]))), abs=2e-3)


def test_scores_do_not_depend_on_order_or_cache(model, texts, tmp_path, monkeypatch):
    first = classifier.load(str(model)).score(batch(texts))
    np.testing.assert_array_equal(classifier.load(str(model)).score(batch(texts)), first)
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "other"))
    np.testing.assert_allclose(classifier.load(str(model)).score(batch(texts[::-1])), first[::-1], atol=1.1e-3)


@pytest.mark.parametrize("text", ["", "one two", "😀 " * 80, "\x00\x07 " * 90, "я the 漢 " * 80, "x" * 1_000_000])
def test_odd_text_gets_a_score_or_nan(model, texts, text):
    score = classifier.load(str(model)).score(batch([text]))
    assert score.shape == (1,) and not np.isinf(score).any()


def test_a_language_model_is_no_classifier(texts, tmp_path):
    pytest.importorskip("torch", reason="the extra [encoder] is not installed")
    with pytest.raises(DetectorError, match="is LlamaForCausalLM, wanted: a sequence classifier"):
        classifier.load(str(tiny_models.causal(tmp_path / "llama")))
