"""The synthetic fraction recovers known fractions, and never turns bad input into a confident number."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.estimate.fraction.anchors import Trust
from auditor.estimate.fraction.checks.placebo import run_placebo
from auditor.estimate.fraction.checks.selection import difference, ranked, selected
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.prevalence import estimate_prevalence, heeded
from auditor.estimate.fraction.scopes import NO_REFERENCE, PrevalenceOptions
from auditor.records import Estimate, Status
from tests.estimate.fraction.worlds import anchors, atoms, human_scores, machine_scores, mixed, reference

FRACTIONS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5)
QUICK = PrevalenceOptions(draws=80, warm_up=50)


@pytest.fixture
def rng():
    return np.random.default_rng(20221101)


def estimate(shards, *human, rng, options=QUICK, spreads=None, **settings):
    return estimate_prevalence(
        atoms(shards, **settings), list(shards), anchors(*human, rng=rng, **(spreads or {})), rng, options=options
    )


def test_fractions_of_shards_are_recovered_with_generators_never_seen(rng):
    shards = {f"{a}": mixed(a, 4000, rng) for a in FRACTIONS}
    found = estimate(shards, reference(2000, rng), rng=rng, options=PrevalenceOptions())
    for fraction, e in zip(FRACTIONS, found.shards.documents, strict=True):
        assert e.value == pytest.approx(fraction, abs=0.03 + 0.25 * fraction)
        assert e.lower - 0.01 <= fraction <= e.upper + 0.01
    assert found.corpus.documents[0].value == pytest.approx(np.mean(FRACTIONS), abs=0.05)


def test_intervals_cover_and_are_not_needlessly_wide(rng):
    hits, widths = [], []
    for _ in range(8):
        shards = {f"{a}": mixed(a, 1500, rng) for a in FRACTIONS}
        found = estimate(shards, reference(1000, rng), rng=rng)
        hits += [e.lower <= a <= e.upper for a, e in zip(FRACTIONS, found.shards.documents, strict=True)]
        widths += [e.upper - e.lower for e in found.shards.documents[:3]]
    assert np.mean(hits) >= 0.85  # 48 shards, six of a corpus miss together
    assert np.median(widths) < 0.12


def test_human_shards_of_kinds_that_score_high_are_not_accused(rng):
    shards = {
        name: human_scores(500, rng, shift) for name, shift in (("news", -0.8), ("plain", 0.0), ("polished", 1.1))
    }
    kinds = {name: f"en/{name}" for name in shards}
    found = estimate(
        shards, reference(600, rng), rng=rng, kinds=kinds, variance=0.2, uncovered=0.8, spreads={"within": 0.37}
    )
    assert all(e.lower <= 0.01 for e in found.shards.documents)


def test_a_kind_that_no_reference_covers_is_wide_and_says_why(rng):
    shards = {"known": mixed(0.1, 800, rng), "odd": human_scores(600, rng, 1.5)}
    known, odd = (
        atoms({name: scores}, kinds={name: f"en/{name}"}, uncovered=float(name == "odd"), variance=0.2)["en"]
        for name, scores in shards.items()
    )
    both = known + replace(odd, scope=np.array([1]))
    found = estimate_prevalence(
        {"en": both}, list(shards), anchors(reference(800, rng), rng=rng), rng, options=PrevalenceOptions()
    )
    e = found.shards.documents[1]
    assert e.lower < 0.02
    assert e.status == Status.MEASURED or e.reason == NO_REFERENCE or "wider" in e.reason


def test_a_shard_of_ten_documents_gets_a_wide_interval(rng):
    found = estimate({"large": mixed(0.1, 4000, rng), "small": mixed(0.3, 10, rng)}, reference(2000, rng), rng=rng)
    small = found.shards.documents[1]
    assert small.upper - small.lower > 0.2


def test_the_same_seed_gives_the_same_figures(rng):
    shards, known = {"a": mixed(0.2, 800, rng)}, anchors(reference(300, rng), rng=rng)
    first, again = (
        estimate_prevalence(atoms(shards), ["a"], known, np.random.default_rng(3), options=QUICK) for _ in range(2)
    )
    assert first.shards.documents == again.shards.documents
    assert (first.corpus.replicates == again.corpus.replicates).all()


def test_the_corpus_is_the_sum_of_its_shards_in_every_replicate(rng):
    found = estimate({"a": mixed(0.1, 900, rng), "b": mixed(0.4, 300, rng)}, reference(800, rng), rng=rng)
    whole = found.shards.replicates @ np.array([0.75, 0.25])
    assert found.corpus.replicates[:, 0] == pytest.approx(whole)
    assert found.corpus.documents[0].value == pytest.approx(np.median(whole), abs=0.02)


def test_tokens_follow_the_machine_documents_that_are_longer(rng):
    scores = np.concatenate([human_scores(4500, rng), machine_scores(500, rng) + 2])
    found = estimate({"a": scores}, reference(2000, rng), rng=rng, tokens=np.repeat([100, 300], [4500, 500])).shards
    assert found.documents[0].value == pytest.approx(0.1, abs=0.05)
    assert found.tokens[0].value > 2 * found.documents[0].value


def test_the_probability_of_a_document_rises_with_its_score_and_averages_to_the_fraction(rng):
    found = estimate({"a": mixed(0.2, 4000, rng)}, reference(2000, rng), rng=rng).shards
    posterior, histogram = found.posterior[0], found.histogram[0]
    low, high = (int((score + 12) / 0.25) for score in (-1.0, 4.0))
    assert posterior[low] < 0.1 < 0.9 < posterior[high]
    assert posterior @ histogram / histogram.sum() == pytest.approx(found.documents[0].value, abs=0.03)
    assert found.at_replicate(3).shape == found.posterior.shape


def test_duplicated_clusters_widen_the_interval(rng):
    scores = np.repeat(mixed(0.1, 300, rng), 10)
    known = reference(2000, rng)
    wide = estimate({"a": scores}, known, rng=rng, groups=np.repeat(np.arange(300), 10))
    narrow = estimate({"a": mixed(0.1, 3000, rng)}, known, rng=rng)
    assert wide.posteriors["en"].design_effect > 4 > 2 > narrow.posteriors["en"].design_effect


def test_shared_error_cancels_in_the_difference_of_shards(rng):
    shards = {"a": mixed(0.3, 3000, rng), "b": mixed(0.3, 3000, rng)}
    draws = estimate(shards, reference(200, rng), rng=rng).shards.replicates
    change = difference(draws[:, 0], draws[:, 1])
    assert change.lower < 0 < change.upper


def test_rankings_go_by_lower_bound(rng):
    shards = {"much": mixed(0.3, 3000, rng), "tiny": mixed(0.34, 6, rng), "none": mixed(0.0, 3000, rng)}
    assert ranked(estimate(shards, reference(2000, rng), rng=rng).shards)[0] == 0


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
    found = estimate({"a": mixed(0.3, 5000, rng)}, reference(3000, rng), rng=rng)
    assert set(found.checks) == {"rogan_gladen", "human_side", "generator_free"}
    assert 0.15 < found.checks["generator_free"].lower < 0.3
    assert found.checks["human_side"].lower < 0.3 < found.checks["human_side"].upper
    assert found.checks["rogan_gladen"].value > 0.15
    assert found.mixed.status == Status.NOT_MEASURED


def test_a_check_that_contradicts_makes_the_headline_inconclusive(rng):
    corpus = estimate({"a": mixed(0.02, 3000, rng), "b": mixed(0.02, 3000, rng)}, reference(2000, rng), rng=rng).corpus
    assert corpus.documents[0].status == Status.MEASURED
    doubted, findings = heeded(corpus, {"labels": Estimate(0.5, 0.4, 0.6, method="two_phase", n=100)})
    assert doubted.documents[0].status == Status.INCONCLUSIVE
    assert findings[0].kind == "cross_check_contradicts" and "labels" in findings[0].message
    same, none = heeded(corpus, {"labels": Estimate(0.02, 0.0, 0.1, method="two_phase", n=100)})
    assert same.documents == corpus.documents and not none


def test_a_placebo_that_fails_by_more_than_the_interval_makes_the_headline_inconclusive(rng):
    corpus = estimate_prevalence(
        atoms({"a": mixed(0.05, 3000, rng)}), ["a"], anchors(reference(1500, rng), rng=rng), rng
    ).corpus
    main = corpus.documents[0]
    half = (main.upper - main.lower) / 2
    failed = Estimate(half + 0.1, half + 0.03, half + 0.2, method="joint_mixture", n=300)
    doubted, findings = heeded(corpus, {"placebo": failed})
    assert doubted.documents[0].status == "inconclusive" and "before November 2022" in findings[0].message
    assert (doubted.documents[0].lower, doubted.documents[0].upper) == (main.lower, main.upper)
    for passed in (Estimate(0.02, 0.0, 0.1), Estimate(0.05, 0.005, 0.1)):  # within its own interval, or a trifle
        assert heeded(corpus, {"placebo": passed}) == (corpus, [])


def test_all_scores_equal_gives_no_confident_figure(rng):
    known = reference(500, rng, scores=np.zeros(500))
    found = estimate({"a": np.zeros(500)}, known, rng=rng).shards.documents[0]
    assert found.lower < 0.02


def test_text_of_another_kind_does_not_give_a_confident_wrong_number(rng):
    found = estimate({"a": human_scores(3000, rng, 0.8)}, rng=rng, variance=0.4, uncovered=1.0)
    e = found.shards.documents[0]
    assert e.lower < 0.02 and e.status == Status.INCONCLUSIVE
    assert "anchors_unmatched" in {f.kind for f in found.findings}


def test_contaminated_anchors_are_a_finding_where_a_second_set_exists(rng):
    dirty = np.concatenate([human_scores(1600, rng), machine_scores(400, rng)])
    clean = reference(2000, rng)
    shards = {"a": mixed(0.1, 1000, rng)}
    doubted = estimate(shards, clean, reference(0, rng, trust=Trust.DATED, scores=dirty), rng=rng)
    assert "anchors_contaminated" in {f.kind for f in doubted.findings}
    alone = estimate(shards, clean, rng=rng)
    assert "anchors_unverified" in {f.kind for f in alone.findings}


def test_three_documents_and_no_scores_at_all_are_honest(rng):
    found = estimate({"three": mixed(0.3, 3, rng), "nan": np.full(5, np.nan)}, reference(500, rng), rng=rng)
    three, nothing = found.shards.documents
    assert three.upper - three.lower > 0.3
    assert nothing.status == Status.NOT_MEASURED
    assert "unscored" in {f.kind for f in found.findings}


def test_without_any_score_nothing_is_measured(rng):
    found = estimate({"nan": np.full(5, np.nan)}, reference(500, rng), rng=rng)
    assert found.corpus.documents[0].status == Status.NOT_MEASURED and not found.posteriors


def test_a_placebo_of_human_years_passes_and_a_contaminated_year_fails(rng):
    years = {year: human_scores(1500, rng) for year in ("2014", "2017", "2020")}
    known = anchors(reference(10, rng), rng=rng)
    clean = run_placebo(atoms(years), list(years), known, rng, options=QUICK)
    assert clean.passed and all(e.lower == 0 for e in clean.estimates)
    years["2021"] = mixed(0.4, 2500, rng)
    bad = run_placebo(atoms(years), list(years), known, rng, options=QUICK)
    assert "2021" in {f.scope for f in bad.findings}
    one = {"2014": human_scores(1500, rng)}
    assert run_placebo(atoms(one), list(one), known, rng).estimates[0].status == Status.NOT_MEASURED


def test_misses_are_rare_over_scores_that_are_clipped(rng):
    scores = np.concatenate([human_scores(900, rng), np.full(100, 30.0)])
    found = estimate({"a": scores}, reference(1000, rng), rng=rng).shards.documents[0]
    assert ScoreCounts.of(scores).sizes[0] == 1000
    assert found.upper >= 0.1
