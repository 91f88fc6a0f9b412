"""Surprisal figures equal a slow twin's, whatever the batch, the order or the cache."""

import itertools
import math

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="the extra [lm] is not installed")

from auditor.detectors.deep import language_model, loading, surprisal  # noqa: E402
from auditor.detectors.interface import Detector  # noqa: E402
from auditor.errors import DetectorError  # noqa: E402
from auditor.text.batch import TextBatch  # noqa: E402
from tests.detectors.deep import tiny_models  # noqa: E402


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def observer(tmp_path_factory):
    return tiny_models.causal(tmp_path_factory.mktemp("models") / "observer")


@pytest.fixture(scope="module")
def performer(tmp_path_factory):
    return tiny_models.causal(tmp_path_factory.mktemp("models") / "performer", seed=1)


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(tiny_models.WORDS, n)) for n in (60, 64, 90, 127, 128, 200, 255, 400)]


def batch(texts):
    return TextBatch.of(pl.Series(texts, dtype=pl.String))


def twin(folder, text, other=None):
    """The figures by loops over Python floats, one unpadded text."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokeniser = AutoTokenizer.from_pretrained(folder)
    ids = [tokeniser.bos_token_id, *tokeniser(text, add_special_tokens=False)["input_ids"]][: language_model.TOKENS]
    rows = []
    for name in filter(None, (folder, other)):
        model = AutoModelForCausalLM.from_pretrained(name).double().eval()
        with torch.inference_mode():
            rows.append(model(input_ids=torch.tensor([ids])).logits[0].tolist())
    tables = [[[math.exp(x) / sum(math.exp(y) for y in row) for x in row] for row in model] for model in rows]
    performed = tables[-1]
    surprises, ranks, entropies, variances, crossed = [], [], [], [], []
    for t in range(len(ids) - 1):
        p = performed[t]
        mean = sum(q * math.log(q) for q in p)
        surprises.append(-math.log(p[ids[t + 1]]))
        ranks.append(1 + sum(q > p[ids[t + 1]] for q in p))
        entropies.append(-mean)
        variances.append(sum(q * (math.log(q) - mean) ** 2 for q in p))
        crossed.append(-sum(a * math.log(b) for a, b in zip(tables[0][t], p, strict=True)))
    n = len(surprises)
    average = sum(surprises) / n
    spread = math.sqrt(sum((s - average) ** 2 for s in surprises) / n)
    log_rank = sum(map(math.log, ranks)) / n
    stretches = [sum(surprises[i : i + 16]) / 16 for i in range(0, n - 15, 16)]
    centre = sum(stretches) / len(stretches)
    steps = [abs(b - a) for a, b in itertools.pairwise(surprises)]
    found = [
        average,
        log_rank,
        average / log_rank,
        sum(entropies) / n,
        (sum(entropies) - sum(surprises)) / math.sqrt(sum(variances)),
        spread,
        (spread - average) / (spread + average),
        math.sqrt(sum((s - centre) ** 2 for s in stretches) / len(stretches)),
        sum(steps) / len(steps) / spread,
        sum(rank == 1 for rank in ranks) / n,
        sum(rank > 100 for rank in ranks) / n,
    ]
    return [*found, average / (sum(crossed) / n)] if other else found


def test_figures_equal_a_slow_twin(observer, texts):
    found = language_model.load(str(observer)).figures(batch(texts))
    assert found.shape == (len(texts), len(surprisal.NAMES))
    for row, text in zip(found, texts, strict=True):
        np.testing.assert_allclose(row, twin(observer, text), atol=1.5e-3)


def test_the_built_in_model_adds_its_mean_state_without_the_first_token(observer, texts, monkeypatch):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setattr(language_model, "LAYER", 1)
    found = language_model.under(loading.check(observer, loading.CAUSAL), None).figures(batch(texts))
    assert found.shape == (len(texts), len(surprisal.NAMES) + 16)
    np.testing.assert_array_equal(
        found[:, : len(surprisal.NAMES)], language_model.load(str(observer)).figures(batch(texts))
    )
    tokeniser, model = AutoTokenizer.from_pretrained(observer), AutoModelForCausalLM.from_pretrained(observer).eval()
    for row, text in zip(found, texts, strict=True):
        ids = [tokeniser.bos_token_id, *tokeniser(text, add_special_tokens=False)["input_ids"]][: language_model.TOKENS]
        with torch.inference_mode():
            states = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[1]
        np.testing.assert_allclose(row[len(surprisal.NAMES) :], states[0, 1:].mean(0), atol=1e-3)


def test_two_models_give_binoculars(observer, performer, texts):
    detector = language_model.load(f"{observer},{performer}")
    found = detector.figures(batch(texts[:3]))
    for row, text in zip(found, texts, strict=False):
        np.testing.assert_allclose(row, twin(observer, text, performer), atol=1.5e-3)
    np.testing.assert_array_equal(detector.score(batch(texts[:3])), -found[:, -1])


def test_scores_do_not_depend_on_order_batch_or_cache(observer, texts, monkeypatch, tmp_path):
    first = language_model.load(str(observer)).score(batch(texts))
    np.testing.assert_array_equal(language_model.load(str(observer)).score(batch(texts)), first)
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "other"))
    detector = language_model.load(str(observer))
    backwards = detector.score(batch(texts[::-1] + texts[:2]))
    np.testing.assert_array_equal(backwards[: len(texts)], first[::-1])
    np.testing.assert_array_equal(backwards[len(texts) :], first[:2])


def test_padded_batches_of_several_texts_give_the_same_scores(observer, texts, monkeypatch, tmp_path):
    first = language_model.load(str(observer)).figures(batch(texts))
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(language_model, "CPU_ROWS", 3)
    np.testing.assert_allclose(language_model.load(str(observer)).figures(batch(texts)), first, atol=1.1e-3)


def test_a_cached_text_needs_no_model(observer, texts, monkeypatch):
    first = language_model.load(str(observer)).score(batch(texts))
    again = language_model.load(str(observer))
    monkeypatch.setattr(again, "_opened", None)
    monkeypatch.setattr(language_model, "_open", lambda models: pytest.fail("opened"))
    np.testing.assert_array_equal(again.score(batch(texts)), first)


def test_line_breaks_quotes_and_markdown_do_not_change_a_score(observer, texts):
    plain = language_model.load(str(observer)).score(batch(texts[2:3]))
    dressed = "**" + texts[2].replace(" ", "\n\n", 5) + "**"
    np.testing.assert_array_equal(language_model.load(str(observer)).score(batch([dressed])), plain)


@pytest.mark.parametrize("text", ["", "one two three", "😀 " * 80, "\x00\x07 " * 90, "я the 漢 " * 80, "x" * 1_000_000])
def test_odd_text_gets_a_score_or_nan(observer, text):
    score = language_model.load(str(observer)).score(batch([text]))
    assert score.shape == (1,) and not np.isinf(score).any()


def test_short_text_is_not_scored(observer):
    assert np.isnan(language_model.load(str(observer)).score(batch(["the of and " * 10]))).all()


def test_two_tokenisers_or_three_models_are_refused(observer, tmp_path):
    other = tiny_models.causal(tmp_path / "other", extra=("more",))
    with pytest.raises(DetectorError, match="different tokenisers"):
        language_model.load(f"{observer},{other}")
    with pytest.raises(DetectorError, match="give one model, or two"):
        language_model.load("a,b,c")


def test_a_loaded_model_is_a_detector(observer):
    detector = language_model.load(str(observer))
    assert isinstance(detector, Detector)
    assert detector.description.name == "lm:observer" and detector.description.tier == 1
