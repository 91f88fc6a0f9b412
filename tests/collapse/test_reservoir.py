"""The recommendation: its formulas, its bands, what it does with what cannot be sized."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collapse import closed_forms
from auditor.collapse.decoding import estimate_ratio
from auditor.collapse.options import Regime, ReservoirOptions, Sizing
from auditor.collapse.reservoir import recommend
from auditor.collapse.sizing import (
    NO_FINITE,
    TOO_IMPRECISE,
    Rare,
    Rarest,
    Reading,
    covering_tokens,
    mass_target,
    required_share,
    retained_target,
    size_stratum,
)
from auditor.collapse.spectrum import (
    Spectrum,
    coverage,
    design_effect,
    discovery,
    estimate_frequencies,
    rarest_covered,
    unseen_types,
)
from auditor.collapse.stratum import Admitted, DeclaredKind
from auditor.errors import ConfigError
from auditor.records import Estimate
from tests.collapse.strata import estimate, shards, stratum, zipf_spectrum

OPTIONS = ReservoirOptions()
PRIOR = {"tail_retention": Estimate.not_measured("no reference")}  # the stated prior of the decoding ratio is taken
KEYS = {
    "tokens",
    "documents",
    "bytes",
    "human_share",
    "regime",
    "sizing",
    "upsampling",
    "binding_constraint",
    "per_shard",
}
BANDS = ("optimistic", "central", "pessimistic")


def reading(**changes) -> Reading:
    return replace(Reading(0.1, 0.9, Regime.REPLACE_FRESH, Sizing.FIXED_COMPUTE), **changes)


def rare(types: float, expected: float) -> Rare:
    """So much text that its sampling plays no part."""
    return Rare(types, 0.05, expected, 1e15, 1e15)


def numbers(tree) -> list[float]:
    if isinstance(tree, dict):
        return [n for v in tree.values() for n in numbers(v)]
    if isinstance(tree, list):
        return [n for v in tree for n in numbers(v)]
    return [tree] if isinstance(tree, int | float) and not isinstance(tree, bool) else []


def test_the_girdled_spiders_have_the_published_coverage_and_richness():
    counts = np.array([46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2] + [1] * 12)
    spectrum = Spectrum.of_counts(counts)
    assert coverage(spectrum) == pytest.approx(0.9289, abs=5e-5)
    assert spectrum.types + unseen_types(spectrum) == pytest.approx(43.892857, abs=1e-6)
    assert estimate_frequencies(spectrum).mass.sum() == pytest.approx(1)


@pytest.mark.parametrize("wrong", [([1.0, np.nan], [1.0, 1.0]), ([0.0], [1.0]), ([1.0], [-1.0]), ([1.0], [1.0, 2.0])])
def test_an_impossible_spectrum_is_refused(wrong):
    with pytest.raises(ValueError):
        Spectrum(*map(np.array, wrong))


def test_p_min_is_recovered_from_a_sample_of_a_known_source():
    weights = np.arange(1, 3001) ** -0.7
    source = weights / weights.sum()
    known = source[np.searchsorted(np.cumsum(source), 0.9)]
    spectrum = Spectrum.of_counts(np.random.default_rng(1).poisson(100_000 * source))
    found = estimate_frequencies(spectrum)
    assert found.probability[rarest_covered(found, 0.9)] == pytest.approx(known, rel=0.1)


def test_the_decoding_ratio_is_recovered_with_errors_in_both():
    rng, hits = np.random.default_rng(2), 0
    fractions = np.linspace(0.05, 0.6, 15)
    for _ in range(200):
        seen_f, seen_x = rng.normal(fractions, 0.01), rng.normal(1 - 0.3 * fractions, 0.01)
        found = estimate_ratio(
            [(estimate(f, 0.0196), estimate(x, 0.0196)) for f, x in zip(seen_f, seen_x, strict=True)]
        )
        hits += found.lower <= 0.7 <= found.upper
        assert found.value == pytest.approx(0.7, abs=0.06)
    assert 0.89 <= hits / 200 <= 0.995


def test_a_small_fraction_says_next_to_nothing_of_decoding():
    found = estimate_ratio([(estimate(0.03), estimate(0.98, 0.01))])
    assert (found.lower, found.upper) == (pytest.approx(0, abs=0.01), pytest.approx(0.67, abs=0.01))


def test_a_tail_that_is_surely_larger_than_in_human_text_is_no_sign_of_loss():
    found = estimate_ratio([(estimate(0.3, 0.02), Estimate(1.2, 1.19, 1.21, method="given"))])
    assert found.value == pytest.approx(1, abs=1e-3) and found.lower > 0.99


def test_decoding_is_a_stated_prior_where_the_fraction_may_be_zero():
    found = recommend([stratum(fraction=estimate(0.02, 0.03))], [], OPTIONS).as_dict()
    source = found["assumptions"]["decoding_ratio"]["en"]
    assert "prior" in source["source"] and (source["lower"], source["value"], source["upper"]) == OPTIONS.ratio_prior


def test_the_share_rule_alone_is_the_joint_tail_rule():
    options = ReservoirOptions(generations=10, tolerance=0.1)
    share, constraint = required_share(rare(1e6, 5.0), reading(ratio=1.0), options)
    assert constraint == "tail presence"
    present = closed_forms.presence_fresh(5.0, 10, share)
    assert present == pytest.approx(retained_target(1e6, options) * -math.expm1(-5.0))
    share, constraint = required_share(rare(1e15, 1e6), reading(ratio=0.8), ReservoirOptions(generations=500))
    assert constraint == "tail mass" and share == pytest.approx(0.643, abs=5e-4)


def test_drift_and_decoding_together_ask_for_more_than_either():
    options = ReservoirOptions()
    both = required_share(rare(1e5, 0.5), reading(ratio=0.8), options)[0]
    drift = required_share(rare(1e5, 0.5), reading(ratio=1.0), options)[0]
    decoding = required_share(rare(1e5, 1e9), reading(ratio=0.8), options)[0]
    assert both > max(drift, decoding)


def test_the_mass_to_reach_allows_for_the_sample_that_human_text_is():
    assert mass_target(1e12, OPTIONS) == pytest.approx(0.9, abs=1e-5)
    assert mass_target(400, OPTIONS) == pytest.approx(0.9 * (1 + 1.645 / 20), abs=1e-4)
    assert mass_target(1, OPTIONS) == 1
    # machine-written text that keeps the whole tail needs no human text beside it, however little that would be
    some = Rare(types=12, share=0.05, expected=200, held=2_500, budget=50_000)
    assert required_share(some, reading(ratio=1.0), OPTIONS) == (0.0, "tail mass")


def test_repeats_of_acquired_text_are_no_new_occurrences():
    some = Rare(types=12, share=0.05, expected=200, held=2_500, budget=50_000)
    assert some.unique(0.05, 4) == pytest.approx(0.05 * 2_500)
    assert some.unique(0.65, 1) == pytest.approx(0.05 * 32_500)
    assert some.unique(0.65, 4) == pytest.approx(0.05 * (2_500 + 30_000 / 4))
    once, often = (required_share(some, reading(ratio=0.8), replace(OPTIONS, epochs=e))[0] for e in (1, 4))
    assert once < often


def test_words_that_stand_in_clumps_ask_for_more_human_text():
    even = zipf_spectrum()
    clumped = replace(even, incidence=np.maximum(even.frequency / 3, 1.0), units=1000)
    less, more = (acquired(OPTIONS, estimate(0.8), tokens=2e5, spectrum=s)[1] for s in (even, clumped))
    assert 0 < less < more < 0.8 * 2e5


def grouped(spectrum: Spectrum, effect: float, seed: int = 3) -> Spectrum:
    """The spectrum with counts in 400 groups whose shares of rare words differ so that all vary by a known effect."""
    rng, groups = np.random.default_rng(seed), 400
    expected = (spectrum.frequency * spectrum.multiplicity)[:, None] / groups
    # richness common to a group's words: variance e (1 + e v), e of the window that is asked for
    window = (spectrum.frequency >= 50) & (spectrum.frequency <= 100)
    variance = max(effect - 1, 1e-9) / float(expected[window].sum())
    richness = rng.gamma(1 / variance, variance, groups)
    by_group = rng.poisson(expected * richness).astype(float)
    return replace(spectrum, by_group=by_group, group_tokens=np.full(groups, by_group.sum() / groups))


@pytest.mark.parametrize("effect", [1.0, 2.5, 6.0])
def test_the_design_effect_of_whole_documents_is_recovered(effect):
    assert design_effect(grouped(zipf_spectrum(), effect), 50) == pytest.approx(effect, rel=0.2)


def test_without_groups_of_documents_words_count_as_independent():
    plain = zipf_spectrum()
    one = replace(
        plain, by_group=(plain.frequency * plain.multiplicity)[:, None], group_tokens=np.array([plain.tokens])
    )
    assert design_effect(plain, 10) == design_effect(one, 10) == 1


def test_documents_rich_and_poor_in_rare_words_ask_for_more_human_text():
    sizes = [acquired(OPTIONS, estimate(0.8), tokens=2e5, spectrum=grouped(zipf_spectrum(), e))[1] for e in (1, 4, 16)]
    assert 0 < sizes[0] < sizes[1] < sizes[2] < 0.8 * 2e5


def test_sizes_follow_their_formula():
    options = ReservoirOptions(min_occurrences=10, epochs=4, verification_precision=0.9)
    dirty = reading(fraction=0.8)
    size = size_stratum(stratum(), None, None, dirty, options)
    share, constraint = required_share(rare(1e9, 10 / 0.2), dirty, options)
    assert (size.required_share, size.constraint) == (pytest.approx(share, rel=1e-5), constraint)
    assert size.held == pytest.approx(0.2 * 2e9)
    assert size.tokens == pytest.approx((share * 2e9 - 0.2 * 2e9) / 0.9 / 4, rel=1e-5)
    assert size.human_share == pytest.approx(share, rel=1e-5)
    appended = size_stratum(stratum(), None, None, replace(dirty, sizing=Sizing.APPENDED), options)
    assert appended.slots == pytest.approx((share - 0.2) * 2e9 / (0.9 - share), rel=1e-5)
    assert appended.human_share == pytest.approx(share, rel=1e-5)


def test_text_that_clumps_in_documents_takes_more_of_it():
    rarest = Rarest(1e-9, 1e5, clumping=3.0)
    clumped, even = (
        size_stratum(stratum(), None, r, reading(), OPTIONS) for r in (rarest, replace(rarest, clumping=1.0))
    )
    needed = covering_tokens(rarest, OPTIONS)
    assert clumped.tokens == pytest.approx(3 * needed - 0.9 * 2e9)
    assert even.tokens == pytest.approx(needed - 0.9 * 2e9)
    assert clumped.constraint == "coverage in documents"


def test_a_human_share_of_one_cannot_be_appended():
    size = size_stratum(stratum(), None, None, reading(floor=1.0, sizing=Sizing.APPENDED), OPTIONS)
    assert size == NO_FINITE
    fixed = size_stratum(stratum(), None, None, reading(floor=1.0), OPTIONS)
    assert fixed.slots == pytest.approx(0.1 * 2e9)


def test_text_that_is_too_seldom_human_cannot_reach_the_share_and_says_so():
    options = ReservoirOptions(verification_precision=0.3)
    found = size_stratum(stratum(), None, None, reading(fraction=0.95, ratio=0.8), options)
    assert found == TOO_IMPRECISE


def test_the_answer_has_the_keys_of_the_report_and_json_can_hold_it():
    found = recommend([stratum("en"), stratum("de", tokens=1e8)], shards(), OPTIONS).as_dict()
    assert {"horizon", "tolerance", *BANDS, "priorities", "policy", "appended"} <= set(found)
    for row in [*(found[b] for b in BANDS), *found["appended"].values()]:
        assert set(row) >= KEYS
        assert row["reason"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["sizing"] for row in found["appended"].values()] == ["appended"] * 3


def test_bands_widen_from_optimistic_to_pessimistic_and_floors_never_lower_them():
    found = recommend([stratum()], shards(), OPTIONS).as_dict()
    tokens = [found[b]["tokens"] for b in BANDS]
    assert tokens == sorted(tokens)
    assert all(row["tokens"] >= found[b]["tokens"] for b, row in zip(BANDS, found["policy"], strict=True))
    assert all("not derived" in row["label"] for row in found["policy"])


def test_shards_share_out_exactly_what_is_asked_for_and_the_worst_get_most():
    spread = [replace(s, fraction=estimate(0.5 + 0.05 * i, 0.01), **PRIOR) for i, s in enumerate(shards())]
    found = recommend([stratum(fraction=estimate(0.675, 0.01), **PRIOR)], spread, OPTIONS).as_dict()["pessimistic"]
    parts = [row["tokens"] for row in found["per_shard"]]
    assert sum(parts) == pytest.approx(found["tokens"], abs=len(parts))
    assert parts == sorted(parts) and parts[-1] > parts[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fraction": Estimate.not_measured("no anchors")}, "not measured (no anchors)"),
        ({"fraction": Estimate(0.5, 0.0, 1.0)}, "[0, 1]"),
        ({"tokens": 0.0}, "no eligible tokens"),
        ({"declared": (Admitted("made", 2e9, "solver", 0.1, 0.9, 0.1, horizon=10),)}, "admitted"),
    ],
)
def test_what_cannot_be_sized_says_why_and_has_no_numbers(changes, said):
    found = recommend([stratum(**changes)], shards(), OPTIONS).as_dict()
    for band in BANDS:
        row = found[band]
        assert row["reason"].startswith("cannot be sized because") and said in row["reason"]
        assert row["tokens"] is None and row["documents"] is None and row["human_share"] is None
        assert row["per_shard"] == []


def test_no_stratum_at_all_is_said_too():
    assert "no stratum" in recommend([], [], OPTIONS).as_dict()["central"]["reason"]


@pytest.mark.parametrize("spectrum", [None, Spectrum(np.empty(0), np.empty(0))])
def test_without_a_spectrum_the_share_is_sized_and_coverage_is_not(spectrum):
    bare = stratum(spectrum=spectrum, fraction=estimate(0.9, 0.05), **PRIOR)
    found = recommend([bare], [], OPTIONS).as_dict()
    assert found["central"]["tokens"] > 0 and found["coverage"] == [] and found["coverage_reached"] is None
    asked = recommend([bare], [], replace(OPTIONS, coverage_share=0.99)).as_dict()["central"]
    assert asked["tokens"] is None and "spectrum is not measured" in asked["reason"]


def test_a_stratum_that_cannot_be_sized_is_named_beside_the_rest():
    unknown = stratum("xx", fraction=Estimate.not_measured("no anchors"))
    found = recommend([stratum(fraction=estimate(0.9), **PRIOR), unknown], [], OPTIONS).as_dict()["central"]
    assert found["tokens"] > 0 and "xx" in found["reason"] and [s["stratum"] for s in found["strata"]] == ["en"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tolerance": 0.0},
        {"tolerance": 1.0},
        {"tolerance": math.nan},
        {"generations": 0},
        {"miss": 0.0},
        {"min_occurrences": 0},
        {"epochs": 0.5},
        {"epochs": math.inf},
        {"verification_precision": 0.0},
        {"coverage_share": 1.0},
        {"credit": 2.0},
        {"rarest_frequency": 0.0},
        {"ratio_prior": (0.9, 0.8, 0.99)},
    ],
)
def test_impossible_options_stop_with_a_statement(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ReservoirOptions(**wrong)


@settings(max_examples=60, deadline=None)
@given(
    value=st.floats(0, 1),
    half=st.floats(0, 0.49),
    tolerance=st.floats(0.001, 0.999),
    generations=st.integers(1, 60),
    tokens=st.floats(1, 1e13),
    occurrences=st.integers(1, 50),
)
def test_no_report_ever_holds_an_infinite_or_negative_number(value, half, tolerance, generations, tokens, occurrences):
    options = ReservoirOptions(generations, tolerance, min_occurrences=occurrences)
    spectrum = zipf_spectrum(500, 2000)
    corpus = [stratum(tokens=tokens, fraction=estimate(value, half), spectrum=spectrum)]
    found = recommend(corpus, shards(), options).as_dict()
    assert all(math.isfinite(n) and n >= 0 for n in numbers(found))
    for band in BANDS:
        assert found[band]["tokens"] is not None or found[band]["reason"]
        assert found[band]["human_share"] is None or 0 <= found[band]["human_share"] <= 1


OPTION_SETS = st.builds(
    ReservoirOptions,
    generations=st.integers(1, 40),
    tolerance=st.floats(0.02, 0.5),
    min_occurrences=st.integers(1, 30),
    epochs=st.floats(1, 8),
    regime=st.sampled_from([None, *Regime]),
)


def acquired(options: ReservoirOptions, fraction: Estimate, **changes) -> list[float]:
    found = recommend([stratum(fraction=fraction, **(PRIOR | changes))], [], options).as_dict()["acquire"]
    return [found[band]["tokens"] for band in BANDS]


@settings(max_examples=60, deadline=None)
@given(options=OPTION_SETS)
def test_nothing_is_to_be_acquired_where_all_text_is_human_and_kept(options):
    assert acquired(options, estimate(0.0)) == [0, 0, 0]


@settings(max_examples=60, deadline=None)
@given(options=OPTION_SETS, fractions=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)))
def test_what_is_to_be_acquired_grows_with_the_fraction_and_never_exceeds_the_corpus(options, fractions):
    # with fewer occurrences presence binds, and less human text means fewer types to keep
    options = replace(options, min_occurrences=max(options.min_occurrences, 5))
    low, high = (acquired(options, estimate(f), spectrum=None) for f in sorted(fractions))
    for less, more in zip(low, high, strict=True):
        assert less <= more + 2
        assert more <= 2e9 * max(fractions) + 1


@settings(max_examples=40, deadline=None)
@given(options=OPTION_SETS, fractions=st.tuples(st.floats(0.0, 0.97), st.floats(0.0, 0.97)))
def test_it_grows_with_the_fraction_of_a_small_corpus_of_known_words_too(options, fractions):
    options = replace(options, min_occurrences=max(options.min_occurrences, 5))
    low, high = (acquired(options, estimate(f), tokens=2e5) for f in sorted(fractions))
    for less, more in zip(low, high, strict=True):
        # the words as rare as the rarest to be kept are counted, so that a step of one frequency is seen
        assert less <= more + 0.02 * 2e5
        assert more <= 2e5 * max(fractions) + 1


@settings(max_examples=60, deadline=None)
@given(
    options=OPTION_SETS,
    horizons=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    tolerances=st.tuples(st.floats(0.02, 0.5), st.floats(0.02, 0.5)),
    fraction=st.floats(0.05, 0.95),
)
def test_what_is_to_be_acquired_grows_with_the_horizon_and_falls_with_the_tolerance(
    options, horizons, tolerances, fraction
):
    near, far = sorted(horizons)
    strict, loose = sorted(tolerances)
    f = estimate(fraction)
    # with fewer occurrences presence binds: the band that holds more human text has rarer types to keep
    options = replace(options, min_occurrences=max(options.min_occurrences, 5))
    for band in range(3):
        shorter, longer = (acquired(replace(options, generations=g), f)[band] for g in (near, far))
        assert shorter <= longer + 2
        stricter, looser = (acquired(replace(options, tolerance=t), f)[band] for t in (strict, loose))
        assert looser <= stricter + 2


@settings(max_examples=40, deadline=None)
@given(options=OPTION_SETS, verified=st.tuples(st.floats(0, 1.0), st.floats(0, 1.0)))
def test_what_is_to_be_acquired_falls_with_the_human_text_that_is_held(options, verified):
    # with fewer occurrences presence binds, and more human text means rarer types to keep
    options = replace(options, min_occurrences=max(options.min_occurrences, 5))
    less, more = (acquired(options, estimate(0.95), verified_tokens=2e9 * share) for share in sorted(verified))
    assert all(b <= a + 2 for a, b in zip(less, more, strict=True))


@settings(max_examples=40, deadline=None)
@given(options=OPTION_SETS, value=st.floats(0.1, 0.9), half=st.floats(0.005, 0.09))
def test_bands_differ_wherever_the_fraction_is_no_point(options, value, half):
    # with fewer occurrences presence binds, and the band that holds more human text has rarer types to keep
    options = replace(options, min_occurrences=max(options.min_occurrences, 5))
    found = recommend([stratum(fraction=estimate(value, half))], [], options).as_dict()
    held = [found[band]["human_tokens"] for band in BANDS]
    assert held[0] > held[1] > held[2]
    tokens = [found[band]["tokens"] for band in BANDS]
    if options.regime is not None and found["central"]["tokens"] > 0:
        assert tokens[0] < tokens[1] < tokens[2]


def test_the_answer_is_not_three_equal_figures_for_any_fraction():
    seen = {tuple(acquired(OPTIONS, estimate(f, 0.05))) for f in (0.6, 0.7, 0.8, 0.9)}
    assert len(seen) == 4 and all(a < b < c for a, b, c in seen)


def test_a_corpus_of_machine_text_keeps_nothing_and_acquires_the_whole_share():
    found = recommend([stratum(fraction=estimate(1.0), **PRIOR)], [], OPTIONS).as_dict()
    assert found["keep"]["tokens"]["value"] == 0
    for band in BANDS:
        row = found[band]
        assert row["tokens"] == pytest.approx(row["required_share"] * 2e9 / OPTIONS.epochs, abs=2)
        assert row["required_share"] < 1
    assert found["central"]["tokens"] > 0


def test_coverage_sizes_only_where_it_is_asked_for():
    clean = estimate(0.02, 0.01)
    assert acquired(OPTIONS, clean, tokens=2e5) == [0, 0, 0]
    assert all(tokens > 2e5 for tokens in acquired(replace(OPTIONS, coverage_share=0.99), clean, tokens=2e5))
    assert all(tokens > 0 for tokens in acquired(replace(OPTIONS, rarest_frequency=1e-6), clean, tokens=2e5))


def test_the_coverage_curve_rises_and_says_where_the_corpus_stands():
    found = recommend([stratum(tokens=2e5)], [], OPTIONS).as_dict()
    curve, here = found["coverage"], found["coverage_reached"]
    assert [row["tokens"] for row in curve] == sorted(row["tokens"] for row in curve)
    assert [row["reached"] for row in curve] == sorted((row["reached"] for row in curve), reverse=True)
    below = [row["share"] for row in curve if row["reached"]]
    above = [row["share"] for row in curve if not row["reached"]]
    assert max(below) <= here["share"] + 0.01 and min(above) >= here["share"] - 0.01
    assert here["tokens"] == pytest.approx(0.9 * 2e5, abs=1)


def test_credit_moves_along_the_interval_of_the_fraction():
    wide = estimate(0.8, 0.1)
    believed = [acquired(replace(OPTIONS, credit=c), wide)[2] for c in (0.0, 0.25, 0.5, 1.0)]
    exact = [acquired(OPTIONS, estimate(f))[2] for f in (0.9, 0.85, 0.8, 0.7)]
    assert believed == pytest.approx(exact)


def test_the_recommendation_changes_with_fraction_horizon_and_decoding():
    def tokens(options=OPTIONS, ratio=0.95, **changes) -> float:
        dirty = {"fraction": estimate(0.9, 0.05)} | changes
        return recommend([stratum(**dirty)], shards(ratio=ratio), options).as_dict()["pessimistic"]["tokens"]

    base = tokens()
    assert tokens(options=ReservoirOptions(generations=30)) > base
    assert tokens(fraction=estimate(0.7, 0.05)) < base
    assert tokens(ratio=0.8) > base


def test_only_verified_synthetic_text_is_admitted():
    good = Admitted("proofs", 1e8, "checker", error_rate=0.5, keep_right=0.9, keep_wrong=0.3)
    bad = replace(good, name="chat", error_rate=0.8)
    unverified = replace(good, verifier="")
    assert good.threshold == pytest.approx(0.75)
    assert good.passes and not bad.passes and not unverified.passes
    plain, with_bad, with_good = (
        size_stratum(stratum(declared=d), None, None, reading(fraction=0.9), OPTIONS) for d in ((), (bad,), (good,))
    )
    assert with_bad.tokens == plain.tokens
    assert with_good.tokens < plain.tokens


def test_declared_text_is_credited_by_its_kind_and_for_its_horizon():
    verified = Admitted("proofs", 1e8, "checker", 0.5, 0.9, 0.3)
    rephrased = replace(verified, kind=DeclaredKind.REPHRASED, verifier="")
    generated = replace(verified, kind=DeclaredKind.GENERATED)
    assert verified.credited_tokens(3) == 1e8 and verified.credited_tokens(6) == pytest.approx(5e7)
    assert replace(verified, horizon=20).credited_tokens(10) == 1e8
    assert rephrased.credited_tokens(1) == 1e8 and rephrased.credited_tokens(10) == pytest.approx(1e7)
    assert generated.credited_tokens(1) == 0
    much = replace(rephrased, tokens=1.8e9)
    assert stratum(declared=(much,)).admitted_tokens(1) == pytest.approx(2e9 / 3)


def test_the_next_token_goes_where_it_discovers_most():
    poor, rich = zipf_spectrum(200, 200_000), zipf_spectrum(100_000, 200_000)
    rows = recommend([stratum("poor", spectrum=poor), stratum("rich", spectrum=rich)], [], OPTIONS).as_dict()[
        "priorities"
    ]
    assert [row["stratum"] for row in rows] == ["rich", "poor"]
    assert rows[0]["priority"] == pytest.approx((1 - rows[0]["decoding_ratio"]) * discovery(rich, 0.9 * 2e9))


@pytest.mark.parametrize("grown", [3, 10, 30])
def test_discovery_at_a_larger_size_is_foretold_from_a_sample(grown):
    weights = np.arange(1, 2_000_001) ** -1.5
    source, rng = weights / weights.sum(), np.random.default_rng(4)
    small, large = (Spectrum.of_counts(rng.poisson(n * source)) for n in (50_000, grown * 50_000))
    assert discovery(small, large.tokens) == pytest.approx(large.singleton_rate, rel=0.12)


def test_p_min_below_one_occurrence_is_called_a_bound_and_the_corpus_stands_in():
    asked = replace(OPTIONS, coverage_share=0.99)
    small = stratum("small", tokens=1e4, spectrum=zipf_spectrum(20_000, 5_000))
    note = recommend([small], [], asked).as_dict()["central"]["notes"]
    assert any("rather too low" in text for text in note)
    whole = recommend([stratum()], [], asked).ready[0]
    (ready,) = recommend([small], [], asked, whole=whole).ready
    assert ready.covered.frequency == whole.covered.frequency


def test_an_admitted_shard_is_no_gap_to_fill():
    given_ = [replace(shard, fraction=estimate(0.9)) for shard in shards()]
    made = Admitted(given_[-1].name, given_[-1].tokens, "checker", 0.2, 0.9, 0.1)
    whole = stratum(declared=(made,), fraction=estimate(0.9, 0.01))
    rows = recommend([whole], given_, OPTIONS).as_dict()["pessimistic"]["per_shard"]
    assert rows[-1]["tokens"] == 0 and all(row["tokens"] > 0 for row in rows[:-1])
