"""Verdicts come from intervals, three ways, and false alarms stay rare however many shards are judged."""

from datetime import date

import numpy as np
import pytest

from auditor.errors import ConfigError
from auditor.gate.judge import judge
from auditor.gate.significance import difference, exceedance
from auditor.records import Estimate, Status

from .figures import SYNTHETIC, estimate, rules, shards

TODAY = date(2027, 1, 1)


def verdicts(policy, figures, **options) -> dict[str, str]:
    return {case.scope: case.verdict for case in judge(policy, figures, today=TODAY, **options).cases}


def test_the_interval_decides_three_ways():
    figures = shards(
        good=estimate(0.05, 0.03, 0.08),
        unsure=estimate(0.19, 0.11, 0.3),
        bad=estimate(0.4, 0.35, 0.45),
        warned=estimate(0.15, 0.12, 0.18),
        edge=estimate(0.09, 0.05, 0.2),
        census=estimate(0.2),
    )
    assert verdicts(rules(SYNTHETIC), figures) == {
        "good": "pass",
        "unsure": "inconclusive",
        "bad": "fail",
        "warned": "warn",
        "edge": "pass",
        "census": "warn",
    }


def test_a_bound_below_asks_for_enough():
    rule = 'name = "r"\nscope = "shard"\nquantity = "diversity.tail_retention"\nerror_below = 0.8\n'
    found = {"a": estimate(0.9, 0.85, 0.95), "b": estimate(0.5, 0.4, 0.6), "c": estimate(0.8, 0.7, 0.9)}
    figures = {("shard", name): {"diversity.tail_retention": e} for name, e in found.items()}
    assert verdicts(rules(rule), figures) == {"a": "pass", "b": "fail", "c": "inconclusive"}


@pytest.mark.parametrize("outcome", ["inconclusive", "pass", "fail"])
def test_a_figure_that_was_not_measured_is_what_the_rule_says(outcome):
    policy = rules(SYNTHETIC + f'not_measured = "{outcome}"')
    assert verdicts(policy, shards(a=Estimate.not_measured("nothing eligible"))) == {"a": outcome}


@pytest.mark.parametrize("ends", [(0.9, 0.8, 0.99), (0.05, 0.01, 0.08), (0.15, 0.12, 0.18)])
def test_an_inconclusive_figure_neither_fails_nor_passes_and_the_message_says_why(ends):
    """One scope of pure human text read as 90% machine-written must not fail a pipeline."""
    reason = "no reference covers this kind of text"
    unpromised = Estimate(*ends, 0.95, "test", 500, Status.INCONCLUSIVE, reason)
    found = judge(rules(SYNTHETIC), shards(a=unpromised), today=TODAY)
    assert (found.cases[0].verdict, found.exit_code) == ("inconclusive", 4)
    assert reason in found.cases[0].message
    assert "not judged" in found.cases[0].message


def test_an_inconclusive_figure_takes_no_part_in_the_correction_for_many_scopes():
    certain = shards(bad=estimate(0.4, 0.35, 0.45))
    crowd = shards(**{f"u{i}": Estimate(0.3, 0.0, 0.9, 0.95, "t", 9, Status.INCONCLUSIVE, "x") for i in range(5000)})
    assert verdicts(rules(SYNTHETIC), certain | crowd)["bad"] == "fail"


def test_a_rule_that_only_warns_blocks_nothing_on_an_inconclusive_figure():
    policy = rules('name = "r"\nscope = "shard"\nquantity = "synthetic_fraction"\nwarn_above = 0.1\n')
    unpromised = Estimate(0.9, 0.8, 0.99, 0.95, "test", 500, Status.INCONCLUSIVE, "misfit")
    assert verdicts(policy, shards(a=unpromised)) == {"a": "pass"}


def test_exit_codes_have_their_order():
    bad, unsure = shards(a=estimate(0.4, 0.35, 0.45)), shards(a=estimate(0.2, 0.1, 0.3))
    policy, strict = rules(SYNTHETIC), rules(SYNTHETIC, head="strict = true")
    assert judge(policy, bad, today=TODAY).exit_code == 1
    assert judge(policy, unsure, today=TODAY).exit_code == 4
    assert judge(strict, unsure, today=TODAY).exit_code == 1
    assert judge(policy, bad | shards(b=estimate(0.2, 0.1, 0.3)), today=TODAY).exit_code == 1
    assert judge(policy, bad, today=TODAY, complete=False).exit_code == 3
    assert judge(policy, shards(a=estimate(0.01)), today=TODAY).exit_code == 0
    incomplete = judge(policy, shards(a=estimate(0.01)), today=TODAY, complete=False)
    assert (incomplete.exit_code, incomplete.verdict) == (3, "inconclusive")


