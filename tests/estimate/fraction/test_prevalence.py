"""The synthetic fraction recovers known fractions, and never turns bad input into a confident number."""

import numpy as np
import pytest

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.fraction.checks.placebo import run_placebo
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.hamiltonian import log_posterior
from auditor.estimate.fraction.mixing import draw_fractions
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.estimate.fraction.scopes import PrevalenceOptions, difference, ranked, selected
from auditor.records import Estimate, Status

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


QUICK = PrevalenceOptions(draws=60)


def test_intervals_cover_and_are_not_needlessly_wide(rng):
    hits, widths = [], []
    for _ in range(10):
        target = ScoreCounts.empty([])
        for fraction in FRACTIONS:
            target = target + mixture(fraction, 1500, rng, f"{fraction}")
        found = estimate_prevalence(target, anchors_of(1000, rng), rng, options=QUICK)
        hits += [e.lower <= a <= e.upper for a, e in zip(FRACTIONS, found.shards.documents, strict=True)]
        widths += [e.upper - e.lower for e in found.shards.documents[:3]]
    assert np.mean(hits) >= 0.88  # 60 shards, six of a corpus miss together
    assert np.median(widths) < 0.03


def test_parts_that_differ_sharpen_a_single_shard(rng):
    years = ScoreCounts.empty([])
    for year, fraction in (("2019", 0.0), ("2021", 0.02), ("2023", 0.4), ("2024", 0.8)):
        machine = rng.normal(0.3, 1.4, round(5000 * fraction))
        scores = np.concatenate([human_scores(5000 - len(machine), rng), machine])
        years = years + ScoreCounts.of(scores, scopes=[year])
    anchors, shard = anchors_of(3000, rng), years.pooled("shard")
    alone = estimate_prevalence(shard, anchors, rng, options=QUICK).shards.documents[0]
    split = estimate_prevalence(shard, anchors, rng, options=QUICK, parts=years).shards.documents[0]
    assert split.lower <= 0.305 <= split.upper
    assert split.upper - split.lower < 0.8 * (alone.upper - alone.lower)


def test_the_same_seed_gives_the_same_figures(rng):
    target, anchors = mixture(0.2, 800, rng), anchors_of(300, rng)
    first, again = (estimate_prevalence(target, anchors, np.random.default_rng(3), options=QUICK) for _ in range(2))
    assert first.shards.documents == again.shards.documents
    assert (first.corpus.replicates == again.corpus.replicates).all()


def test_tokens_follow_the_machine_documents_that_are_longer(rng):
    scores = np.concatenate([human_scores(4500, rng), machine_scores(500, rng) + 2])
    tokens = np.repeat([100, 300], [4500, 500])
    target = ScoreCounts.of(scores, tokens=tokens)
    found = estimate_prevalence(target, anchors_of(2000, rng), rng, options=QUICK).shards
    assert found.documents[0].value == pytest.approx(0.1, abs=0.02)
    assert found.tokens[0].value == pytest.approx(0.25, abs=0.04)


def test_small_shards_borrow_strength_and_say_so(rng):
    target = ScoreCounts.empty([])
    for i in range(10):
        target = target + mixture(0.05, 60, rng, f"{i}")
    found = estimate_prevalence(target, anchors_of(2000, rng), rng, options=QUICK).shards
    raw, pooled = ([e.value for e in side] for side in (found.documents, found.pooled))
    assert np.std(pooled) < np.std(raw)
    assert {e.method for e in found.pooled} == {"partial_pooling"}


def test_the_probability_of_a_document_rises_with_its_score_and_averages_to_the_fraction(rng):
    target = mixture(0.2, 4000, rng)
    found = estimate_prevalence(target, anchors_of(2000, rng), rng, options=QUICK).shards
    posterior, histogram = found.posterior[0], target.histogram[0]
    assert posterior[30] < 0.1 < 0.9 < posterior[62]
    assert posterior @ histogram / histogram.sum() == pytest.approx(found.documents[0].value, abs=0.02)


