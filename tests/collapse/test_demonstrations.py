"""The founding demonstrations show early and late collapse, by the laws that are known for them."""

import numpy as np
import pytest

from benchmarks import demonstrations
from tests.collapse import published


def test_a_gaussian_drifts_by_the_published_law_and_its_typical_variance_vanishes():
    rows = demonstrations.gaussian(100, 10, 20_000, np.random.default_rng(1))
    # the variance of a draw after n refits: the fitted variance keeps its mean, the centre moves by s^2 n/M
    drawn = rows["variance"][10] + rows["drift"][10]
    assert drawn == pytest.approx(published.gaussian_variance(1, 10, 100), abs=0.01)
    late = demonstrations.gaussian(20, 200, 500, np.random.default_rng(2))
    assert late["median_variance"][200] < 0.05
    assert late["tail"][0] == pytest.approx(0.045, abs=0.01)


def test_a_rare_mixture_component_is_lost_while_the_bulk_still_looks_well():
    rows = demonstrations.gaussian_mixture(400, 32, np.random.default_rng(4))
    early, late = rows.row(8, named=True), rows.row(32, named=True)
    assert rows["rare"][0] > 0.02 and late["rare"] == 0
    assert early["spread"] == pytest.approx(rows["spread"][0], rel=0.2)
    assert late["score"] < early["score"] < rows["score"][0]


def text(rng: np.random.Generator) -> list[str]:
    weights = 1 / np.arange(1, 2001)
    return [" ".join(f"w{i}" for i in rng.choice(2000, 40, p=weights / weights.sum())) for _ in range(150)]


def test_a_language_model_of_its_own_text_loses_rare_words_first_and_human_text_holds_them():
    documents = text(np.random.default_rng(4))
    alone = demonstrations.ngram_model(documents, 8, np.random.default_rng(5))
    early = alone["words"][1] / alone["words"][0], alone["entropy"][1] / alone["entropy"][0]
    assert alone["rare"][1] < 0.75 and early[0] < 0.8 and early[1] > 0.95
    assert alone["words"].is_sorted(descending=True) and alone["words"][8] < 0.4 * alone["words"][0]
    held = demonstrations.ngram_model(documents, 8, np.random.default_rng(5), human_share=0.5)
    assert held["rare"][8] > 0.5 > alone["rare"][8]


def test_a_minority_class_keeps_its_mean_and_is_fixed_or_lost():
    rows = demonstrations.minority_class(50, 400, 4000, np.random.default_rng(6))
    assert rows["mean"][-1] == pytest.approx(0.1, abs=0.02)
    assert rows["alive"][-1] == pytest.approx(0.1, abs=0.02)
    heterozygosity = 2 * 0.1 * 0.9 * (1 - 1 / 50) ** np.arange(401)
    assert rows["heterozygosity"].to_numpy() == pytest.approx(heterozygosity, abs=0.012)


def test_the_same_seed_tells_the_same_story():
    documents = text(np.random.default_rng(7))
    first, again = (demonstrations.ngram_model(documents, 2, np.random.default_rng(8), order=3) for _ in range(2))
    assert first.equals(again)
