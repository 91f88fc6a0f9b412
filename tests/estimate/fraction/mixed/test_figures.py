"""Assisted and touched shares of scopes: status, reasons, joint regions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.estimate.fraction.atoms import Atoms
from auditor.estimate.fraction.counts import BINS, ScoreCounts
from auditor.estimate.fraction.mixed.figures import FEW, NO_HUMAN, NO_LIBRARY, NO_SPLIT, TOO_WIDE, Splitter, at_least
from auditor.estimate.fraction.mixed.library import library_of
from auditor.estimate.fraction.scopes import NO_FIT, NO_REFERENCE, PrevalenceOptions, ScopePrevalence
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
    assert own.touched[1].status == Status.MEASURED
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


@st.composite
def scopes(draw) -> tuple[np.ndarray, Estimate]:
    """Scores of any mix, tiny, all human and all machine-written among them, and any two-component estimate."""
    touched = draw(st.sampled_from([0.0, 0.003, 0.05, 0.3, 0.9, 1.0]))
    assisted = touched * draw(st.sampled_from([0.0, 0.5, 1.0]))
    size = draw(st.sampled_from([101, 300, 20_000]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    lower, value, upper = sorted(draw(st.tuples(*[st.sampled_from([0.0, 1e-4, 0.02, 0.4, 0.97, 1.0])] * 3)))
    estimate = share(value, lower, upper)
    reason = draw(st.sampled_from([None, TOO_WIDE, NO_REFERENCE, NO_FIT]))
    return histogram(rng, size, assisted, touched - assisted), (
        estimate.but(Status.INCONCLUSIVE, reason) if reason else estimate
    )


@given(scopes(), st.sampled_from([None, 900]))
@settings(max_examples=300, deadline=None)
def test_what_was_touched_holds_its_parts(splitter, scope, listed):
    counts, synthetic = scope
    own = found(splitter, [counts], [synthetic], listed=listed)
    mixed, touched, region = own.mixed[0], own.touched[0], own.regions[0]
    for name in ("lower", "value", "upper"):
        assert getattr(touched, name) >= max(getattr(synthetic, name), getattr(mixed, name)), name
    assert touched.value <= synthetic.value + mixed.value + 1e-9
    for estimate in (mixed, touched):
        assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1
    assert (touched.lower, touched.upper) == region.touched
    corners = np.array(region.corners)
    assert np.all((corners >= 0) & (corners.sum(1, keepdims=True) <= 1 + 1e-3))
    assert np.all(own.mixed_draws <= own.touched_draws + 1e-9)
    assert np.all((own.mixed_draws >= 0) & (own.touched_draws <= 1 + 1e-9))


def test_what_no_reference_covers_is_as_inconclusive_with_edited_text(splitter):
    """Human text of unknown kinds: the worlds alone would know within a few points what was touched."""
    whole = histogram(np.random.default_rng(8), 3000, 0, 0)
    wide = share(0.013, 0.0, 1.0).but(Status.INCONCLUSIVE, NO_REFERENCE)
    unknown, known = (found(splitter, [whole], [estimate]) for estimate in (wide, share(0.013, 0.0, 0.05)))
    assert unknown.touched[0].reason == unknown.mixed[0].reason == NO_REFERENCE
    assert (unknown.touched[0].lower, unknown.touched[0].upper) == (0.0, 1.0)
    assert max(sum(corner) for corner in unknown.regions[0].corners) > 0.95
    assert known.touched[0].status == known.mixed[0].status == Status.MEASURED


def test_a_wide_interval_of_a_part_leaves_the_sum_measured(splitter):
    """The estimate of the machine-written share says so in the words that are known here."""
    assert f"the interval is wider than {100 * PrevalenceOptions().widest:.0f} points" == TOO_WIDE
    part = share(0.1, 0.0, 0.36).but(Status.INCONCLUSIVE, TOO_WIDE)
    own = found(splitter, [histogram(np.random.default_rng(9), 3000, 0.0, 0.1)], [part])
    assert own.touched[0].status == Status.MEASURED
    assert own.touched[0].lower > 0.02


def test_a_share_without_numbers_is_left_as_it_is():
    absent = Estimate.not_measured("German")
    assert at_least(absent, share(0.2, 0.1, 0.3)) is absent
    assert at_least(share(0.2, 0.1, 0.3), absent) == share(0.2, 0.1, 0.3)
    assert at_least(share(0.2, 0.1, 0.3), share(0.25, 0.05, 0.26)) == share(0.25, 0.1, 0.3)
