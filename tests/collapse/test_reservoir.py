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
from auditor.collapse.sizing import NO_FINITE, Rarest, Reading, required_share, retained_target, size_stratum
from auditor.collapse.spectrum import Spectrum, coverage, discovery, estimate_frequencies, rarest_covered, unseen_types
from auditor.collapse.stratum import Admitted
from auditor.errors import ConfigError
from auditor.records import Estimate
from tests.collapse import published
from tests.collapse.strata import estimate, shards, stratum, zipf_spectrum

OPTIONS = ReservoirOptions()
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
    return replace(Reading(0.1, 0.9, Regime.REPLACE_FRESH, 1.0, Sizing.FIXED_COMPUTE), **changes)


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


def test_decoding_is_a_stated_prior_where_the_fraction_may_be_zero():
    found = recommend([stratum(fraction=estimate(0.02, 0.03))], [], OPTIONS).as_dict()
    source = found["assumptions"]["decoding_ratio"]["en"]
    assert "prior" in source["source"] and (source["lower"], source["value"], source["upper"]) == OPTIONS.ratio_prior


def test_the_share_rule_alone_is_the_joint_tail_rule():
    options = ReservoirOptions(generations=10, tolerance=0.1)
    share, constraint = required_share(5.0, 1e6, reading(ratio=1.0), options)
    assert constraint == "tail presence"
    present = closed_forms.presence_fresh(5.0, 10, share)
    assert present == pytest.approx(retained_target(1e6, options) * -math.expm1(-5.0))
    share, constraint = required_share(1e6, 1e12, reading(ratio=0.8), ReservoirOptions(generations=500))
    assert constraint == "tail mass" and share == pytest.approx(0.643, abs=5e-4)


def test_drift_and_decoding_together_ask_for_more_than_either():
    options = ReservoirOptions()
    both = required_share(0.5, 1e5, reading(ratio=0.8), options)[0]
    drift = required_share(0.5, 1e5, reading(ratio=1.0), options)[0]
    assert both > max(drift, published.share_for_decoding(0.8, 0.1))


def test_sizes_follow_their_formula():
    options = ReservoirOptions(min_occurrences=10, epochs=4, verification_precision=0.9)
    here, given_ = stratum(), reading(credit=0.5)
    rarest = Rarest(1e-8, 1e6)
    size = size_stratum(here, rarest, given_, options)
    missing = max(0.0, size.required_share * 2e9 - 0.5 * 0.9 * 2e9)
    assert size.tokens == pytest.approx(max(closed_forms.occurrences(10, 0.05) / 1e-8, missing / 4) / 0.9)
    assert size.constraint == "coverage"
    appended = size_stratum(here, Rarest(1e-4, 1e6), replace(given_, sizing=Sizing.APPENDED, credit=0.0), options)
    m = appended.required_share
    assert appended.slots == pytest.approx(m * 2e9 / (1 - m))
    assert appended.human_share == pytest.approx(m)


def test_text_that_clumps_in_documents_takes_more_of_it():
    rarest = Rarest(1e-7, 1e5, clumping=3.0)
    clumped, even = (size_stratum(stratum(), r, reading(), OPTIONS) for r in (rarest, replace(rarest, clumping=1.0)))
    assert clumped.tokens == pytest.approx(3 * even.tokens)
    assert clumped.constraint == "coverage in documents"


def test_a_human_share_of_one_cannot_be_appended():
    size = size_stratum(stratum(), Rarest(1e-4, 1e6), reading(floor=1.0, sizing=Sizing.APPENDED), OPTIONS)
    assert size == NO_FINITE
    fixed = size_stratum(stratum(), Rarest(1e-4, 1e6), reading(floor=1.0), OPTIONS)
    assert fixed.slots == pytest.approx(0.1 * 2e9)


