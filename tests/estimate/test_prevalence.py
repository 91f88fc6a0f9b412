"""The synthetic fraction recovers known fractions, and never turns bad input into a confident number."""

import numpy as np
import pytest

from auditor.estimate.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.counts import ScoreCounts
from auditor.estimate.prevalence import estimate_prevalence
from auditor.records import Status

FRACTIONS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5)


def human_scores(n, rng):
    return rng.normal(-2, 1.3, n)


def machine_scores(n, rng):
    return rng.normal(2.2, 1.8, n)


def mixture(fraction, n, rng, scope=""):
    machine = round(fraction * n)
    scores = np.concatenate([human_scores(n - machine, rng), machine_scores(machine, rng)])
    return ScoreCounts.of(scores, scopes=[scope])


def anchors_of(n, rng):
    """Human anchors of the corpus; machine anchors of another generator."""
    human = AnchorSet("reference", Trust.REFERENCE, ScoreCounts.of(human_scores(n, rng)))
    machine = AnchorSet("bundled", Trust.BUNDLED, ScoreCounts.of(rng.normal(1.2, 2.2, 2000)), "elsewhere")
    return Anchors((human,), (machine,))


def test_fractions_of_shards_are_recovered_with_generators_never_seen(rng):
    target = ScoreCounts.empty([])
    for fraction in FRACTIONS:
        target = target + mixture(fraction, 5000, rng, f"{fraction}")
    found = estimate_prevalence(target, anchors_of(2000, rng), rng)
    for fraction, estimate in zip(FRACTIONS, found.shards.documents, strict=True):
        assert estimate.value == pytest.approx(fraction, abs=0.03)
        assert estimate.lower - 0.01 <= fraction <= estimate.upper + 0.01
    assert found.corpus.documents[0].value == pytest.approx(np.mean(FRACTIONS), abs=0.02)


def test_without_anchors_nothing_is_measured(rng):
    found = estimate_prevalence(mixture(0.3, 500, rng), Anchors(), rng)
    assert found.shards.documents[0].status == Status.NOT_MEASURED
    assert "anchors" in found.shards.documents[0].reason


def test_a_shard_of_ten_documents_gets_a_wide_interval(rng):
    target = mixture(0.1, 5000, rng, "large") + mixture(0.3, 10, rng, "small")
    small = estimate_prevalence(target, anchors_of(2000, rng), rng).shards.documents[1]
    assert small.status == Status.INCONCLUSIVE
    assert small.upper - small.lower > 0.2


@pytest.fixture
def rng():
    return np.random.default_rng(20221101)
