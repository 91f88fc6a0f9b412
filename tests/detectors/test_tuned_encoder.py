"""The tuned encoder: windows, changed layers over base weights, scores that plain transformers give too."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detectors import tuned_encoder
from auditor.detectors.tuned_encoder import HEAD, LEAST, TOKENS, WINDOWS, windows
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from tests.detectors import tiny_models

SIZE = TOKENS - 2


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
def changed(folder):
    rng = np.random.default_rng(3)
    return {
        "encoder.layer.1.output.dense.weight": rng.normal(size=(16, 32)).astype(np.float16),
        HEAD[0]: rng.normal(size=(1, 16)).astype(np.float16),
        HEAD[1]: np.array([0.5], np.float16),
    }


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(tiny_models.WORDS, n)) for n in (60, 61, 90, 126, 127, 152, 300, 900)]


def test_scores_equal_plain_transformers(folder, changed, texts):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokeniser, plain = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    own = {name: torch.from_numpy(value.astype(np.float32)) for name, value in changed.items()}
    plain.load_state_dict({name: value for name, value in own.items() if name not in HEAD}, strict=False)
    found = tuned_encoder.of(folder, changed).score(batch(texts))
    for score, text in zip(found, texts, strict=True):
        means = []
        for part in windows(tokeniser(text, add_special_tokens=False)["input_ids"]):
            ids = torch.tensor([[tokeniser.cls_token_id, *part, tokeniser.sep_token_id]])
            with torch.inference_mode():
                means.append(plain(input_ids=ids).last_hidden_state[0].mean(0))
        expected = torch.stack(means).mean(0) @ own[HEAD[0]][0] + own[HEAD[1]][0]
        assert score == pytest.approx(float(expected), abs=2e-3)


def test_scores_do_not_depend_on_order_batch_or_cache(folder, changed, texts, tmp_path, monkeypatch):
    first = tuned_encoder.of(folder, changed).score(batch(texts))
    np.testing.assert_array_equal(tuned_encoder.of(folder, changed).score(batch(texts)), first)
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "other"))
    np.testing.assert_allclose(tuned_encoder.of(folder, changed).score(batch(texts[::-1])), first[::-1], atol=1.1e-3)


def test_changed_layers_change_scores_and_the_revision(folder, changed, texts):
    one = tuned_encoder.of(folder, changed)
    other = tuned_encoder.of(folder, {name: changed[name] for name in HEAD})
    assert one.description.revision != other.description.revision
    assert np.abs(one.score(batch(texts)) - other.score(batch(texts))).max() > 0.01


@pytest.mark.parametrize("text", ["", "one two", "😀 " * 80, "\x00\x07 " * 90, "я the 漢 " * 80, "x" * 1_000_000])
def test_odd_text_gets_a_score_or_nan(folder, changed, texts, text):
    score = tuned_encoder.of(folder, changed).score(batch([text]))
    assert score.shape == (1,) and not np.isinf(score).any()


def test_layers_of_other_weights_are_refused(folder, changed, texts):
    foreign = {**changed, "encoder.layer.9.output.dense.weight": changed["encoder.layer.1.output.dense.weight"]}
    with pytest.raises(DetectorError, match=r"it has no encoder\.layer\.9"):
        tuned_encoder.of(folder, foreign).score(batch(texts))


def test_missing_or_damaged_layers_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(DetectorError, match="auditor detectors train --deep"):
        tuned_encoder.read_changed(tmp_path)
    (tmp_path / tuned_encoder.FILE).write_bytes(b"not safetensors")
    with pytest.raises(DetectorError, match="auditor detectors train --deep"):
        tuned_encoder.read_changed(tmp_path)