def test_a_rule_that_matches_nothing_is_an_error_unless_it_may():
    figures = shards(a=estimate(0.01))
    with pytest.raises(ConfigError, match="matches no shard"):
        judge(rules(SYNTHETIC + 'match = "crwal/*"'), figures, today=TODAY)
    assert verdicts(rules(SYNTHETIC + 'match = "crwal/*"\noptional = true'), figures) == {}
    with pytest.raises(ConfigError, match=r"no diversity\.q0"):
        judge(rules(SYNTHETIC.replace("synthetic_fraction", "diversity.q0")), figures, today=TODAY)


def test_match_and_except_choose_the_scopes():
    figures = {("shard", name): {"synthetic_fraction": estimate(0.5)} for name in ("w/a", "w/b", "x")}
    assert set(verdicts(rules(SYNTHETIC + 'match = "w/*"\nexcept = ["w/b"]'), figures)) == {"w/a"}


def test_a_waiver_excuses_until_its_date_and_an_expired_one_is_said():
    figures = shards(a=estimate(0.4, 0.35, 0.45))
    waiver = '[[waiver]]\nrule = "r"\nscope = "a"\nreason = "known"\nuntil = '
    kept = judge(rules(SYNTHETIC + waiver + "2027-01-01"), figures, today=TODAY)
    assert (kept.cases[0].verdict, kept.exit_code, kept.waivers[0].state) == ("waived", 0, "used")
    late = judge(rules(SYNTHETIC + waiver + "2026-12-31"), figures, today=TODAY)
    assert (late.cases[0].verdict, late.exit_code, late.waivers[0].state) == ("fail", 1, "expired")
    assert "expired" in late.cases[0].message
    idle = judge(rules(SYNTHETIC + waiver + "2028-01-01"), shards(a=estimate(0.01)), today=TODAY)
    assert idle.waivers[0].state == "unused"


def test_with_a_baseline_only_what_got_worse_fails():
    policy = rules(SYNTHETIC)
    now = shards(same=estimate(0.4, 0.35, 0.45), worse=estimate(0.6, 0.55, 0.65), new=estimate(0.4, 0.35, 0.45))
    before = shards(same=estimate(0.38, 0.33, 0.43), worse=estimate(0.4, 0.35, 0.45))
    assert verdicts(policy, now, baseline=before) == {"same": "not_worse", "worse": "fail", "new": "fail"}


def test_rules_find_bad_shards_among_a_thousand_and_accuse_hardly_any_good_one():
    rng = np.random.default_rng(1)
    truth = np.repeat([0.2, 0.1, 0.35], [500, 400, 100])
    n = 800
    found = rng.binomial(n, truth) / n
    half = 1.96 * np.sqrt(found * (1 - found) / n)
    figures = shards(**{f"s{i}": estimate(v, v - h, v + h) for i, (v, h) in enumerate(zip(found, half, strict=True))})
    out = verdicts(rules(SYNTHETIC), figures)
    by_truth = {t: [out[f"s{i}"] for i in np.flatnonzero(truth == t)] for t in (0.1, 0.2, 0.35)}
    false_fails = by_truth[0.2].count("fail") + by_truth[0.1].count("fail")
    assert by_truth[0.35].count("fail") == 100
    assert false_fails <= 0.05 * (100 + false_fails) + 3
    assert by_truth[0.2].count("pass") <= 0.025 * 500 + 3 * np.sqrt(0.025 * 500)


def test_p_values_agree_with_the_exact_binomial():
    from scipy import stats

    from auditor.statistics.intervals import wilson

    for successes, n, bound in ((30, 500, 0.04), (120, 500, 0.2), (8, 200, 0.01)):
        e = estimate(successes / n, *wilson(successes, n))
        p = exceedance(e, bound, above=True)
        exact = stats.binom.sf(successes - 1, n, bound)
        assert exact / 4 < p < exact * 4 + 0.01


def test_p_values_of_a_census_are_certain_and_those_of_nothing_are_none():
    assert exceedance(estimate(0.3), 0.2, above=True) == 0
    assert exceedance(estimate(0.1), 0.2, above=True) == 1
    assert exceedance(estimate(0.1), 0.2, above=False) == 0
    assert np.isnan(exceedance(Estimate.not_measured("x"), 0.2, above=True))


def test_a_difference_of_two_audits_covers_the_truth_even_with_the_same_random_numbers():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(0.3, 0.02), rng.normal(0.25, 0.02)
        noise = np.random.default_rng(7).normal(0, 0.02, 400)  # one seed: the draws of both go up and down together
        ea, eb = (estimate(v, v - 0.0392, v + 0.0392) for v in (a, b))
        change = difference(ea, eb, (a + noise, b + noise))
        hits += change.lower <= 0.05 <= change.upper
    assert 182 <= hits <= 199
