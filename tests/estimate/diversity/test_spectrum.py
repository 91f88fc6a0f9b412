"""Frequency spectra: thinning is coordinated, groups leave as if they had never been counted, results are made once."""

import numpy as np
import polars as pl
import pytest

from auditor.estimate.diversity.spectrum import Body, Counted, Memo, Spectrum
from auditor.run_columns import GROUPS, KEEP_ALL, TYPES, WORD

RNG = np.random.default_rng(8)
COUNTS = RNG.poisson(0.3, (400, GROUPS))


def frame(counts: np.ndarray) -> pl.DataFrame:
    """A spectrum's frame of unsampled words, all in one score bin."""
    types = np.linspace(1, 2**63, len(counts), dtype=np.uint64)
    kind, group = np.nonzero(counts)
    rows = {
        "type": [*types[kind].tolist(), *[None] * GROUPS],
        "group": [*group.tolist(), *range(GROUPS)],
        "count": [*counts[kind, group].tolist(), *counts.sum(0).tolist()],
    }
    size = len(rows["type"])
    rest = {
        "level": [WORD] * size,
        "bin": [0] * size,
        "blocks": rows["count"],
        "fixed": [False] * size,
        "threshold": [KEEP_ALL] * size,
    }
    return pl.DataFrame(rows | rest, schema_overrides=TYPES).select(*TYPES)


SPECTRUM = Spectrum.from_frame(frame(COUNTS), WORD)


def test_a_result_is_made_once_under_its_key():
    made, memo = [], Memo()
    results = [memo.once(key, lambda key=key: made.append(key) or len(made)) for key in ("a", "b", "a", ("a", 1))]
    assert results == [1, 2, 1, 3] and made == ["a", "b", ("a", 1)]


def test_the_frame_is_counted_whole():
    seen = COUNTS.sum(1) > 0
    assert SPECTRUM.types.size == seen.sum() and SPECTRUM.rate == 1.0
    assert Counted.tokens(SPECTRUM).totals().sum() == COUNTS.sum() == SPECTRUM.tokens.sum()
    found = Counted.tokens(SPECTRUM).frequencies()
    k, types = np.unique(COUNTS.sum(1)[seen], return_counts=True)
    assert dict(zip(found.k[found.f > 0], found.f[found.f > 0], strict=True)) == dict(zip(k, types, strict=True))


def test_without_a_group_the_frequencies_are_those_of_the_other_groups():
    for group, rest in Counted.tokens(SPECTRUM).without_each_group()[:5]:
        left = np.delete(COUNTS, group, axis=1).sum(1)
        k, types = np.unique(left[left > 0], return_counts=True)
        some = rest.f > 0
        assert dict(zip(rest.k[some], rest.f[some], strict=True)) == dict(zip(k, types, strict=True))
        assert rest.size == left.sum()


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_thinned_spectra_of_two_texts_sample_the_same_types(rate):
    other = Spectrum.from_frame(frame(RNG.poisson(0.3, (400, GROUPS))), WORD)
    ours, theirs = SPECTRUM.thinned(rate), other.thinned(rate)
    both = np.intersect1d(SPECTRUM.types, other.types)
    assert np.array_equal(np.intersect1d(both, ours.types), np.intersect1d(both, theirs.types))
    assert ours.rate == rate and np.array_equal(ours.tokens, SPECTRUM.tokens)
    assert SPECTRUM.thinned(rate) is ours and SPECTRUM.thinned(1.0) is SPECTRUM


def test_a_body_makes_each_level_once_and_knows_its_tokens():
    body = Body.of(frame(COUNTS))
    assert Body.of(body) is body and body.whole(WORD) is body.whole(WORD)
    assert body.tokens == COUNTS.sum()
