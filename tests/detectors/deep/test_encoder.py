"""The encoder: windows, the state of a middle layer as plain transformers give it, scores under a head."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detectors.deep import encoder, loading
from auditor.detectors.deep.encoder import LEAST, TOKENS, WINDOWS, windows
from auditor.detectors.deep.linear_head import Head
from auditor.text.batch import TextBatch
from tests.detectors.deep import tiny_models

SIZE = TOKENS - 2
LAYER = 1  # of the tiny model's two


def batch(texts):
    return TextBatch.of(pl.Series(texts, dtype=pl.String))


@given(st.integers(0, 1200))
def test_windows_are_full_and_cover_the_text_up_to_their_number(n: int):
    found = windows(list(range(n)))
    assert 1 <= len(found) <= WINDOWS and all(len(part) == min(n, SIZE) for part in found)
    covered = set().union(*map(set, found))
    assert len(covered) == (n if n <= SIZE else min(len(found) * SIZE, n)) or n - len(covered) < LEAST


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch", reason="the extra [encoder] is not installed")
    return tiny_models.encoder(tmp_path_factory.mktemp("models") / "minilm")


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(3)
    return Head(rng.normal(size=16), rng.uniform(1, 2, 16), rng.normal(size=16), 0.5)


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(encoder, "LAYER", LAYER)
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(tiny_models.WORDS, n)) for n in (60, 61, 90, 126, 127, 152, 300, 900)]


def of(folder, head):
    return encoder.under(loading.check(folder, ""), head)


def test_scores_are_a_head_over_the_mean_state_of_the_layer(folder, head, texts):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokeniser, plain = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    found = of(folder, head).score(batch(texts))
    for score, text in zip(found, texts, strict=True):
        means = []
        for part in windows(tokeniser(text, add_special_tokens=False)["input_ids"]):
            ids = torch.tensor([[tokeniser.cls_token_id, *part, tokeniser.sep_token_id]])
            with torch.inference_mode():
                means.append(plain(input_ids=ids, output_hidden_states=True).hidden_states[LAYER][0].mean(0))
        state = torch.stack(means).mean(0).numpy().astype(float)
        expected = ((state - head.centre) / head.spread) @ head.weights + head.intercept
        assert score == pytest.approx(expected, abs=5e-3)


def test_scores_do_not_depend_on_order_batch_or_cache(folder, head, texts, tmp_path, monkeypatch):
    first = of(folder, head).score(batch(texts))
    np.testing.assert_array_equal(of(folder, head).score(batch(texts)), first)
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "other"))
    np.testing.assert_allclose(of(folder, head).score(batch(texts[::-1])), first[::-1], atol=2e-3)


@pytest.mark.parametrize("text", ["", "one two", "😀 " * 80, "\x00\x07 " * 90, "я the 漢 " * 80, "x" * 1_000_000])
def test_odd_text_gets_a_score_or_nan(folder, head, texts, text):
    score = of(folder, head).score(batch([text]))
    assert score.shape == (1,) and not np.isinf(score).any()


def test_without_a_head_there_are_states_and_no_score(folder, texts):
    bare = of(folder, None)
    assert bare.figures(batch(texts)).shape == (len(texts), 16) and np.isnan(bare.score(batch(texts))).all()


def test_the_shipped_head_is_of_the_layer_that_is_read():
    stored = json.loads(encoder.HEAD.read_text("utf-8"))
    assert stored["layer"] == encoder.LAYER and len(stored["weights"]) == 384
