"""The published equations against iNEXT's spider example and against sums written out."""

import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from auditor.estimate.diversity.equations import (
    Frequencies,
    chao,
    coverage,
    entropy,
    richness,
    shannon,
    simpson,
    size_at,
)
from auditor.estimate.diversity.equations_kernels import rarefied_entropy

GIRDLED = [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2] + [1] * 12
LOGGED = [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2] + [1] * 14


def frequencies(counts: list[int]) -> Frequencies:
    k, f = np.unique(counts, return_counts=True)
    return Frequencies(k.astype(float), f.astype(float), float(sum(counts)), float(sum(counts)))


@pytest.mark.parametrize(
    ("counts", "covered", "limits"),
    [
        (GIRDLED, 0.9289, (43.892857, 13.826253, 8.174825)),
        (LOGGED, 0.9446, (61.402778, 16.337069, 6.920350)),
    ],
)
def test_inext_s_asymptotic_spider_figures_come_out_to_all_printed_digits(counts, covered, limits):
    seen = frequencies(counts)
    assert round(coverage(seen), 4) == covered
    found = chao(seen), math.exp(entropy(seen)), simpson(seen, math.inf)
    assert [round(x, 6) for x in found] == list(limits)


def test_inext_s_observed_and_extrapolated_spider_figures_come_out_to_all_printed_digits():
    seen = frequencies(GIRDLED)
    observed = richness(seen, 168), shannon(seen, 168), simpson(seen, 168)
    assert [round(x, 6) for x in observed] == [26, 12.059650, 7.840000]
    beyond = richness(seen, 300), shannon(seen, 300), simpson(seen, 300)
    assert [round(x, 6) for x in beyond] == [33.317733, 12.869603, 7.983882]
    assert round(coverage(seen, 300), 7) == 0.9579518


def naive_rarefied(counts: list[int], m: int) -> tuple[float, float, float, float]:
    """Expected richness, entropy, sum of squares and coverage deficit of m units, by exact binomials."""
    n = sum(counts)
    types = uncovered = plug_in = squares = 0.0
    for x in counts:
        types += 1 - math.comb(n - x, m) / math.comb(n, m)
        uncovered += x / n * math.comb(n - x, m) / math.comb(n - 1, m)
        for k in range(1, min(x, m) + 1):
            if m - k <= n - x:
                chance = math.comb(x, k) * math.comb(n - x, m - k) / math.comb(n, m)
                plug_in -= chance * k / m * math.log(k / m)
                squares += chance * (k / m) ** 2
    return types, plug_in, squares, uncovered


@pytest.mark.parametrize("m", [1, 2, 17, 84, 150, 167])
@pytest.mark.parametrize("counts", [GIRDLED, LOGGED, [160, 5, 2, 1]])
def test_rarefaction_is_the_mean_over_all_subsamples(counts, m):
    seen = frequencies(counts)
    types, plug_in, squares, uncovered = naive_rarefied(counts, m)
    assert richness(seen, m) == pytest.approx(types, rel=1e-10)
    assert shannon(seen, m) == pytest.approx(math.exp(plug_in), rel=1e-6)  # expanded where a type is frequent
    assert simpson(seen, m) == pytest.approx(1 / squares, rel=1e-10)
    assert coverage(seen, m) == pytest.approx(1 - uncovered, abs=1e-12)


def test_large_samples_agree_with_small_formulas_scaled():
    """The approximations above a million tokens continue the exact formulas below it."""
    rng = np.random.default_rng(3)
    p = 1 / np.arange(2, 30_000) ** 1.1
    for size in (999_000, 1_001_000):
        k, f = np.unique(rng.multinomial(size, p / p.sum()), return_counts=True)
        k, f = k[1:].astype(float), f[1:].astype(float)
        below = Frequencies(k, f, 1e6, 1e6)
        above = Frequencies(k, f, np.nextafter(1e6, 2e6), 1e6)
        for measure in (richness, shannon, simpson, coverage):
            assert measure(above, 50_000.0) == pytest.approx(measure(below, 50_000.0), rel=5e-6)
    limit = entropy(Frequencies(k, f, 10_000.0, 10_000.0)), entropy(Frequencies(k, f, 10_001.0, 10_001.0))
    assert limit[0] == pytest.approx(limit[1], rel=1e-3)


@pytest.mark.parametrize("left", [1, 41, 90, 3_000])
def test_nearly_the_whole_of_a_large_sample_has_nearly_its_entropy(left):
    """A few dozen occurrences left out of a million and a half once overflowed."""
    p = 1 / np.arange(2, 30_000) ** 1.1
    k, f = np.unique(np.random.default_rng(4).multinomial(1_500_000, p / p.sum()), return_counts=True)
    k, f = k[1:].astype(float), f[1:].astype(float)
    size = float((k * f).sum())
    seen = Frequencies(k, f, size, size)
    whole = math.exp(-float((f * (k / size) * np.log(k / size)).sum()))
    assert shannon(seen, size - left) == pytest.approx(whole, rel=2e-4)
    assert shannon(seen, size - left) < shannon(seen, size)
    some = Frequencies(k[:60], f[:60], size, size)  # types of which half is left out at most, one by one
    expected = sum(
        many
        * hypergeom.expect(
            lambda x: -x / (size - left) * np.log(np.maximum(x, 1) / (size - left)),
            (int(size), int(times), int(size - left)),
        )
        for times, many in zip(some.k, some.f, strict=True)
    )
    assert rarefied_entropy(some.k, some.f, size, size - left) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("target", [0.2, 0.7, 0.9, 0.94, 0.97])
def test_the_size_of_a_coverage_has_that_coverage(target):
    seen = frequencies(GIRDLED)
    assert coverage(seen, size_at(seen, target)) == pytest.approx(target, abs=1e-10)


def test_scikit_bio_agrees_where_it_overlaps():
    """Values of scikit-bio 0.7 (chao1, goods_coverage, shannon, inv_simpson): tests/estimate/reference_values.py."""
    seen = frequencies(GIRDLED)
    assert seen.seen + 12 * 12 / (2 * 4) == 44.0  # chao1(bias_corrected=False) leaves out (n - 1) / n
    assert chao(seen) == pytest.approx(26 + 167 / 168 * 18.0)
    assert 1 - seen.times(1) / seen.size == pytest.approx(0.9285714285714286)
    assert shannon(seen, 168) == pytest.approx(12.059650498938325)
    assert simpson(seen, 168) == pytest.approx(7.84)
