"""Assisted and touched shares of scopes: status, reasons, joint regions."""

import numpy as np
import pytest

from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.mixed.figures import FEW, NO_HUMAN, NO_LIBRARY, NO_SPLIT, Splitter
from auditor.estimate.fraction.mixed.library import library_of
from auditor.estimate.fraction.scopes import NO_FIT, ScopePrevalence
from auditor.estimate.fraction.shift_prior import ShiftPrior
from auditor.estimate.fraction.shifted_mixture import Posterior
from auditor.known_scores import KnownScores
from auditor.records import Estimate, Status
from tests.estimate.fraction.mixed.test_three_way import histogram, made_library

POSTERIORS = {"en": Posterior((), 1.0, np.zeros(BINS), ShiftPrior.vague())}


def prevalence(histograms: list[np.ndarray], synthetic: list[Estimate]) -> ScopePrevalence:
    n = len(histograms)
    counts = np.stack(histograms)
    flat, none = np.zeros((n, BINS)), tuple(synthetic)
    names = tuple(f"s{i}" for i in range(n))
    parts = (np.zeros(n), flat, flat, flat, counts, flat, np.zeros(n), np.zeros((0, n)), np.zeros((0, n)))
    return ScopePrevalence(names, none, none, none, *parts)


def atoms_of(histograms: list[np.ndarray]) -> Atoms:
    n = len(histograms)
    counts = ScoreCounts.empty([f"s{i}" for i in range(n)])
    counts.documents[:, 0] = np.round(np.stack(histograms)).astype(np.int64)
    none = np.zeros((n, BINS))
    places = np.arange(n)
    return Atoms(counts, places, np.zeros(n, np.int64), ("k",), np.ones(1), np.zeros(n), none, none, none)


def share(value: float, lower: float, upper: float) -> Estimate:
    return Estimate(value, lower, upper, 0.95, "joint_mixture", 1000)


@pytest.fixture(scope="module")
def splitter() -> Splitter:
    return Splitter(made_library())


def found(splitter, histograms, synthetic, atoms=None, **given):
    by_language = atoms or {"en": atoms_of(histograms)}
    scope = prevalence(histograms, synthetic)
    return splitter.split(scope, by_language, POSTERIORS, np.random.default_rng(0), **given)


def test_a_clean_scope_has_small_measured_shares(splitter):
    own = found(splitter, [histogram(np.random.default_rng(1), 3000, 0, 0)], [share(0.0, 0.0, 0.01)])
    assert own.mixed[0].status == own.touched[0].status == Status.MEASURED
    assert own.mixed[0].lower == 0
    assert own.touched[0].upper < 0.35


def test_text_that_is_hard_to_split_is_a_region_not_three_numbers(splitter):
    own = found(splitter, [histogram(np.random.default_rng(2), 3000, 0.25, 0.25)], [share(0.4, 0.3, 0.5)])
    assert own.mixed[0].status == Status.INCONCLUSIVE
    assert own.mixed[0].reason == NO_SPLIT
    assert len(own.regions[0].corners) >= 3
    assert own.touched[0].lower >= 0.3  # what the two-component fit found is part of it


def test_only_edited_text_is_never_called_measured(splitter):
    own = found(splitter, [histogram(np.random.default_rng(3), 3000, 1.0, 0.0)], [share(0.6, 0.4, 0.9)])
    assert own.touched[0].status == own.mixed[0].status == Status.INCONCLUSIVE
    assert own.touched[0].reason == NO_HUMAN


@pytest.mark.parametrize(
    ("synthetic", "reason"),
    [
        (share(0.3, 0.2, 0.4).but(Status.INCONCLUSIVE, NO_FIT), NO_FIT),  # templates, translation
        (Estimate.not_measured("no human text to compare with"), "no human text to compare with"),
        (share(0.95, 0.9, 0.99), "the machine-written share alone is estimated to be larger"),
    ],
)
def test_a_scope_that_the_two_component_fit_doubts_is_doubted(splitter, synthetic, reason):
    own = found(splitter, [histogram(np.random.default_rng(4), 2000, 0.0, 0.0)], [synthetic])
    assert own.mixed[0].status != Status.MEASURED
    assert own.mixed[0].reason == own.touched[0].reason == reason


def test_too_few_documents_other_languages_and_no_library_are_said(splitter):
    small, whole = histogram(np.random.default_rng(5), 60, 0, 0), histogram(np.random.default_rng(6), 900, 0, 0)
    own = found(splitter, [small, whole], [share(0.0, 0.0, 0.1)] * 2)
    assert own.mixed[0].reason == FEW
    assert own.regions[0] is None
    assert np.isnan(own.mixed_draws[:, 0]).all()
    assert own.mixed[1].status == Status.MEASURED
    both = {"en": atoms_of([whole]), "de": atoms_of([whole])}
    other = found(splitter, [2 * whole], [share(0.0, 0.0, 0.1)], both)
    assert "50% of these documents are English" in other.mixed[0].reason
    assert found(Splitter(None), [whole], [share(0.0, 0.0, 0.1)]).touched[0].reason == NO_LIBRARY


def test_a_sample_of_shards_says_that_the_others_may_differ(splitter):
    whole = histogram(np.random.default_rng(7), 900, 0, 0)
    own = found(splitter, [whole], [share(0.0, 0.0, 0.1)], listed=1200)
    assert own.mixed[0].status == Status.INCONCLUSIVE
    assert "1,200" in own.mixed[0].reason


def test_a_calibration_on_another_grid_or_without_edited_text_splits_nothing():
    assert library_of(KnownScores(bins=12), []) is None
    assert library_of(KnownScores(), []) is None