def test_the_answer_has_the_keys_of_the_report_and_json_can_hold_it():
    found = recommend([stratum("en"), stratum("de", tokens=1e8)], shards(), OPTIONS).as_dict()
    assert {"horizon", "tolerance", *BANDS, "priorities", "policy", "appended"} <= set(found)
    for row in [*(found[b] for b in BANDS), *found["policy"], *found["appended"].values()]:
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
    found = recommend([stratum(fraction=estimate(0.1, 0.01))], shards(ratio=0.5), OPTIONS).as_dict()["central"]
    parts = [row["tokens"] for row in found["per_shard"]]
    assert sum(parts) == pytest.approx(found["tokens"], abs=len(parts))
    assert parts == sorted(parts) and parts[-1] > parts[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fraction": Estimate.not_measured("no anchors")}, "not measured (no anchors)"),
        ({"fraction": Estimate(0.5, 0.0, 1.0)}, "[0, 1]"),
        ({"tokens": 0.0}, "no eligible tokens"),
        ({"spectrum": None}, "spectrum is not measured"),
        ({"spectrum": Spectrum(np.empty(0), np.empty(0))}, "spectrum is not measured"),
        ({"declared": (Admitted("made", 2e9, "solver", 0.1, 0.9, 0.1),)}, "admitted"),
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


def test_a_stratum_that_cannot_be_sized_is_named_beside_the_rest():
    found = recommend([stratum(), stratum("xx", spectrum=None)], shards(), OPTIONS).as_dict()["central"]
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


@settings(max_examples=40, deadline=None)
@given(
    fractions=st.tuples(st.floats(0.01, 0.9), st.floats(0.01, 0.9)),
    horizons=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_more_contamination_and_a_longer_horizon_never_need_less(fractions, horizons):
    low, high = sorted(fractions)
    near, far = sorted(horizons)
    rarest = Rarest(3e-9, 1e4)
    less = size_stratum(stratum(), rarest, reading(fraction=low), ReservoirOptions(near, min_occurrences=1))
    more = size_stratum(stratum(), rarest, reading(fraction=high), ReservoirOptions(far, min_occurrences=1))
    assert more.tokens >= less.tokens * (1 - 1e-9)


def test_the_recommendation_changes_with_spectrum_fraction_and_horizon():
    def tokens(options=OPTIONS, **changes) -> float:
        return recommend([stratum(**changes)], shards(ratio=0.95), options).as_dict()["pessimistic"]["tokens"]

    assert tokens(tokens=1e6) != tokens(tokens=1e6, spectrum=zipf_spectrum(exponent=0.6))
    base = tokens()
    assert tokens(options=ReservoirOptions(generations=30)) > base
    fixed = ReservoirOptions(credit=1.0, coverage_share=0.5)
    assert tokens(fixed, fraction=estimate(0.9, 0.05)) > tokens(fixed, fraction=estimate(0.5, 0.05))


def test_only_verified_synthetic_text_is_admitted():
    good = Admitted("proofs", 1e8, "checker", error_rate=0.5, keep_right=0.9, keep_wrong=0.3)
    bad = replace(good, name="chat", error_rate=0.8)
    unverified = replace(good, verifier="")
    assert good.threshold == pytest.approx(0.75)
    assert good.passes and not bad.passes and not unverified.passes
    rarest, options = Rarest(1e-4, 1e6), ReservoirOptions()
    plain, with_bad, with_good = (
        size_stratum(stratum(declared=d), rarest, reading(credit=0.5), options) for d in ((), (bad,), (good,))
    )
    assert with_bad.tokens == plain.tokens
    assert with_good.tokens < plain.tokens


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
    small = stratum("small", tokens=1e6, spectrum=zipf_spectrum(20_000, 5_000))
    note = recommend([small], [], OPTIONS).as_dict()["central"]["notes"]
    assert any("rather too low" in text for text in note)
    whole = recommend([stratum()], [], OPTIONS).ready[0]
    (ready,) = recommend([small], [], OPTIONS, whole=whole).ready
    assert ready.rarest.frequency == whole.rarest.frequency


def test_an_admitted_shard_is_no_gap_to_fill():
    given_ = shards()
    made = Admitted(given_[-1].name, given_[-1].tokens, "checker", 0.2, 0.9, 0.1)
    options = replace(OPTIONS, rarest_frequency=0.01)
    rows = recommend([stratum(declared=(made,))], given_, options).as_dict()["pessimistic"]["per_shard"]
    assert rows[-1]["tokens"] == 0 and all(row["tokens"] > 0 for row in rows[:-1])