def test_duplicated_clusters_widen_the_interval(rng):
    scores = np.repeat(np.concatenate([human_scores(270, rng), machine_scores(30, rng)]), 10)
    clustered = ScoreCounts.of(scores, groups=np.repeat(np.arange(300), 10))
    anchors = anchors_of(2000, rng)
    wide, narrow = (estimate_prevalence(t, anchors, rng, options=QUICK) for t in (clustered, mixture(0.1, 3000, rng)))
    assert wide.fit.design_effect > 4 > 2 > narrow.fit.design_effect
    wide, narrow = wide.shards.documents[0], narrow.shards.documents[0]
    assert wide.upper - wide.lower > 1.2 * (narrow.upper - narrow.lower)


def test_shared_error_cancels_in_the_difference_of_shards(rng):
    target = mixture(0.3, 3000, rng, "a") + mixture(0.3, 3000, rng, "b")
    draws = estimate_prevalence(target, anchors_of(200, rng), rng, options=QUICK).shards.replicates
    change = difference(draws[:, 0], draws[:, 1])
    assert change.lower < 0 < change.upper
    assert np.var(draws[:, 1] - draws[:, 0]) < np.var(draws[:, 0]) + np.var(draws[:, 1])


def test_rankings_go_by_lower_bound(rng):
    target = mixture(0.3, 3000, rng, "much") + mixture(0.34, 6, rng, "tiny") + mixture(0.0, 3000, rng, "none")
    found = estimate_prevalence(target, anchors_of(2000, rng), rng, options=PrevalenceOptions(draws=400)).shards
    assert ranked(found)[0] == 0


def test_scopes_picked_by_their_figures_get_intervals_that_miss_as_rarely_as_they_say(rng):
    """Forty shards at 9 or 13%, threshold 10%: among the picked ones at most 5% of the intervals miss."""
    truth, missed, picked = np.repeat([0.09, 0.13], [30, 10]), 0, 0
    for _ in range(400):
        seen = truth + 0.012 * rng.normal(size=40)
        estimates = [Estimate(v, v - 1.96 * 0.012, v + 1.96 * 0.012) for v in seen.clip(0.03)]
        chosen = selected(estimates, 0.10)
        picked += len(chosen)
        missed += sum(not e.lower <= truth[i] <= e.upper for i, e in chosen.items())
    assert picked > 100 and missed / picked < 0.05
    one = selected([Estimate(0.3, 0.2, 0.4), *[Estimate(0.01, 0.0, 0.02)] * 99], 0.1)
    assert list(one) == [0] and one[0].lower < 0.2 and one[0].level == pytest.approx(0.9995)
    assert selected([Estimate(0.3, 0.101, 0.4), *[Estimate(0.01, 0.0, 0.02)] * 99], 0.1) == {}


def test_checks_stand_beside_the_estimate_and_the_lower_bound_is_one(rng):
    target = mixture(0.3, 5000, rng)
    found = estimate_prevalence(target, anchors_of(3000, rng), rng, options=QUICK)
    assert set(found.checks) == {"rogan_gladen", "human_side", "generator_free"}
    assert 0.15 < found.checks["generator_free"].lower < 0.3
    assert found.checks["human_side"].lower < 0.3 < found.checks["human_side"].upper
    assert found.checks["rogan_gladen"].value > 0.2
    assert found.mixed.status == Status.NOT_MEASURED


def test_all_scores_equal_gives_no_figure(rng):
    target = ScoreCounts.of(np.zeros(500))
    anchors = Anchors((AnchorSet("r", Trust.REFERENCE, ScoreCounts.of(np.zeros(500))),))
    found = estimate_prevalence(target, anchors, rng, options=QUICK).shards.documents[0]
    assert found.status == Status.INCONCLUSIVE
    assert (found.lower, found.upper) == (0.0, 1.0)


def test_twelve_anchors_give_no_confident_number(rng):
    found = estimate_prevalence(mixture(0.1, 2000, rng), anchors_of(12, rng), rng, options=QUICK)
    assert found.shards.documents[0].status == Status.INCONCLUSIVE
    assert "anchors" in found.shards.documents[0].reason


def test_anchors_of_another_domain_do_not_give_a_confident_wrong_number(rng):
    shifted = AnchorSet("elsewhere", Trust.BUNDLED, ScoreCounts.of(human_scores(3000, rng) - 0.8))
    found = estimate_prevalence(mixture(0.0, 3000, rng), Anchors((shifted,)), rng, options=QUICK)
    estimate = found.shards.documents[0]
    assert estimate.lower < 0.02 or estimate.status == Status.INCONCLUSIVE
    assert "anchors_unmatched" in {f.kind for f in found.findings}


def test_contaminated_anchors_are_a_finding_where_a_second_set_exists(rng):
    dirty = ScoreCounts.of(np.concatenate([human_scores(1600, rng), machine_scores(400, rng)]))
    clean = anchors_of(2000, rng).human[0]
    anchors = Anchors((clean, AnchorSet("dated", Trust.DATED, dirty)))
    kinds = {f.kind for f in estimate_prevalence(mixture(0.1, 1000, rng), anchors, rng, options=QUICK).findings}
    assert "anchors_contaminated" in kinds
    trusted = Anchors((AnchorSet("reference", Trust.REFERENCE, dirty), AnchorSet("dated", Trust.DATED, clean.counts)))
    found = estimate_prevalence(mixture(0.1, 1000, rng), trusted, rng, options=QUICK).findings
    assert [f.message[:9] for f in found if f.kind == "anchors_contaminated"] == ["reference"]
    alone = estimate_prevalence(mixture(0.1, 1000, rng), Anchors((clean,)), rng, options=QUICK).findings
    assert "anchors_unverified" in {f.kind for f in alone}


def test_three_documents_and_no_scores_at_all_are_honest(rng):
    target = mixture(0.3, 3, rng, "three") + ScoreCounts.of(np.full(5, np.nan), scopes=["nan"])
    found = estimate_prevalence(target, anchors_of(500, rng), rng, options=QUICK)
    three, nothing = found.shards.documents
    assert three.status == Status.INCONCLUSIVE and three.upper - three.lower > 0.3
    assert nothing.status == Status.NOT_MEASURED
    assert "unscored" in {f.kind for f in found.findings}


def test_a_placebo_of_human_years_passes_and_a_contaminated_year_fails(rng):
    years = ScoreCounts.empty([])
    for year in ("2014", "2017", "2020"):
        years = years + ScoreCounts.of(human_scores(1500, rng), scopes=[year])
    clean = run_placebo(years, anchors_of(10, rng), rng, options=QUICK)
    assert clean.passed and all(e.lower == 0 for e in clean.estimates)
    bad = run_placebo(years + mixture(0.4, 2500, rng, "2021"), anchors_of(10, rng), rng, options=QUICK)
    assert "2021" in {f.scope for f in bad.findings}
    assert run_placebo(years.take([0]), anchors_of(10, rng), rng).estimates[0].status == Status.NOT_MEASURED


def test_the_gradient_of_the_posterior_is_its_derivative(rng):
    bins = 8
    model = (
        *(rng.poisson(100, (3, bins)).astype(float), rng.poisson(50, (1, bins)).astype(float), rng.random(bins)),
        *(rng.normal(size=bins), rng.normal(size=bins), rng.normal(size=(bins, 4)), rng.normal(size=(bins, 3))),
        *(rng.normal(size=(1, bins, 2)), 1.3, np.array([-3.0, -2.0, 1.0])),
    )
    z = 0.5 * rng.normal(size=4 + 2 + 3 + 2 + 3)
    gradient = log_posterior(z, *model)[1]
    for i, step in enumerate(1e-5 * np.eye(len(z))):
        slope = (log_posterior(z + step, *model)[0] - log_posterior(z - step, *model)[0]) / 2e-5
        assert slope == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)


def test_fractions_of_tiny_shards_follow_their_exact_posterior(rng):
    human, machine = np.array([[0.9, 0.1]]), np.array([[0.2, 0.8]])
    counts = np.array([[7.0, 3.0]])
    repeated = [np.repeat(side, 4000, axis=0) for side in (human, machine)]
    draws, _ = draw_fractions(counts, *repeated, np.zeros(4000), 0.0, rng.random((4000, 1)))
    a = np.linspace(0, 1, 20001)
    exact = (0.9 - 0.7 * a) ** 7 * (0.1 + 0.7 * a) ** 3
    assert draws.mean() == pytest.approx((a * exact).sum() / exact.sum(), abs=0.01)
    cumulative = np.cumsum(exact) / exact.sum()
    assert np.quantile(draws, 0.975) == pytest.approx(a[np.searchsorted(cumulative, 0.975)], abs=0.03)


@pytest.fixture
def rng():
    return np.random.default_rng(20221101)
